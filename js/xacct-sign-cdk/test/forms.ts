// The roles of each form in which they are deployed, as the same values.

import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A role, however it was written. */
export interface DeployedRole {
  name: string;
  path: string;
  maxSessionDuration: number;
  trust: Statement[];
  invoke: Statement[];
}

/** A statement in which every list is one, sorted. */
export interface Statement {
  effect: string;
  principals: string[];
  actions: string[];
  resources: string[];
  conditions: [string, string, string[]][];
}

type Json = Record<string, unknown>;

/** What the command renders, by its built binary. */
export function render(form: "cloudformation" | "terraform" | "json", manifest: string, stage: string): Json {
  const { XACCT_SIGN_BIN: command } = process.env;
  if (!command) throw new Error("XACCT_SIGN_BIN is not set to the command: `make test` does it");
  const text = execFileSync(command, ["render", form, "--manifest", manifest, "--stage", stage], { encoding: "utf8" });
  return JSON.parse(text) as Json;
}

/** What the command says of a deployed template, line by line. */
export function diff(manifest: string, stage: string, template: Json): string[] {
  const { XACCT_SIGN_BIN: command } = process.env;
  if (!command) throw new Error("XACCT_SIGN_BIN is not set to the command: `make test` does it");
  const file = join(dirname(manifest), "deployed.json");
  writeFileSync(file, JSON.stringify(template));
  const { stdout } = spawnSync(command, ["diff", "--manifest", manifest, "--stage", stage, "--deployed", file], {
    encoding: "utf8",
  });
  return stdout.trim().split("\n");
}

/** Of a template, whether it was rendered or synthesized. */
export function ofTemplate(template: Json): DeployedRole[] {
  const resources = Object.values(template.Resources as Record<string, { Type: string; Properties: Json }>);
  return sorted(
    resources
      // A role without a name is a function's own.
      .filter(({ Type, Properties }) => Type === "AWS::IAM::Role" && Properties.RoleName !== undefined)
      .map(({ Properties }) => {
        const policies = Properties.Policies as { PolicyDocument: Json }[];
        return {
          name: Properties.RoleName as string,
          path: Properties.Path as string,
          maxSessionDuration: Properties.MaxSessionDuration as number,
          trust: statements(Properties.AssumeRolePolicyDocument as Json),
          invoke: policies.flatMap(({ PolicyDocument }) => statements(PolicyDocument)),
        };
      }),
  );
}

/** Of Terraform's JSON syntax. */
export function ofTerraform(configuration: Json): DeployedRole[] {
  const resource = configuration.resource as Record<string, Record<string, Json>>;
  const policies = Object.values(resource.aws_iam_role_policy ?? {});
  // Terraform writes `$${` for `${`, and `%%{` for `%{`.
  const text = (value: unknown) => (value as string).replaceAll("$${", "${").replaceAll("%%{", "%{");
  const roles = Object.entries(resource.aws_iam_role ?? {}).map(([label, role]) => ({
    name: text(role.name),
    path: text(role.path),
    maxSessionDuration: role.max_session_duration as number,
    trust: statements(JSON.parse(text(role.assume_role_policy)) as Json),
    invoke: policies
      .filter((policy) => policy.role === `\${aws_iam_role.${label}.name}`)
      .flatMap((policy) => statements(JSON.parse(text(policy.policy)) as Json)),
  }));
  return sorted(roles);
}

/** Of the documents themselves. */
export function ofDocuments(documents: Json): DeployedRole[] {
  const roles = (documents.roles as Json[]).map((role) => ({
    name: role.name as string,
    path: role.path as string,
    maxSessionDuration: role.max_session_duration as number,
    trust: statements(role.trust_policy as Json),
    invoke: statements(role.invoke_policy as Json),
  }));
  return sorted(roles);
}

function statements(document: Json): Statement[] {
  if (document.Version !== "2012-10-17") throw new Error(`the version is ${document.Version}`);
  const all = (document.Statement as Json[]).map((statement) => {
    const { Effect, Principal, Action, Resource, Condition, ...rest } = statement;
    if (Object.keys(rest).length > 0) throw new Error(`a statement has ${Object.keys(rest).join(", ")}`);
    const conditions = Object.entries((Condition ?? {}) as Record<string, Json>).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]): [string, string, string[]] => [operator, key, list(values)]),
    );
    const { AWS, ...others } = (Principal ?? {}) as Json;
    if (Object.keys(others).length > 0) throw new Error(`a principal is ${Object.keys(others).join(", ")}`);
    return {
      effect: Effect as string,
      principals: list(AWS),
      actions: list(Action),
      resources: list(Resource),
      conditions: conditions.sort(byText),
    };
  });
  return all.sort(byText);
}

/** As a set of texts: a repetition is no difference. */
function list(value: unknown): string[] {
  const values = [value ?? []].flat() as unknown[];
  for (const one of values) if (typeof one !== "string") throw new Error(`${JSON.stringify(one)} is not a text`);
  return [...new Set(values as string[])].sort();
}

function sorted(roles: DeployedRole[]): DeployedRole[] {
  return roles.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** One principal, action and resource of a statement, with its conditions: what it grants, however statements are put together. */
export type Grant = readonly [principal: string, action: string, resource: string, conditions: string];

/** What a resource policy grants. */
export function grants(document: Json): Grant[] {
  const all = (document.Statement as Json[]).flatMap(({ Effect, Principal, Action, Resource, Condition = {} }) => {
    if (Effect !== "Allow") throw new Error(`a statement says ${Effect}`);
    const conditions = Object.entries(Condition as Record<string, Json>).flatMap(([operator, keys]) =>
      Object.entries(keys).map(([key, values]) => [operator, key, list(values)]),
    );
    const terms = JSON.stringify(conditions.sort(byText));
    const principals = list(typeof Principal === "string" ? Principal : (Principal as Json).AWS);
    return principals.flatMap((principal) =>
      list(Action).flatMap((action) => list(Resource).map((resource): Grant => [principal, action, resource, terms])),
    );
  });
  return [...new Map(all.map((grant) => [JSON.stringify(grant), grant])).values()].sort(byText);
}

/** What the permissions of a template make of a function's policy, or the one that stands there. */
export function functionPolicy(template: Json): Json {
  const resources = Object.values(template.Resources as Record<string, { Type: string; Properties: Json }>);
  const whole = resources.find(({ Type }) => Type === "AWS::Lambda::ResourcePolicy");
  if (whole) return whole.Properties.PolicyDocument as Json;
  const permissions = resources.filter(({ Type }) => Type === "AWS::Lambda::Permission");
  const statements = permissions.map(({ Properties }) => {
    const { FunctionName, Action, Principal, PrincipalOrgID, FunctionUrlAuthType, InvokedViaFunctionUrl } = Properties;
    const texts = {
      ...(FunctionUrlAuthType !== undefined && { "lambda:FunctionUrlAuthType": FunctionUrlAuthType }),
      ...(PrincipalOrgID !== undefined && { "aws:PrincipalOrgID": PrincipalOrgID }),
    };
    return {
      Effect: "Allow",
      Principal: { AWS: Principal },
      Action,
      Resource: FunctionName,
      Condition: {
        ...(Object.keys(texts).length > 0 && { StringEquals: texts }),
        ...(InvokedViaFunctionUrl === true && { Bool: { "lambda:InvokedViaFunctionUrl": "true" } }),
      },
    };
  });
  return { Version: "2012-10-17", Statement: statements };
}

/** The policy of a template's REST API, whose resources leave out which API it is. */
export function restApiPolicy(template: Json, api: string): Json {
  const resources = Object.values(template.Resources as Record<string, { Type: string; Properties: Json }>);
  const policy = resources.find(({ Type }) => Type === "AWS::ApiGateway::RestApi")?.Properties.Policy;
  return JSON.parse(JSON.stringify(policy).replaceAll('"execute-api:/', `"${api}/`)) as Json;
}
