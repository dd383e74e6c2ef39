// The documents of a stage, with the ARNs that the app knows.

import { Aws, CfnResource } from "aws-cdk-lib";
import { CfnRestApi, type IRestApi, type RestApi } from "aws-cdk-lib/aws-apigateway";
import * as iam from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { SERVICE } from "../wasm/constants.js";
import type { PolicyDocument, Stage, Statement } from "./module.js";

/** Trusts whom a policy trusts. */
export class TrustPolicy extends iam.PrincipalBase {
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

/** What becomes of the ARNs of a manifest's documents in an app. */
export interface Places {
  /** The account of the API. */
  readonly account: string;
  /** What the resources of the API begin with there. */
  readonly apiArn: string;
  /** Whether the partition is known. */
  readonly isPartitionKnown: boolean;
}

/**
 * What of a REST API's policy is the stage's. Its resources leave out which API it is: in the API's own property that would be
 * a reference to itself, and API Gateway fills it in.
 */
export function restApiStatements(stage: Stage, places: Places): Statement[] {
  return stage.resourceStatements.map((statement) => ({
    // By role, it names roles of the API's own account.
    ...mapPrincipals(statement, stage.isDirect ? inPartition(places) : inAccount(stage, places)),
    ...mapResources(statement, stage.apiArn, `${SERVICE}:/${stage.apiStage}`),
  }));
}

/** What a function's policy as one document says. */
export function functionStatements(stage: Stage, places: Places): Statement[] {
  return stage.resourceStatements.map((statement) => ({
    ...mapPrincipals(statement, inPartition(places)),
    ...mapResources(statement, stage.apiArn, places.apiArn),
  }));
}

/** The same trust in the partition of the app. */
export function trustIn(places: Places, policy: PolicyDocument): PolicyDocument {
  return { ...policy, Statement: policy.Statement.map((statement) => mapPrincipals(statement, inPartition(places))) };
}

/** The same statement on the API of the app. */
export function onApi(stage: Stage, places: Places, statement: Statement): Statement {
  return { ...statement, ...mapResources(statement, stage.apiArn, places.apiArn) };
}

/** An ARN, if it is one, or an account's id, in the partition of the app. */
export function inPartition({ isPartitionKnown }: Places): (text: string) => string {
  return isPartitionKnown ? (text) => text : (text) => text.replace(/^arn:aws:/, `arn:${Aws.PARTITION}:`);
}

function inAccount(stage: Stage, places: Places): (text: string) => string {
  const own = inPartition(places);
  return (text) => own(text).replace(`:iam::${stage.account}:`, `:iam::${places.account}:`);
}

/** Adds statements to the policy of a REST API; `false` if that cannot be changed from here. */
export function addToPolicy(api: IRestApi, statements: readonly Statement[]): boolean {
  const all = statements.map((statement) => iam.PolicyStatement.fromJson(statement));
  const { addToResourcePolicy } = api as Partial<RestApi>;
  if (addToResourcePolicy !== undefined) {
    return all.every((statement) => addToResourcePolicy.call(api, statement).statementAdded);
  }
  // The CDK had no such method at first.
  const resource = api.node.defaultChild;
  if (!(resource instanceof CfnRestApi)) return false;
  resource.policy ??= new iam.PolicyDocument();
  if (!(resource.policy instanceof iam.PolicyDocument)) return false;
  resource.policy.addStatements(...all);
  return true;
}

/** Makes a function's permissions, or the one policy in place of all that it has. */
export function addFunctionPolicy(scope: Construct, stage: Stage, places: Places): void {
  // Resources without classes of their own: the CDK's know these properties since late 2025 only.
  for (const permission of stage.permissions) {
    const { id, action, principal, organization, functionUrlAuthType, invokedViaFunctionUrl } = permission;
    const kind = functionUrlAuthType === undefined ? "Invoke" : "Url";
    new CfnResource(scope, `Permission${kind}-${id}`, {
      type: "AWS::Lambda::Permission",
      properties: {
        FunctionName: places.apiArn,
        Action: action,
        Principal: inPartition(places)(principal),
        PrincipalOrgID: organization,
        FunctionUrlAuthType: functionUrlAuthType,
        InvokedViaFunctionUrl: invokedViaFunctionUrl,
      },
    });
  }
  if (stage.permissions.length > 0 || stage.resourceStatements.length === 0) return;
  new CfnResource(scope, "FunctionPolicy", {
    type: "AWS::Lambda::ResourcePolicy",
    properties: {
      ResourceArn: places.apiArn,
      PolicyDocument: { Version: "2012-10-17", Statement: functionStatements(stage, places) },
    },
  });
}

function mapResources({ Resource }: Statement, from: string, to: string): Pick<Statement, "Resource"> {
  const isOf = (text: string) => text === from || text.startsWith(`${from}/`);
  return { Resource: mapStrings(Resource ?? [], (text) => (isOf(text) ? to + text.slice(from.length) : text)) };
}

/** The same statement with other ARNs of principals. Other texts, such as an ExternalId, may only look like one. */
function mapPrincipals({ Principal, Condition, ...statement }: Statement, map: (arn: string) => string): Statement {
  const mapKeys = (keys: Readonly<Record<string, string | string[]>>) =>
    mapEntries(keys, (key, value) => (key === "aws:PrincipalArn" ? mapStrings(value, map) : value));
  return {
    ...statement,
    ...(Principal && { Principal: mapStrings(Principal, map) }),
    ...(Condition && { Condition: mapEntries(Condition, (_, keys) => mapKeys(keys)) }),
  };
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
