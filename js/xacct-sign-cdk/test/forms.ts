// The roles of each form in which they are deployed, as the same values.

import { execFileSync } from "node:child_process";

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

/** Of a template, whether it was rendered or synthesized. */
export function ofTemplate(template: Json): DeployedRole[] {
  const resources = Object.values(template.Resources as Record<string, { Type: string; Properties: Json }>);
  return sorted(
    resources
      .filter(({ Type }) => Type === "AWS::IAM::Role")
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
