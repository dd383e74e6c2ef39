// The roles: names, logical ids, places, findings, and what is refused.

import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { Annotations, App, Aws, CfnParameter, Duration, Lazy, Stack, Token } from "aws-cdk-lib";
import { Annotations as Found, Match, Template } from "aws-cdk-lib/assertions";
import { RestApi } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, type IHttpApi, WebSocketApi } from "aws-cdk-lib/aws-apigatewayv2";
import { describe, expect, test } from "vitest";
import {
  AccessForm,
  type ApiCaller,
  type CallersProps,
  CrossAccountApiAccess,
  type CrossAccountApiAccessProps,
  TrustForm,
  type XacctSignError,
} from "xacct-sign-cdk";
import { env, newApi, newRestApi, newStack, thrown } from "./app.js";
import { crowd, head, manifestFile, shop } from "./manifests.js";

const callers: Record<string, ApiCaller> = { shop: { account: "000000000000", role: "LambdaRoleDeve" } };

/** The error of a construct with these props in a new stack, over the API of the tests' manifests. */
function refused(props: object, stack = newStack()): XacctSignError {
  const httpApi = HttpApi.fromHttpApiAttributes(stack, "HttpApi", { httpApiId: "f6g7h8i9j0" });
  const all = { stage: "stag", httpApi, assertAllRoutesUseIam: true, ...props } as CrossAccountApiAccessProps;
  return thrown(() => new CrossAccountApiAccess(stack, "Access", all));
}

const rolesOf = (stack: Stack) => Template.fromStack(stack).findResources("AWS::IAM::Role");

describe("names and logical ids", () => {
  test("the construct's class is called as it is exported", () => {
    expect(CrossAccountApiAccess.name).toBe("CrossAccountApiAccess");
  });

  test("the stage is in the name, in title case, and not in the logical id", () => {
    const [a, b] = ["deve", "pre-prod"].map((stage) => {
      const { stack, httpApi } = newApi();
      new CrossAccountApiAccess(stack, "Access", { stage, callers, httpApi });
      return rolesOf(stack);
    }) as [ReturnType<typeof rolesOf>, ReturnType<typeof rolesOf>];
    expect(Object.keys(a)).toEqual(Object.keys(b));
    expect(Object.values(a).map((role) => role.Properties.RoleName)).toEqual(["ApiAllowByIamRoleDeve"]);
    expect(Object.values(b).map((role) => role.Properties.RoleName)).toEqual(["ApiAllowByIamRolePreProd"]);
  });

  test("they stay", () => {
    const stack = newStack();
    const manifest = manifestFile(
      `${crowd(60)}[callers.partner]\naccount = "222222222222"\nroles = { stag = "Batch" }\nroutes = ["PUT /hoge"]\n`,
    );
    new CrossAccountApiAccess(stack, "Access", { manifest, stage: "stag", assertAllRoutesUseIam: true });
    const names = Object.entries(rolesOf(stack)).map(([id, role]) => [id, role.Properties.RoleName]);
    // Whoever changes these replaces the roles of every user.
    expect(Object.fromEntries(names)).toEqual({
      AccessSharedRoleDE4277CA: "ApiAllowByIamRoleStag",
      AccessSharedRole21BC3DD99: "ApiAllowByIamRoleStag-2",
      AccessCallerRolePartnerED34C294: "ApiAllowByIamRoleStagPartner",
    });
  });

  test("a caller that is renamed and keeps its role's name keeps its resource", () => {
    const [before, after] = ["billing", "invoices"].map((name) => {
      const stack = newStack();
      const caller = `[callers.${name}]\naccount = "222222222222"\nrole_name = "Billing"\nroles = { stag = "Batch" }\n`;
      const manifest = manifestFile(`${head}${caller}routes = ["PUT /hoge"]\n`);
      new CrossAccountApiAccess(stack, "Access", { manifest, stage: "stag", assertAllRoutesUseIam: true });
      return rolesOf(stack);
    }) as [ReturnType<typeof rolesOf>, ReturnType<typeof rolesOf>];
    // CloudFormation makes what is new before it removes what is old, and the name would be taken.
    expect(Object.keys(after)).toEqual(Object.keys(before));
    expect(Object.values(after).map((role) => role.Properties.RoleName)).toEqual(["ApiAllowByIamRoleStagBilling"]);
  });

  test("a path is not in the name", () => {
    const { stack, httpApi } = newApi();
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi, roleName: "apis/Allow" });
    const [role] = Object.values(rolesOf(stack));
    expect(role?.Properties).toMatchObject({ RoleName: "AllowStag", Path: "/apis/", MaxSessionDuration: 3600 });
  });

  test("two stages of one manifest stand side by side", () => {
    const stack = newStack();
    for (const stage of ["deve", "stag"]) {
      new CrossAccountApiAccess(stack, stage, { manifest: shop, stage, assertAllRoutesUseIam: true });
    }
    expect(Object.keys(rolesOf(stack))).toHaveLength(2);
  });
});

test("no caller is taken for one of the API's own account where that is known at deployment only", () => {
  for (const account of ["000000000000", "999999999999"]) {
    const { stack, restApi } = newRestApi({}, {});
    const callers = { shop: { account, role: "Shop" }, other: { account: "999999999998", role: "Other" } };
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", restApi, access: AccessForm.DIRECT, callers });
    expect(Found.fromStack(stack).findWarning("*", Match.stringLikeRegexp("same_account"))).toEqual([]);
  }
});

describe("the roles", () => {
  test("let in each of the roles of a caller", () => {
    const { stack, httpApi } = newApi();
    const moving = { shop: { account: "000000000000", role: ["Shop", "paths/ShopV2"] } };
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: moving, httpApi });
    const trust = JSON.stringify(Object.values(rolesOf(stack)));
    expect(trust).toContain("000000000000:role/Shop");
    expect(trust).toContain("000000000000:role/paths/ShopV2");
  });

  test("one is `role`", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(access.roles).toEqual([access.role]);
    expect(access.roleFor("shop")).toBe(access.role);
    expect(access.httpApi).toBe(httpApi);
    expect(stack.resolve(access.role.roleArn)).toEqual({ "Fn::GetAtt": ["AccessSharedRoleDE4277CA", "Arn"] });
  });

  test("of several each caller has one", () => {
    const { stack, httpApi } = newApi();
    const both = { ...callers, partner: { account: "222222222222", role: "Batch", routes: ["PUT /hoge"] } };
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: both, httpApi });
    expect(access.roles).toEqual([access.roleFor("shop"), access.roleFor("partner")]);
    const error = thrown(() => access.role);
    expect(error.code).toBe("not_one_role");
    expect(error.message).toBe("`Stack/Access` has 2 roles");
    expect(error.hint).toBe("use `roles`, or `roleFor(caller)`");
    expect(thrown(() => access.roleFor("shopp"))).toMatchObject({
      code: "unknown_caller",
      message: "there is no caller `shopp` on the stage",
      hint: "its callers are: `shop`, `partner`",
    });
  });

  test("without callers there is none", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: {}, httpApi });
    expect(access.roles).toEqual([]);
    expect(thrown(() => access.role)).toMatchObject({ code: "not_one_role", hint: "no caller is on the stage" });
    expect(thrown(() => access.roleFor("shop")).hint).toBe("its callers are: none");
  });
});

describe("account, region and API", () => {
  test("that are tokens become those of the stack", () => {
    const { stack, httpApi } = newApi({}, {});
    const soon = { account: "333333333333", role: "NotThereYet", trust: TrustForm.ACCOUNT };
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: { ...callers, soon }, httpApi });
    const [role] = Object.values(rolesOf(stack));
    const partition = { Ref: "AWS::Partition" };
    const arn = (end: string) => ({ "Fn::Join": ["", ["arn:", partition, end]] });
    expect(role?.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: arn(":iam::000000000000:role/LambdaRoleDeve") },
      },
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: arn(":iam::333333333333:root") },
        Condition: { ArnEquals: { "aws:PrincipalArn": arn(":iam::333333333333:role/NotThereYet") } },
      },
    ]);
    expect(role?.Properties.Policies[0].PolicyDocument.Statement[0].Resource).toEqual({
      "Fn::Join": [
        "",
        [
          "arn:",
          partition,
          ":execute-api:",
          { Ref: "AWS::Region" },
          ":",
          { Ref: "AWS::AccountId" },
          ":",
          { Ref: "HttpApiF5A9A8A7" },
          "/$default/*",
        ],
      ],
    });
  });

  test("that are tokens change the ARNs of principals, and no text that looks like one", () => {
    const { stack, httpApi } = newApi({}, {});
    const text = "arn:aws:x";
    const odd: ApiCaller = { account: "222222222222", role: "Batch", trust: TrustForm.ACCOUNT, externalId: text };
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: { odd }, httpApi });
    const [role] = Object.values(rolesOf(stack));
    const arn = (end: string) => ({ "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, end]] });
    expect(role?.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Effect: "Allow",
        Action: "sts:AssumeRole",
        Principal: { AWS: arn(":iam::222222222222:root") },
        Condition: {
          StringEquals: { "sts:ExternalId": text },
          ArnEquals: { "aws:PrincipalArn": arn(":iam::222222222222:role/Batch") },
        },
      },
    ]);
  });

  test("are the manifest's where it has them", () => {
    const stack = newStack({});
    new CrossAccountApiAccess(stack, "Access", { manifest: shop, stage: "stag", assertAllRoutesUseIam: true });
    const [role] = Object.values(rolesOf(stack));
    expect(role?.Properties.Policies[0].PolicyDocument.Statement[0].Resource).toBe(
      "arn:aws:execute-api:ap-northeast-1:111111111111:f6g7h8i9j0/$default/*",
    );
  });

  test("may be an API of another stack", () => {
    const { stack, httpApi } = newApi();
    const props = { manifest: shop, stage: "stag", assertAllRoutesUseIam: true };
    const same = new Stack(App.of(stack) as App, "Same", { env });
    const access = new CrossAccountApiAccess(same, "Access", { ...props, httpApi });
    // IAM knows no regions, and of an imported API the region is not known.
    const other = new Stack(App.of(stack) as App, "Other", { env: { ...env, region: "us-east-1" } });
    const imported = HttpApi.fromHttpApiAttributes(other, "HttpApi", { httpApiId: "f6g7h8i9j0" });
    new CrossAccountApiAccess(other, "Access", { ...props, httpApi: imported });
    expect(JSON.stringify(same.resolve(access.allRoutesArn))).toContain("execute-api:ap-northeast-1:111111111111:");
    expect(JSON.stringify(rolesOf(same))).toContain("Fn::ImportValue");
    expect(Object.keys(rolesOf(other))).toHaveLength(1);
  });

  test("a stage of API Gateway", () => {
    const { stack, httpApi } = newApi({ createDefaultStage: false });
    const { stageName: apiStage } = httpApi.addStage("V1", { stageName: "v1", autoDeploy: true });
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi, apiStage });
    expect(JSON.stringify(stack.resolve(access.allRoutesArn))).toContain('"/v1/*"');
  });

  test("another account is refused", () => {
    const stack = newStack({ env: { account: "999999999999", region: "ap-northeast-1" } });
    expect(refused({ manifest: shop }, stack)).toMatchObject({
      code: "account_mismatch",
      message: "the account `999999999999` is not the manifest's, `111111111111`",
    });
  });

  test("an API of another account is refused", () => {
    const { stack, httpApi } = newApi();
    const other = new Stack(App.of(stack) as App, "Other", { env: { ...env, account: "999999999999" } });
    const made = () => new CrossAccountApiAccess(other, "Access", { stage: "stag", callers, httpApi });
    expect(thrown(made)).toMatchObject({
      code: "account_mismatch",
      message: "the account `999999999999` is not the API's, `111111111111`",
    });
  });

  test("another region is refused", () => {
    const { stack, httpApi } = newApi({}, { env: { ...env, region: "eu-west-1" } });
    const made = () => new CrossAccountApiAccess(stack, "Access", { manifest: shop, stage: "stag", httpApi });
    expect(thrown(made)).toMatchObject({
      code: "region_mismatch",
      message: "the API is in the region `eu-west-1`, and not in the manifest's, `ap-northeast-1`",
    });
  });

  test("another API is refused", () => {
    expect(refused({ manifest: shop, stage: "prod" })).toMatchObject({
      code: "api_mismatch",
      message: "the API has the id `f6g7h8i9j0`, and in the manifest stage `prod` has `k1l2m3n4o5`",
    });
  });
});

describe("findings", () => {
  const risky = { risky: { account: "444444444444", role: "*", trust: TrustForm.ACCOUNT } };

  test("warnings are annotations, with reason and hint", () => {
    const { stack, httpApi } = newApi();
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: risky, httpApi });
    Found.fromStack(stack).hasWarning(
      "/Stack/Access",
      Match.stringLikeRegexp(
        String.raw`^\[callers\.risky\]: .*\. Every principal of the account is trusted .* Hint: name the role that the caller runs as \[ack: xacct-sign:whole_account:risky\]$`,
      ),
    );
  });

  test("warnings can be acknowledged", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: risky, httpApi });
    Annotations.of(access).acknowledgeWarning("xacct-sign:whole_account:risky", "their only workload");
    Found.fromStack(stack).hasNoWarning("*", Match.anyValue());
  });

  test("one on a caller is no other stage's than those that it is found on", () => {
    const stages = `[stages.export]
target = "function_url"
function = "export"
url_id = "u1u1u1u1"
routes_enforced_by = "function"
`;
    const manifest = manifestFile(`${head}${stages}[callers.shop]
account = "000000000000"
roles = { stag = "Shop", export = "Shop" }
routes = ["GET /"]
`);
    const infos = (stage: string) => {
      const stack = newStack();
      new CrossAccountApiAccess(stack, "Access", { manifest, stage, assertAllRoutesUseIam: true });
      return Found.fromStack(stack).findInfo("*", Match.stringLikeRegexp("routes_not_enforced")).length;
    };
    expect([infos("stag"), infos("export")]).toEqual([0, 1]);
  });

  test("a wildcard account is one", () => {
    const { stack, httpApi } = newApi();
    const anybody = { anybody: { account: "*", role: "Known", trust: TrustForm.ACCOUNT } };
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: anybody, httpApi });
    Found.fromStack(stack).hasWarning("/Stack/Access", Match.stringLikeRegexp("xacct-sign:wildcard_account:anybody"));
  });

  test("what the manifest accepts is none, nor what is on another stage", () => {
    const stack = newStack();
    const manifest = manifestFile(`${head}
[stages.deve]
api_id = "a1b2c3d4e5"
[callers.accepted]
account = "444444444444"
roles = { stag = "*" }
trust = "account"
accept = { whole_account = "their only workload" }
[callers.elsewhere]
account = "555555555555"
roles = { deve = "*" }
trust = "account"
`);
    new CrossAccountApiAccess(stack, "Access", { manifest, stage: "stag", assertAllRoutesUseIam: true });
    Found.fromStack(stack).hasNoWarning("*", Match.anyValue());
  });

  test("several roles are a note, and without a lock file a warning", () => {
    const stack = newStack();
    const manifest = manifestFile(crowd(60));
    new CrossAccountApiAccess(stack, "Access", { manifest, stage: "stag", assertAllRoutesUseIam: true });
    Found.fromStack(stack).hasInfo("/Stack/Access", Match.stringLikeRegexp("^xacct-sign:roles_split: "));
    Found.fromStack(stack).hasWarning("/Stack/Access", Match.stringLikeRegexp("xacct-sign:lock_outdated"));
  });

  test("callers in code have no lock file to be recorded in", () => {
    const { stack, httpApi } = newApi();
    const many = Array.from({ length: 60 }, (_, index): [string, ApiCaller] => {
      return [`c${index}`, { account: String(500_000_000_000 + index), role: "CallerRole" }];
    });
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: Object.fromEntries(many), httpApi });
    const hint = "Hint: keep the callers in a manifest, whose lock file records it";
    Found.fromStack(stack).hasWarning("/Stack/Access", Match.stringLikeRegexp(`${hint} .*xacct-sign:lock_outdated`));
  });

  test("errors throw", () => {
    const sessionNames = Array.from({ length: 60 }, (_, index) => `session-${"x".repeat(40)}${index}`);
    const error = refused({ callers: { shop: { account: "000000000000", role: "R", sessionNames } } });
    expect(error.code).toBe("trust_policy_too_large");
    expect(error.message).toContain("[callers.shop]: ");
  });
});

describe("a wrong manifest", () => {
  test("is refused with its place", () => {
    const manifest = manifestFile(`${head}[callers.shop]\naccount = "000000000000"\nroles = { stagg = "R" }\n`);
    const error = refused({ manifest });
    expect(error).toMatchObject({ code: "unknown_stage", place: { file: manifest, line: 10, column: 11 } });
    expect(error.message).toMatch(/xacct\.toml:10:11: .*`stagg`/);
  });

  test.each([
    ["[api", "syntax"],
    ["", "schema"],
    [head.replace("111111111111", "1"), "invalid_account_id"],
  ])("%j is refused: %s", (text, code) => {
    expect(refused({ manifest: manifestFile(text) }).code).toBe(code);
  });

  test("a stage that is not in it", () => {
    const manifest = manifestFile(head);
    expect(refused({ manifest, stage: "prod" })).toMatchObject({
      code: "unknown_stage",
      message: `\`${manifest}\` has no stage \`prod\`; it has stag`,
      hint: "correct the prop `stage`, or add the stage to the manifest as `[stages.NAME]`",
    });
  });

  test("a wrong lock file", () => {
    const error = refused({ manifest: manifestFile(head, "version = 9\n") });
    expect(error.code).toBe("invalid_lock");
    expect(error.message).toContain("xacct.lock.toml:1:11: ");
  });

  test("a file that is not there", () => {
    const error = refused({ manifest: "nowhere/xacct.toml" });
    expect(error.code).toBe("manifest_unreadable");
    expect(error.message).toContain("`nowhere/xacct.toml`");
    expect(error.hint).toContain(process.cwd());
    expect(error.cause).toMatchObject({ code: "ENOENT" });
  });

  test("a file that is no text", () => {
    const manifest = manifestFile(head);
    writeFileSync(manifest, Buffer.from(`# M\u00fcller\n${head}`, "latin1"));
    expect(refused({ manifest })).toMatchObject({
      code: "file_not_text",
      message: `\`${manifest}\` is not text in UTF-8, nor in UTF-16 with a byte order mark`,
    });
  });

  test("none as Windows PowerShell writes it", () => {
    const manifest = manifestFile(head);
    writeFileSync(manifest, Buffer.from(`\uFEFF${head}`, "utf16le"));
    expect(refused({ manifest, stage: "prod" }).code).toBe("unknown_stage");
  });

  test("a lock file that cannot be read", () => {
    const manifest = manifestFile(head);
    mkdirSync(manifest.replace(".toml", ".lock.toml"));
    expect(refused({ manifest }).message).toContain("cannot read the lock file");
  });

  test("a right one is found from the working directory", () => {
    const stack = newStack();
    const manifest = relative(process.cwd(), shop);
    new CrossAccountApiAccess(stack, "Access", { manifest, stage: "stag", assertAllRoutesUseIam: true });
    expect(Object.keys(rolesOf(stack))).toHaveLength(1);
  });
});

describe("wrong props", () => {
  const shopWith = (caller: object) => ({ callers: { shop: { ...callers.shop, ...caller } } });

  test.each<[string, object, string]>([
    ["account id", shopWith({ account: "12" }), "invalid_account_id"],
    ["account id, a number", shopWith({ account: 12 }), "invalid_account_id"],
    ["role", shopWith({ role: "a b" }), "invalid_role_name"],
    ["no role", { callers: { shop: { account: "000000000000" } } }, "unused_caller"],
    ["trust", shopWith({ trust: "hope" }), "invalid_trust"],
    ["trust of the whole account by ARN", shopWith({ role: "*" }), "invalid_trust"],
    ["external id", shopWith({ externalId: "a b" }), "invalid_external_id"],
    ["session name", shopWith({ sessionNames: ["a b"] }), "invalid_session_name"],
    ["tag key", shopWith({ tags: [""] }), "invalid_tag_key"],
    ["source identity", shopWith({ sourceIdentity: [] }), "invalid_source_identity"],
    ["route", shopWith({ routes: ["PUT"] }), "invalid_route"],
    ["third party", shopWith({ thirdParty: "yes" }), "invalid_props"],
    ["null", shopWith({ externalId: null }), "invalid_props"],
    ["organization", { callers: { org: { organization: "org" } } }, "invalid_organization"],
    ["account and organization", shopWith({ organization: "o-a1b2c3d4e5" }), "invalid_caller"],
    ["neither", { callers: { shop: {} } }, "invalid_caller"],
    ["caller's name", { callers: { "a b": callers.shop } }, "invalid_caller_name"],
    ["same caller twice", { callers: { a: callers.shop, b: callers.shop } }, "duplicate_caller"],
    ["stage", { callers, stage: "a b" }, "invalid_stage_name"],
    ["stage of API Gateway", { callers, apiStage: "a b" }, "invalid_api_stage"],
    ["role name", { callers, roleName: "a b" }, "invalid_role_name"],
    ["duration", { callers, maxSessionDuration: Duration.minutes(5) }, "invalid_duration"],
    ["quota", { callers, roleTrustPolicyLength: 1 }, "invalid_quota"],
    ["quota, no number", { callers, roleTrustPolicyLength: "many" }, "invalid_props"],
    ["a caller", { callers: { shop: "000000000000" } }, "invalid_props"],
    ["a caller, null", { callers: { shop: null } }, "invalid_props"],
    ["callers", { callers: [callers.shop] }, "invalid_props"],
    ["callers, null", { callers: null }, "invalid_props"],
    ["stage, no string", { callers, stage: 1 }, "invalid_props"],
    ["manifest, no string", { manifest: 1 }, "invalid_props"],
    ["both", { callers, manifest: shop }, "invalid_props"],
    ["nothing", {}, "invalid_props"],
    ["routes without IAM", { callers, routesWithoutIam: "GET /health" }, "invalid_props"],
    ["no API", { callers, httpApi: undefined }, "invalid_props"],
    ["access", { callers, access: "open" }, "invalid_target"],
    ["direct access to an HTTP API", { callers, access: "direct" }, "direct_impossible"],
    ["endpoints of an HTTP API", { callers, vpcEndpoints: ["vpce-01234567"] }, "key_of_other_target"],
    ["an API's id", { callers, httpApi: "f6g7h8i9j0" }, "invalid_props"],
  ])("%s", (_, props, code) => {
    expect(refused(props).code).toBe(code);
  });

  test("their message names the caller", () => {
    expect(refused(shopWith({ externalId: "a b" })).message).toBe("callers.shop: `a b` is not an external id");
    expect(refused({ callers, roleName: "a b" }).message).toBe("api: `a b` is not the name of a role");
  });

  test.each<[object, string]>([
    [shopWith({ external_id: "b3c7" }), "`callers.shop.external_id` is unknown"],
    [shopWith({ externalID: "b3c7" }), "`callers.shop.externalID` is unknown"],
    [shopWith({ external_id: undefined }), "`callers.shop.external_id` is unknown"],
    [shopWith({ toString: "b3c7" }), "`callers.shop.toString` is unknown"],
    [{ callers, rolename: "Allow" }, "`rolename` is unknown"],
    [{ manifest: shop, rolename: "Allow" }, "`rolename` is unknown"],
    [{ manifest: shop, stage: undefined, stag: "stag" }, "`stag` is unknown"],
    [shopWith({ roles: ["LambdaRoleDeve"] }), "`callers.shop.roles` is unknown"],
    [{ manifest: shop, roleName: "Allow" }, "`roleName` goes with `callers`, and not with `manifest`"],
    [{ manifest: shop, apiStage: "v1" }, "`apiStage` goes with `callers`, and not with `manifest`"],
    [
      { manifest: shop, maxSessionDuration: Duration.hours(2) },
      "`maxSessionDuration` goes with `callers`, and not with `manifest`",
    ],
    [
      { manifest: shop, roleTrustPolicyLength: 4096 },
      "`roleTrustPolicyLength` goes with `callers`, and not with `manifest`",
    ],
    [{ manifest: shop, production: true }, "`production` goes with `callers`, and not with `manifest`"],
  ])("an unknown key, %j", (props, message) => {
    const error = refused(props);
    expect(error).toMatchObject({ code: "invalid_props", message });
    const known = message.includes("callers.shop") ? /known ones are: .*`externalId`/ : /known ones are: .*`httpApi`/;
    expect(error.hint).toMatch(known);
  });

  test("a prop of callers that is left undefined goes with a manifest", () => {
    const stack = newStack();
    const props = { manifest: shop, stage: "stag", assertAllRoutesUseIam: true, roleName: undefined };
    new CrossAccountApiAccess(stack, "Access", props);
    expect(Object.keys(rolesOf(stack))).toHaveLength(1);
  });

  test.each<[object, string]>([
    [{ callers, maxSessionDuration: 3600 }, "`maxSessionDuration` is not a `Duration`"],
    [{ callers, maxSessionDuration: null }, "`maxSessionDuration` is not a `Duration`"],
    [{ callers, roleTrustPolicyLength: Number.NaN }, "`roleTrustPolicyLength` is not a number"],
    [{ callers, roleName: null }, "`roleName` is not a string"],
    [{ callers, apiStage: 1 }, "`apiStage` is not a string"],
    [{ callers, production: "no" }, "`production` is not a boolean"],
    [{ callers, assertAllRoutesUseIam: "yes" }, "`assertAllRoutesUseIam` is not a boolean"],
    [{ callers, routesWithoutIam: ["GET /health", 1] }, "`routesWithoutIam` is not a list of strings"],
    [{ callers, stage: undefined }, "there is no `stage`"],
    [{ callers: { shop: null } }, "`callers.shop` is not an object"],
    [shopWith({ account: null }), "`callers.shop.account` is not an account"],
    [shopWith({ role: 1 }), "`callers.shop.role` is not a string or a list of strings"],
    [shopWith({ role: ["Lambda", 1] }), "`callers.shop.role` is not a string or a list of strings"],
    [shopWith({ externalId: null }), "`callers.shop.externalId` is not a string"],
    [shopWith({ routes: null }), "`callers.shop.routes` is not a list of strings"],
    [shopWith({ sessionNames: "a" }), "`callers.shop.sessionNames` is not a list of strings"],
    [shopWith({ thirdParty: null }), "`callers.shop.thirdParty` is not a boolean"],
  ])("another type, %j, names the prop", (props, message) => {
    expect(refused(props)).toMatchObject({ code: "invalid_props", message });
  });

  test("no props at all", () => {
    const made = () => new CrossAccountApiAccess(newStack(), "Access", undefined as unknown as CallersProps);
    expect(thrown(made).code).toBe("invalid_props");
  });

  test("other kinds of APIs", () => {
    const stack = newStack();
    const rest = new RestApi(stack, "Rest");
    rest.root.addMethod("GET");
    const apis = [rest, new WebSocketApi(stack, "WebSocket")] as unknown as IHttpApi[];
    for (const httpApi of apis) {
      const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
      expect(thrown(made).code).toBe("invalid_props");
      stack.node.tryRemoveChild("Access");
    }
  });

  test.each<[string, object, string]>([
    ["stage", { callers, stage: Lazy.string({ produce: () => "stag" }) }, "stage"],
    ["manifest", { manifest: Lazy.string({ produce: () => shop }) }, "manifest"],
    ["account", shopWith({ account: Aws.ACCOUNT_ID }), "callers.shop.account"],
    ["external id", shopWith({ externalId: Token.asString({ Ref: "P" }) }), "callers.shop.external_id"],
    ["session name", shopWith({ sessionNames: ["a", Aws.STACK_NAME] }), "callers.shop.session_names.1"],
    ["list", shopWith({ tags: Token.asList({ Ref: "P" }) }), "callers.shop.tags"],
    ["name", { callers: { [Aws.STACK_NAME]: callers.shop } }, "callers"],
    ["duration", { callers, maxSessionDuration: Duration.seconds(Token.asNumber({ Ref: "P" })) }, "maxSessionDuration"],
  ])("a token: %s", (_, props, path) => {
    const error = refused(props);
    expect(error.code).toBe("unresolved_token");
    expect(error.message).toContain(`\`${path}\` is a token`);
  });

  test("a parameter of the stack is a token", () => {
    const stack = newStack();
    const { valueAsString: externalId } = new CfnParameter(stack, "ExternalId");
    expect(refused(shopWith({ externalId }), stack).code).toBe("unresolved_token");
  });
});
