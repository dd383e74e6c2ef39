import { resolve } from "node:path";
import { Annotations, Duration, Tags, Token } from "aws-cdk-lib";
import type { IRestApi } from "aws-cdk-lib/aws-apigateway";
import type { IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import * as iam from "aws-cdk-lib/aws-iam";
import type { IFunctionUrl } from "aws-cdk-lib/aws-lambda";
import { Construct, type IConstruct } from "constructs";
import { POLICY_NAME } from "../wasm/constants.js";
import { type Api, allRoutesArn, apiOf, apiOfStage, arnOf, placeOf } from "./api.js";
import { type Assertions, violations } from "./checks.js";
import { type ErrorCode, XacctSignError } from "./errors.js";
import { arnSuffixes, type Finding, type Opening, type Stage, type StageRole, type Statement } from "./module.js";
import { checkAccount, checkPlace } from "./place.js";
import {
  addFunctionPolicy,
  addToPolicy,
  inPartition,
  onApi,
  type Places,
  restApiStatements,
  TrustPolicy,
  trustIn,
} from "./policy.js";
import type { CrossAccountApiAccessProps, FromManifest, ManifestProps } from "./props.js";
import { checkProps } from "./shape.js";
import { stageOfManifest, stageOfProps } from "./source.js";

/**
 * What lets other accounts call a stage of an API that is authorized by IAM: an HTTP API, a REST API or a function's URL.
 *
 * By role, callers that may use every route share a role, `ApiAllowByIamRole{Stage}`; a caller with routes of its own has one
 * of its own. Directly, the policy of the API or of the function names the callers. The documents are those of `xacct-sign
 * render`, checked by the same code: errors throw, warnings become annotations (`cdk synth --strict` fails on them,
 * `Annotations.of(access).acknowledgeWarning(id)` accepts one).
 *
 * @example
 * new CrossAccountApiAccess(this, "Access", { manifest: "xacct.toml", stage: "stag", httpApi });
 */
export class CrossAccountApiAccess extends Construct {
  /**
   * The ARN of every method and path of an API's stage, as a policy's resource.
   *
   * @param api the API
   * @param apiStage the stage's name in API Gateway, by default `$default`; of a REST API the stage that it is deployed to
   */
  static allRoutesArn(api: IHttpApi | IRestApi, apiStage?: string): string {
    return allRoutesArn(api, apiStage);
  }

  /**
   * What the policy of a REST API has to say for a stage of a manifest, for an API that the construct does not reach: pass it
   * where the API is made, `new RestApi(this, "Api", { policy: CrossAccountApiAccess.resourcePolicy({ manifest, stage }) })`.
   *
   * @throws XacctSignError when the manifest is wrong, or the stage needs no such policy
   */
  static resourcePolicy(props: Pick<FromManifest, "manifest" | "stage">): iam.PolicyDocument {
    checkProps(props);
    const stage = stageOfManifest(props);
    for (const finding of stage.findings) refuse(finding);
    if (stage.target !== "rest_api" || stage.resourceStatements.length === 0) {
      const message = `stage \`${props.stage}\` of \`${props.manifest}\` needs no policy of a REST API`;
      const hint = "it is for REST APIs with direct access, and for private ones";
      throw new XacctSignError("invalid_props", message, hint);
    }
    const places: Places = { account: stage.account, apiArn: stage.apiArn, isPartitionKnown: true };
    const statements = restApiStatements(stage, places);
    return new iam.PolicyDocument({
      statements: statements.map((statement) => iam.PolicyStatement.fromJson(statement)),
    });
  }

  /** The HTTP API, if it is one. */
  readonly httpApi: IHttpApi | undefined;
  /** The REST API, if it is one. */
  readonly restApi: IRestApi | undefined;
  /** The function's URL, if it is one and this app makes it. */
  readonly functionUrl: IFunctionUrl | undefined;
  /** The ARN of every method and path of the stage; of a function URL, which knows no routes in policies, the function's. */
  readonly allRoutesArn: string;
  /** The roles: those that callers share, then those of single callers. None where callers come in directly. */
  readonly roles: readonly iam.Role[];

  private readonly byCaller = new Map<string, iam.Role>();
  private readonly openings: Opening[] = [];
  private readonly assertions: Assertions;
  private readonly api: Api;
  private readonly stage: Stage;
  private readonly places: Places;
  private readonly source: Pick<FromManifest, "manifest" | "stage"> | undefined;

  /**
   * @throws XacctSignError when a manifest, a caller or a prop is wrong, when a document is longer than AWS takes, or when
   * what a caller may use is not authorized by IAM
   */
  constructor(scope: Construct, id: string, props: CrossAccountApiAccessProps) {
    super(scope, id);
    checkProps(props);
    const passed = apiOf(props);
    const isManifest = isFromManifest(props);
    // Callers in code have an API, which has been checked.
    const stage = isManifest ? stageOfManifest(props) : stageOfProps(props, passed as Api);
    this.report(stage.findings);

    this.stage = stage;
    this.source = isManifest ? { manifest: resolve(props.manifest), stage: props.stage } : undefined;
    if (isManifest && passed !== undefined) checkPlace(this, props, passed, stage);
    this.api = isManifest ? apiOfStage(this, passed, stage) : (passed as Api);
    const { account, region } = placeOf(this.api);
    checkAccount(this, this.api, isManifest ? stage.account : account, isManifest ? "the manifest's" : "the API's");
    this.httpApi = this.api.kind === "http_api" ? this.api.construct : undefined;
    this.restApi = this.api.kind === "rest_api" ? this.api.construct : undefined;
    this.functionUrl = this.api.kind === "function_url" ? this.api.construct : undefined;
    this.assertions = {
      allRoutesUseIam: props.assertAllRoutesUseIam === true,
      withoutIam: props.routesWithoutIam ?? [],
    };
    this.places = {
      account: isManifest ? stage.account : account,
      apiArn: arnOf(this.api, stage, isManifest),
      isPartitionKnown: isManifest || !Token.isUnresolved(region),
    };
    this.allRoutesArn = this.api.kind === "function_url" ? this.places.apiArn : `${this.places.apiArn}/*`;

    this.openings.push(...stage.openings);
    this.refuseViolations();
    this.roles = stage.roles.map((role) => this.makeRole(role));
    this.addResourcePolicy();
    this.node.addValidation({
      validate: () => this.violations("synthesis").map(({ code, message, hint }) => `${code}: ${message}; ${hint}`),
    });
  }

  /**
   * The role, if there is exactly one.
   *
   * @throws XacctSignError `not_one_role`
   */
  get role(): iam.Role {
    const [role] = this.roles;
    if (role !== undefined && this.roles.length === 1) return role;
    const none = this.stage.isDirect ? "callers come in directly, without a role" : "no caller is on the stage";
    throw new XacctSignError(
      "not_one_role",
      `\`${this.node.path}\` has ${this.roles.length} roles`,
      role === undefined ? none : "use `roles`, or `roleFor(caller)`",
    );
  }

  /**
   * The role that a caller assumes on this stage.
   *
   * @param caller its name in the manifest or in `callers`
   * @throws XacctSignError `unknown_caller`, or `not_one_role` where callers come in directly
   */
  roleFor(caller: string): iam.Role {
    const role = this.byCaller.get(caller);
    if (role !== undefined) return role;
    if (this.stage.isDirect) return this.role;
    const known = [...this.byCaller.keys()].map((name) => `\`${name}\``).join(", ") || "none";
    throw new XacctSignError(
      "unknown_caller",
      `there is no caller \`${caller}\` on the stage`,
      `its callers are: ${known}`,
    );
  }

  /**
   * Allows a principal of the API's own account to invoke every route of the stage.
   *
   * @throws XacctSignError `route_not_iam` when a route is not authorized by IAM; one that is added later fails the synthesis
   */
  grantInvokeAll(grantee: iam.IGrantable): iam.Grant {
    return this.grant(grantee, [{ suffixes: ["*"] }], (statement) => statement);
  }

  /**
   * Allows a principal of the API's own account to invoke some routes of the stage.
   *
   * @param grantee who
   * @param routes `METHOD /path` each, `ANY` for the seven methods, `{name}` for one segment, `{name+}` or `*` at the end for
   * the rest. IAM's `*`, which a variable becomes, spans `/`
   * @throws XacctSignError `invalid_route` when a text is none, `route_not_iam` when a route that it opens is not authorized
   * by IAM; one that is added later, or one that is not there, fails the synthesis. `routes_not_enforced` for a function URL
   */
  grantInvoke(grantee: iam.IGrantable, routes: readonly string[]): iam.Grant {
    if (!Array.isArray(routes) || routes.length === 0) {
      throw new XacctSignError("invalid_route", "no routes are given", "list routes, or use `grantInvokeAll`");
    }
    if (this.api.kind === "function_url") {
      const message = "a function URL's policy knows no path and no method";
      throw new XacctSignError(
        "routes_not_enforced",
        message,
        "use `grantInvokeAll`, and let the function check routes",
      );
    }
    const openings = routes.map((route) => ({ suffixes: suffixesOf(route), route }));
    const suffixes = [...new Set(openings.flatMap((opening) => opening.suffixes))];
    const Resource = suffixes.map((suffix) => this.allRoutesArn.slice(0, -1) + suffix);
    return this.grant(grantee, openings, (statement) => ({ ...statement, Resource }));
  }

  private grant(
    grantee: iam.IGrantable,
    openings: readonly Opening[],
    map: (statement: Statement) => Statement,
  ): iam.Grant {
    this.openings.push(...openings);
    this.refuseViolations();
    const grants = this.stage.everyRoute.map((statement) => {
      const { Action, Resource = [], Condition } = map(onApi(this.stage, this.places, statement));
      return iam.Grant.addToPrincipal({
        grantee,
        actions: [Action].flat(),
        resourceArns: [Resource].flat(),
        ...(Condition && { conditions: Condition }),
      });
    });
    const [first, ...others] = grants as [iam.Grant, ...iam.Grant[]];
    return others.reduce((all, grant) => all.combine(grant), first);
  }

  private violations(when: "now" | "synthesis"): XacctSignError[] {
    return violations(this.api, this.openings, this.assertions, when);
  }

  private refuseViolations(): void {
    const [first] = this.violations("now");
    if (first) throw first;
  }

  private makeRole(role: StageRole): iam.Role {
    const Statement = role.invokePolicy.Statement.map((statement) => onApi(this.stage, this.places, statement));
    const made = new iam.Role(this, role.templateId, {
      roleName: role.name,
      path: role.path,
      maxSessionDuration: Duration.seconds(role.maxSessionDuration),
      assumedBy: new TrustPolicy(trustIn(this.places, role.trustPolicy)),
      ...(role.permissionsBoundary !== undefined && {
        permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyArn(
          this,
          `${role.templateId}-Boundary`,
          inPartition(this.places)(role.permissionsBoundary),
        ),
      }),
      inlinePolicies: { [POLICY_NAME]: iam.PolicyDocument.fromJson({ ...role.invokePolicy, Statement }) },
    });
    for (const [key, value] of Object.entries(role.tags)) Tags.of(made).add(key, value);
    for (const caller of role.callers) this.byCaller.set(caller, made);
    return made;
  }

  /** Directly, and into a private API, nobody comes without one. */
  private addResourcePolicy(): void {
    if (this.api.kind === "function_url") {
      if (!this.stage.isDirect) return;
      const other = this.otherStageOfFunction();
      if (other === undefined) addFunctionPolicy(this, this.stage, this.places);
      else
        Annotations.of(this).addInfo(
          `the policy of the function, which names these callers, too, is made by \`${other}\``,
        );
      return;
    }
    if (this.api.kind === "http_api" || this.stage.resourceStatements.length === 0) return;
    if (addToPolicy(this.api.construct, restApiStatements(this.stage, this.places))) return;
    const message = `the resource policy of the REST API \`${this.api.construct.node.path}\` cannot be changed from here`;
    const hint =
      "where the API is made, pass what `CrossAccountApiAccess.resourcePolicy({ manifest, stage })` gives as its `policy`";
    // By role there are roles to make, and the policy may be there already.
    if (this.stage.isDirect) throw new XacctSignError("policy_out_of_reach", message, hint);
    Annotations.of(this).addWarningV2("xacct-sign:policy_out_of_reach", `${message}. Hint: ${hint}`);
  }

  /** The path of another stage's construct that is of the same function, and so has made the policy of both. */
  private otherStageOfFunction(): string | undefined {
    const { policyStages } = this.stage;
    if (policyStages.length < 2) return undefined;
    const isOther = (construct: IConstruct) =>
      isAccess(construct) &&
      construct.source !== undefined &&
      construct.source.manifest === this.source?.manifest &&
      construct.source.stage !== this.source.stage &&
      policyStages.includes(construct.source.stage);
    return this.node.root.node.findAll().find(isOther)?.node.path;
  }

  /** Errors throw; warnings can be acknowledged, each by its id. */
  private report(findings: readonly Finding[]): void {
    for (const finding of findings) {
      refuse(finding);
      const { code, level, caller, subject, message, reason, hint } = finding;
      const text = `${subject}: ${message}`;
      const id = `xacct-sign:${code}${caller === undefined ? "" : `:${caller}`}`;
      if (level === "warning") Annotations.of(this).addWarningV2(id, `${text}. ${reason} Hint: ${hint}`);
      else Annotations.of(this).addInfo(`${id}: ${text}. Hint: ${hint}`);
    }
  }
}

/** Not within the class: one that names itself has another name in bundles. */
function isAccess(construct: IConstruct): construct is CrossAccountApiAccess {
  return construct instanceof CrossAccountApiAccess;
}

function refuse({ code, level, subject, message, hint }: Finding): void {
  if (level === "error") throw new XacctSignError(code as ErrorCode, `${subject}: ${message}`, hint);
}

function isFromManifest(props: CrossAccountApiAccessProps): props is ManifestProps {
  return "manifest" in props && props.manifest !== undefined;
}

function suffixesOf(route: unknown): string[] {
  if (typeof route !== "string") {
    throw new XacctSignError("invalid_route", "a route is not a string", "write `METHOD /path`");
  }
  return arnSuffixes(route);
}
