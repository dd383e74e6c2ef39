// Manifests to try the construct with.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** The demo's: one caller, another role for production. */
export const shop = join(__dirname, "../../../demo/xacct.toml");

/** What every manifest here begins with. */
export const head = `
[api]
account = "111111111111"
region = "ap-northeast-1"

[stages.stag]
api_id = "f6g7h8i9j0"
`;

/** Everything that a document can hold. */
export const everything = `
[api]
account = "111111111111"
region = "ap-northeast-1"
role_name = "apis/Allow"
max_session_duration = 7200
accept = { duration_beyond_chaining = "callers are users" }

[stages.stag]
api_id = "f6g7h8i9j0"
[stages.pre-prod]
api_id = "p1q2r3s4t5"
api_stage = "v1"

[callers.shop]
account = "000000000000"
roles = { stag = "LambdaRoleDeve", pre-prod = "apps/LambdaRoleProd" }
session_names = ["shop-*", "batch"]
tags = ["team", "cost"]
source_identity = ["*@shop.example.com"]

[callers.soon]
account = "333333333333"
roles = { stag = "NotThereYet", pre-prod = "NotThereYet" }
trust = "account"
external_id = "a-1"

[callers.office]
account = "444444444444"
roles = { stag = "*" }
trust = "account"
accept = { whole_account = "their only workload" }

[callers.anybody]
account = "*"
roles = { pre-prod = "KnownRole" }
trust = "account"
accept = { wildcard_account = "a demonstration" }

[callers.company]
organization = "o-a1b2c3d4e5"
stages = ["stag", "pre-prod"]
session_names = ["company"]

[callers.partner]
account = "222222222222"
roles = { stag = "Batch", pre-prod = "Batch" }
external_id = "b3c7-example"
third_party = true
routes = ["PUT /hoge", "GET /items/{id}", "ANY /files/{name+}"]
accept = { wildcard_spans_segments = "there are no deeper routes" }
`;

/** So many callers that they take several roles. */
export function crowd(count: number): string {
  const callers = Array.from({ length: count }, (_, index) => {
    const account = String(500_000_000_000 + index);
    return `[callers.c${index}]\naccount = "${account}"\nroles = { stag = "CallerRole" }\n`;
  });
  return head + callers.join("");
}

/** A file in a folder of its own, with a lock file if one is given. The folder goes when the test is over. */
export function manifestFile(text: string, lock?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "xacct-sign-cdk-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "xacct.toml");
  writeFileSync(file, text);
  if (lock !== undefined) writeFileSync(join(folder, "xacct.lock.toml"), lock);
  return file;
}

/** The three kinds of API, by role and directly; a private API, and a function whose policy is one document. */
export const targets = `
[api]
account = "111111111111"
region = "ap-northeast-1"

[stages.rest]
target = "rest_api"
api_id = "q1s2t3u4v5"
api_stage = "v1"
[stages.private]
target = "rest_api"
api_id = "r1s2t3u4v5"
api_stage = "v1p"
vpc_endpoints = ["vpce-0123456789abcdef0"]
[stages.open]
target = "rest_api"
api_id = "r1s2t3u4v5"
api_stage = "v1d"
access = "direct"
vpc_endpoints = ["vpce-0fedcba9876543210"]
[stages.url]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abc"
[stages.separate]
target = "function_url"
function = "billing"
alias = "live"
url_id = "def"
access = "direct"
[stages.whole]
target = "function_url"
function = "refunds"
url_id = "ghi"
access = "direct"
permissions = "document"
accept = { replaces_whole_policy = "nothing else invokes it" }

[callers.shop]
account = "000000000000"
roles = { rest = "Shop", private = "Shop", open = "path/Shop", url = "Shop", separate = "Shop", whole = "Shop" }
[callers.partner]
account = "222222222222"
roles = { rest = "Batch", private = "Batch", open = "Batch" }
routes = ["PUT /hoge", "GET /items/{id}"]
accept = { wildcard_spans_segments = "there are no deeper routes", overlapping_caller = "it is no member" }
[callers.soon]
account = "333333333333"
roles = { open = "NotThereYet", whole = "NotThereYet" }
trust = "account"
[callers.company]
organization = "o-a1b2c3d4e5"
stages = ["open", "separate", "whole"]
`;
