// Every key of the manifest's schema: what it says shows in the template or in what is found, or the construct leaves it to others.

import { execFileSync } from "node:child_process";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { CrossAccountApiAccess } from "xacct-sign-cdk";
import { newStack } from "./app.js";
import { manifestFile } from "./manifests.js";

const http = `[api]
account = "111111111111"
region = "ap-northeast-1"
#api
[stages.s]
api_id = "a1"
#stage
[callers.c]
account = "000000000000"
roles = { s = "Shop" }
#caller
`;
const rest = http.replace('api_id = "a1"', 'target = "rest_api"\napi_id = "a1"\napi_stage = "v1"');
const url = http.replace('api_id = "a1"', 'target = "function_url"\nfunction = "orders"\nurl_id = "abc"');
const server = http.replace('api_id = "a1"', 'target = "server"\naudience = "https://a.example"');
const issuer = "https://a103a2cc-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
const direct = url.replace("#stage", 'access = "direct"\n#stage');
const organization = http.replace(
  'account = "000000000000"\nroles = { s = "Shop" }',
  'organization = "o-a1b2c3d4e5"\nstages = ["s"]\n[stages.t]\napi_id = "t1"',
);
const many =
  http +
  Array.from(
    { length: 60 },
    (_, i) => `[callers.c${i}]\naccount = "${500_000_000_000 + i}"\nroles = { s = "Shop" }\n`,
  ).join("");

/** A key, a manifest, what of it becomes what, and whether the construct reads it. */
type Case = [key: string, text: string, what: string, by: string, reads?: "nothing"];

const cases: Case[] = [
  // An account that is not the stack's is refused, as is a region that is not the API's.
  ["api.account", http, "111111111111", "999999999999"],
  ["api.region", http, "ap-northeast-1", "us-east-1"],
  ["api.role_name", http, "#api", 'role_name = "Other"'],
  ["api.path", http, "#api", 'path = "/apis/"'],
  ["api.permissions_boundary", http, "#api", 'permissions_boundary = "arn:aws:iam::111111111111:policy/Limits"'],
  ["api.tags", http, "#api", 'tags = { team = "shop" }'],
  ["api.max_session_duration", http, "#api", "max_session_duration = 7200"],
  ["api.role_trust_policy_length", many, "#api", "role_trust_policy_length = 4096"],
  [
    "api.accept",
    http.replace("#api", "max_session_duration = 7200\n#api"),
    "#api",
    'accept = { duration_beyond_chaining = "x" }',
  ],
  ["stage.target", rest, 'target = "rest_api"', 'target = "http_api"', "nothing"],
  ["stage.access", url, "#stage", 'access = "direct"'],
  // Where callers reach the API is for the note to say.
  ["stage.url", http, "#stage", 'url = "https://api.example.com"', "nothing"],
  ["stage.api_id", http, '"a1"', '"b1"'],
  ["stage.api_stage", rest, '"v1"', '"v2"'],
  ["stage.vpc_endpoints", rest, "#stage", 'vpc_endpoints = ["vpce-01234567"]'],
  ["stage.function", url, '"orders"', '"other"'],
  ["stage.alias", url, "#stage", 'alias = "live"'],
  // A policy names the function, whatever its URL.
  ["stage.url_id", url, '"abc"', '"def"', "nothing"],
  // Of a server the construct makes nothing, whatever it is for: it says so.
  ["stage.audience", server, "a.example", "b.example", "nothing"],
  [
    "stage.routes_enforced_by",
    url.replace("#stage", 'routes_enforced_by = "function"'),
    "#caller",
    'routes = ["GET /"]',
  ],
  ["stage.permissions", direct, "#stage", 'permissions = "document"'],
  ["stage.production", http.replace("Shop", "ShopDeve"), "#stage", "production = true"],
  ["stage.role_name", http, "#stage", 'role_name = "Old"'],
  [
    "stage.accept",
    direct.replace("#stage", 'permissions = "document"\n#stage'),
    "#stage",
    'accept = { replaces_whole_policy = "x" }',
  ],
  ["caller.account", http, "000000000000", "222222222222"],
  ["caller.roles", http, '"Shop"', '"Other"'],
  ["caller.trust", http, "#caller", 'trust = "account"'],
  ["caller.organization", organization, "o-a1b2c3d4e5", "o-f6g7h8i9j0"],
  // What is on another stage is of that stage's template.
  ["caller.stages", organization, '["s"]', '["t"]'],
  // What a verifier knows is in no template, and here it is found that there is none.
  ["caller.issuer", http, "#caller", `issuer = "${issuer}"`],
  ["caller.external_id", http, "#caller", 'external_id = "b3c7"'],
  ["caller.session_names", http, "#caller", 'session_names = ["x-*"]'],
  ["caller.tags", http, "#caller", 'tags = ["team"]'],
  ["caller.source_identity", http, "#caller", 'source_identity = ["*"]'],
  ["caller.third_party", http, "#caller", "third_party = true"],
  ["caller.routes", http, "#caller", 'routes = ["GET /"]'],
  ["caller.role_name", http.replace("#caller", 'routes = ["GET /"]\n#caller'), "#caller", 'role_name = "Old"'],
  [
    "caller.accept",
    http.replace("#caller", "third_party = true\n#caller"),
    "#caller",
    'accept = { third_party_without_external_id = "x" }',
  ],
];

/** What the construct makes of a manifest, and says of it. */
function made(text: string): string {
  const stack = newStack();
  try {
    new CrossAccountApiAccess(stack, "Access", {
      manifest: manifestFile(text),
      stage: "s",
      assertAllRoutesUseIam: true,
    });
  } catch (error) {
    return (error as { code: string }).code;
  }
  const said = Annotations.fromStack(stack).findWarning("*", Match.anyValue());
  return JSON.stringify([Template.fromStack(stack).toJSON(), said.map(({ entry }) => entry.data)]);
}

test.each(cases)("%s", (_, text, what, by, reads) => {
  const after = text.replace(what, by);
  expect(after).not.toBe(text);
  expect(made(after) === made(text)).toBe(reads === "nothing");
});

test("a server is refused with what to do instead", () => {
  expect(made(server)).toBe("nothing_to_render");
});

test("there is a case for every key of the schema", () => {
  const { XACCT_SIGN_BIN: command } = process.env;
  if (!command) throw new Error("XACCT_SIGN_BIN is not set to the command: `make test` does it");
  const { definitions } = JSON.parse(execFileSync(command, ["schema"], { encoding: "utf8" }));
  const keys = ["api", "stage", "caller"].flatMap((table) =>
    Object.keys(definitions[table].properties).map((key) => `${table}.${key}`),
  );
  expect(cases.map(([key]) => key).sort()).toEqual(keys.sort());
});
