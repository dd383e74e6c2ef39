import { Annotations, ArnFormat, Aws, Duration, Stack, Token } from "aws-cdk-lib";
import { HttpApi, type IHttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import * as iam from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { DEFAULT_STAGE, INVOKE, POLICY_NAME, SERVICE } from "../wasm/constants.js";
import { type Assertions, type Opening, violations } from "./checks.js";
import { type ErrorCode, XacctSignError } from "./errors.js";
import {
  arnSuffixes,
  type Finding,
  type PolicyDocument,
  type Stage,
  type StageRole,
  type Statement,
} from "./module.js";
import type { CrossAccountApiAccessProps, ManifestProps } from "./props.js";
import { checkProps } from "./shape.js";
import { stageOfManifest, stageOfProps } from "./source.js";

/**
 * The roles with which other accounts call a stage of an HTTP API that is authorized by IAM.
 *
 * Callers that may use every route share a role, `ApiAllowByIamRole{Stage}`; a caller with routes of its own has one of its
 * own. The documents are those of `xacct-sign render`, checked by the same code: errors throw, warnings become annotations
 * (`cdk synth --strict` fails on them, `Annotations.of(access).acknowledgeWarning(id)` accepts one).
 *
 * @example
 * new CrossAccountApiAccess(this, "Access", { manifest: "xacct.toml", stage: "stag", httpApi });
 */
export class CrossAccountApiAccess extends Construct {
  /**
   * The ARN of every method and path of an API's stage, as a policy's resource.
   *
   * @param httpApi the API
   * @param apiStage the stage's name in API Gateway, by default `$default`
   */
  static allRoutesArn(httpApi: IHttpApi, apiStage = DEFAULT_STAGE): string {
    return allRoutesArn(httpApi, apiStage);
  }

  /** The API. */
  readonly httpApi: IHttpApi;
  /** The ARN of every method and path of the stage. */
  readonly allRoutesArn: string;
  /** The roles: those that callers share, then those of single callers. */
  readonly roles: readonly iam.Role[];

  private readonly byCaller = new Map<string, iam.Role>();
  private readonly openings: Opening[] = [];
  private readonly assertions: Assertions;

  /**
   * @throws XacctSignError when a manifest, a caller or a prop is wrong, when a document is longer than IAM takes, or when a
   * route that a caller may use is not authorized by IAM
   */
  constructor(scope: Construct, id: string, props: CrossAccountApiAccessProps) {
    super(scope, id);
    checkProps(props);
    const stage = isFromManifest(props) ? stageOfManifest(props) : stageOfProps(props, placeOf(props.httpApi));
    this.report(stage.findings);

    this.httpApi = props.httpApi ?? HttpApi.fromHttpApiAttributes(this, "Api", { httpApiId: stage.apiId });
    this.assertions = {
      allRoutesUseIam: props.assertAllRoutesUseIam === true,
      withoutIam: props.routesWithoutIam ?? [],
    };
    if (isFromManifest(props)) this.checkPlace(props, stage);
    else this.checkAccount(this.httpApi.env.account, "the API's");
    const apiArn = isFromManifest(props)
      ? `arn:${stage.partition}:${SERVICE}:${stage.region}:${stage.account}:${this.httpApi.apiId}/${stage.apiStage}`
      : allRoutesArn(this.httpApi, stage.apiStage).slice(0, -"/*".length);
    this.allRoutesArn = `${apiArn}/*`;

    const isPartitionKnown = isFromManifest(props) || !Token.isUnresolved(this.httpApi.env.region);
    const asIs = (text: string) => text;
    const inPartition = isPartitionKnown ? asIs : (text: string) => text.replace(/^arn:aws:/, `arn:${Aws.PARTITION}:`);
    this.roles = stage.roles.map((role) => this.makeRole(role, stage.apiArn, apiArn, inPartition));
    this.refuseViolations();
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
    throw new XacctSignError(
      "not_one_role",
      `\`${this.node.path}\` has ${this.roles.length} roles`,
      role === undefined ? "no caller is on the stage" : "use `roles`, or `roleFor(caller)`",
    );
  }

  /**
   * The role that a caller assumes on this stage.
   *
   * @param caller its name in the manifest or in `callers`
   * @throws XacctSignError `unknown_caller`
   */
  roleFor(caller: string): iam.Role {
    const role = this.byCaller.get(caller);
    if (role !== undefined) return role;
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
    return this.grant(grantee, [{ suffixes: ["*"] }], [this.allRoutesArn]);
  }

  /**
   * Allows a principal of the API's own account to invoke some routes of the stage.
   *
   * @param grantee who
   * @param routes `METHOD /path` each, `ANY` for the seven methods, `{name}` for one segment, `{name+}` or `*` at the end for
   * the rest. IAM's `*`, which a variable becomes, spans `/`
   * @throws XacctSignError `invalid_route` when a text is none, `route_not_iam` when a route that it opens is not authorized
   * by IAM; one that is added later, or one that is not there, fails the synthesis
   */
  grantInvoke(grantee: iam.IGrantable, routes: readonly string[]): iam.Grant {
    if (!Array.isArray(routes) || routes.length === 0) {
      throw new XacctSignError("invalid_route", "no routes are given", "list routes, or use `grantInvokeAll`");
    }
    const openings = routes.map((route) => ({ suffixes: suffixesOf(route), route }));
    const suffixes = new Set(openings.flatMap((opening) => opening.suffixes));
    const arns = [...suffixes].map((suffix) => this.allRoutesArn.slice(0, -1) + suffix);
    return this.grant(grantee, openings, arns);
  }

  private grant(grantee: iam.IGrantable, openings: readonly Opening[], resourceArns: string[]): iam.Grant {
    this.openings.push(...openings);
    this.refuseViolations();
    return iam.Grant.addToPrincipal({ grantee, actions: [INVOKE], resourceArns });
  }

  private violations(when: "now" | "synthesis"): XacctSignError[] {
    return violations(this.httpApi, this.openings, this.assertions, when);
  }

  private refuseViolations(): void {
    const [first] = this.violations("now");
    if (first) throw first;
  }

  private makeRole(role: StageRole, from: string, to: string, inPartition: (text: string) => string): iam.Role {
    // Neither the stage nor the role's name is in the id: another stage's template is an update of this one.
    const kind =
      role.shared === undefined ? `CallerRole-${role.callers[0]}` : `Role${role.shared > 1 ? role.shared : ""}`;
    const invokePolicy = mapStrings(role.invokePolicy, (text) =>
      text.startsWith(`${from}/`) ? to + text.slice(from.length) : text,
    );
    this.openings.push(...(role.shared === undefined ? role.routes : [{ suffixes: ["*"] }]));
    const made = new iam.Role(this, kind, {
      roleName: role.name,
      path: role.path,
      maxSessionDuration: Duration.seconds(role.maxSessionDuration),
      assumedBy: new TrustPolicy(mapArns(role.trustPolicy, inPartition)),
      inlinePolicies: { [POLICY_NAME]: iam.PolicyDocument.fromJson(invokePolicy) },
    });
    for (const caller of role.callers) this.byCaller.set(caller, made);
    return made;
  }

  /** Errors throw; warnings can be acknowledged, each by its id. */
  private report(findings: readonly Finding[]): void {
    for (const { code, level, caller, subject, message, reason, hint } of findings) {
      const text = `${subject}: ${message}`;
      if (level === "error") throw new XacctSignError(code as ErrorCode, text, hint);
      const id = `xacct-sign:${code}${caller === undefined ? "" : `:${caller}`}`;
      if (level === "warning") Annotations.of(this).addWarningV2(id, `${text}. ${reason} Hint: ${hint}`);
      else Annotations.of(this).addInfo(`${id}: ${text}. Hint: ${hint}`);
    }
  }

  private checkPlace(props: ManifestProps, stage: Stage): void {
    this.checkAccount(stage.account, "the manifest's");
    const { env, apiId } = this.httpApi;
    // Of an imported API the region is not known.
    const isOwn = this.httpApi.node.defaultChild !== undefined;
    if (isOwn && !Token.isUnresolved(env.region) && env.region !== stage.region) {
      throw new XacctSignError(
        "region_mismatch",
        `the API is in the region \`${env.region}\`, and not in the manifest's, \`${stage.region}\``,
        `correct \`region\` in \`${props.manifest}\`, or deploy the stack there`,
      );
    }
    if (!Token.isUnresolved(apiId) && apiId !== stage.apiId) {
      throw new XacctSignError(
        "api_mismatch",
        `the API has the id \`${apiId}\`, and in the manifest stage \`${props.stage}\` has \`${stage.apiId}\``,
        `correct \`api_id\` in \`${props.manifest}\`, or pass the API of the stage`,
      );
    }
  }

  /** The roles have to be in the API's account. */
  private checkAccount(account: string, whose: string): void {
    for (const actual of [Stack.of(this).account, this.httpApi.env.account]) {
      if (Token.isUnresolved(actual) || Token.isUnresolved(account) || actual === account) continue;
      throw new XacctSignError(
        "account_mismatch",
        `the account \`${actual}\` is not ${whose}, \`${account}\``,
        "the roles have to be in the account of the API: deploy the stack there",
      );
    }
  }
}

function allRoutesArn(httpApi: IHttpApi, apiStage: string): string {
  return Stack.of(httpApi).formatArn({
    service: SERVICE,
    region: httpApi.env.region,
    account: httpApi.env.account,
    resource: httpApi.apiId,
    resourceName: `${apiStage}/*`,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}

/** Trusts whom a policy trusts. */
class TrustPolicy extends iam.PrincipalBase {
  constructor(private readonly policy: PolicyDocument) {
    super();
  }

  /** Everybody who is trusted; under which conditions, the statements say. */
  override get policyFragment(): iam.PrincipalPolicyFragment {
    const principals = this.policy.Statement.flatMap(({ Principal }) => Principal?.AWS ?? []);
    return new iam.PrincipalPolicyFragment({ AWS: [...new Set(principals)] });
  }

  override addToAssumeRolePolicy(document: iam.PolicyDocument): void {
    document.addStatements(
      ...this.policy.Statement.map((statement: Statement) => iam.PolicyStatement.fromJson(statement)),
    );
  }

  override dedupeString(): string {
    return JSON.stringify(this.policy);
  }
}

function isFromManifest(props: CrossAccountApiAccessProps): props is ManifestProps {
  return "manifest" in props && props.manifest !== undefined;
}

function placeOf({ env, apiId }: IHttpApi) {
  return { account: env.account, region: env.region, apiId };
}

function suffixesOf(route: unknown): string[] {
  if (typeof route !== "string") {
    throw new XacctSignError("invalid_route", "a route is not a string", "write `METHOD /path`");
  }
  return arnSuffixes(route);
}

/** The same trust with other ARNs of principals. Other texts, such as an ExternalId, may only look like one. */
function mapArns(policy: PolicyDocument, map: (arn: string) => string): PolicyDocument {
  const mapKeys = (keys: Readonly<Record<string, string | string[]>>) =>
    mapEntries(keys, (key, value) => (key === "aws:PrincipalArn" ? mapStrings(value, map) : value));
  const mapStatement = ({ Principal, Condition, ...statement }: Statement): Statement => ({
    ...statement,
    ...(Principal && { Principal: mapStrings(Principal, map) }),
    ...(Condition && { Condition: mapEntries(Condition, (_, keys) => mapKeys(keys)) }),
  });
  return { ...policy, Statement: policy.Statement.map(mapStatement) };
}

function mapEntries<T>(record: Readonly<Record<string, T>>, map: (key: string, value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]));
}

/** The same with other strings. */
function mapStrings<T>(value: T, map: (text: string) => string): T {
  if (typeof value === "string") return map(value) as T;
  if (Array.isArray(value)) return value.map((inner) => mapStrings(inner, map)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapStrings(inner, map)])) as T;
}
