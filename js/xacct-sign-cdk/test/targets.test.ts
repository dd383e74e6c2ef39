// REST APIs and function URLs, by role and directly: the same as `render` makes.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Stack } from "aws-cdk-lib";
import { Annotations as Found, Match, Template } from "aws-cdk-lib/assertions";
import { AuthorizationType, type CfnRestApi, EndpointType, RestApi } from "aws-cdk-lib/aws-apigateway";
import * as iam from "aws-cdk-lib/aws-iam";
import type { CfnUrl } from "aws-cdk-lib/aws-lambda";
import { describe, expect, test } from "vitest";
import { AccessForm, type ApiCaller, CrossAccountApiAccess, TrustForm } from "xacct-sign-cdk";
import { mock, newFunctionUrl, newRestApi, newStack, thrown } from "./app.js";
import { diff, functionPolicy, grants, ofTemplate, render, restApiPolicy } from "./forms.js";
import { manifestFile, targets } from "./manifests.js";

const ACCOUNT = "arn:aws:execute-api:ap-northeast-1:111111111111";
const FUNCTIONS = "arn:aws:lambda:ap-northeast-1:111111111111:function";
const callers: Record<string, ApiCaller> = { shop: { account: "000000000000", role: "Shop" } };

/** A template in which what the app knows by reference is the manifest's. */
function known(stack: Stack, names: Readonly<Record<string, string>>): Record<string, unknown> {
  let text = JSON.stringify(Template.fromStack(stack).toJSON());
  for (const [reference, name] of Object.entries(names)) text = text.replaceAll(reference, JSON.stringify(name));
  const joined = /\{"Fn::Join":\["",\[((?:"[^"]*",?)+)\]\]\}/g;
  text = text.replaceAll(joined, (_, parts: string) => JSON.stringify((JSON.parse(`[${parts}]`) as string[]).join("")));
  return JSON.parse(text) as Record<string, unknown>;
}

const reference = (stack: Stack, value: string) => JSON.stringify(stack.resolve(value));

/** The stages of `targets` with what the app makes for each, in a stack of its own. */
function built(stage: string, manifest: string): { stack: Stack; template: Record<string, unknown> } {
  if (stage === "rest" || stage === "private" || stage === "open") {
    const isPrivate = stage !== "rest";
    const { stack, restApi } = newRestApi(
      isPrivate ? { endpointConfiguration: { types: [EndpointType.PRIVATE] } } : {},
    );
    new CrossAccountApiAccess(stack, "Access", { manifest, stage, restApi });
    const id = isPrivate ? "r1s2t3u4v5" : "q1s2t3u4v5";
    return { stack, template: known(stack, { [reference(stack, restApi.restApiId)]: id }) };
  }
  const [alias, name] = { url: ["live", "orders"], separate: ["live", "billing"], whole: [undefined, "refunds"] }[
    stage
  ] as [string | undefined, string];
  const { stack, functionUrl } = newFunctionUrl(alias, {}, name);
  new CrossAccountApiAccess(stack, "Access", { manifest, stage, functionUrl });
  const { targetFunctionArn } = functionUrl.node.defaultChild as CfnUrl;
  return { stack, template: known(stack, { [reference(stack, targetFunctionArn)]: `${FUNCTIONS}:${name}` }) };
}

describe("what is synthesized grants what is rendered", () => {
  test.each(["rest", "private", "open", "url", "separate", "whole"])("%s", (stage) => {
    const manifest = manifestFile(targets);
    const documents = render("json", manifest, stage);
    const { stack, template } = built(stage, manifest);
    const own = JSON.stringify(Template.fromStack(stack).findResources("AWS::IAM::Role"));
    expect(ofTemplate(template)).toEqual(ofTemplate({ Resources: resourcesOf(manifest, stage) }));
    expect(own.includes("ApiAllowByIamRole")).toBe(["rest", "private", "url"].includes(stage));

    const meant = (documents.resource_policy ?? { Statement: [] }) as Record<string, unknown>;
    const ofStage = (grant: readonly string[]) => {
      const [, , resource = ""] = grant;
      return resource.startsWith(`${documents.api_arn}/`) || resource === documents.api_arn;
    };
    const policy =
      stage === "rest" || stage === "url"
        ? { Statement: [] }
        : stage === "private" || stage === "open"
          ? restApiPolicy(template, `${ACCOUNT}:r1s2t3u4v5`)
          : functionPolicy(template);
    // Of a REST API's stages the construct adds its own.
    expect(grants(policy)).toEqual(grants(meant).filter(ofStage));
    expect(grants(policy).length > 0).toBe(stage !== "rest" && stage !== "url");
  });

  /** A permission under another id is taken away and made anew: callers who did not change are refused meanwhile. */
  test("a caller or a role that comes in front renames no other's resource", () => {
    const resources = (roles: string, others: string) => {
      const manifest = manifestFile(`[api]
account = "111111111111"
region = "ap-northeast-1"
[stages.stag]
target = "function_url"
function = "orders"
alias = "live"
url_id = "abc"
access = "direct"
[callers.shop]
account = "000000000000"
roles = { stag = ${roles} }
${others}`);
      const { stack, functionUrl } = newFunctionUrl("live");
      new CrossAccountApiAccess(stack, "Direct", { manifest, stage: "stag", functionUrl });
      const made = Template.fromStack(stack).toJSON().Resources as Record<string, { Type: string }>;
      return Object.entries(made).filter(([, { Type }]) => Type === "AWS::Lambda::Permission");
    };
    const before = resources('["B", "C"]', "");
    const after = resources('["A", "B", "C"]', '[callers.aa]\naccount = "222222222222"\nroles = { stag = "A" }\n');
    expect([before.length, after.length]).toEqual([4, 8]);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  test("two stages of a REST API go into one policy", () => {
    const manifest = manifestFile(targets);
    const { stack, restApi } = newRestApi();
    for (const stage of ["private", "open"]) new CrossAccountApiAccess(stack, stage, { manifest, stage, restApi });
    const template = known(stack, { [reference(stack, restApi.restApiId)]: "r1s2t3u4v5" });
    const meant = render("json", manifest, "open").resource_policy as Record<string, unknown>;
    expect(grants(restApiPolicy(template, `${ACCOUNT}:r1s2t3u4v5`))).toEqual(grants(meant));
    // `diff` agrees, of the policy and of the roles.
    expect(diff(manifest, "open", template)).toEqual([`${ACCOUNT}:r1s2t3u4v5/v1d: the same`]);
    expect(diff(manifest, "private", template)).toEqual([
      `${ACCOUNT}:r1s2t3u4v5/v1p: the same`,
      "ApiAllowByIamRolePrivate: the same",
      "ApiAllowByIamRolePrivatePartner: the same",
    ]);
  });

  test.each([
    ["permissions", "", "AWS::Lambda::Permission"],
    ["a document", 'permissions = "document"\n', "AWS::Lambda::ResourcePolicy"],
  ])("two stages of a function have one policy: %s", (_, keys, type) => {
    const stage = (name: string) =>
      `[stages.${name}]\ntarget = "function_url"\nfunction = "orders"\nurl_id = "abc"\naccess = "direct"\n${keys}`;
    const head = '[api]\naccount = "111111111111"\nregion = "ap-northeast-1"\n';
    const shop = '[callers.shop]\naccount = "000000000000"\nroles = { a = "Shop", b = ["Shop", "Batch"] }\n';
    const company = '[callers.company]\norganization = "o-a1b2c3d4e5"\nstages = ["b"]\n';
    const manifest = manifestFile(head + stage("a") + stage("b") + shop + company);
    const { stack, functionUrl } = newFunctionUrl();
    // Of whichever comes first, and of both where only one is there.
    for (const name of ["b", "a"]) new CrossAccountApiAccess(stack, name, { manifest, stage: name, functionUrl });
    const { targetFunctionArn } = functionUrl.node.defaultChild as CfnUrl;
    const template = known(stack, { [reference(stack, targetFunctionArn)]: `${FUNCTIONS}:orders` });
    const resources = Object.entries(template.Resources as Record<string, { Type: string }>);
    const policies = resources.filter(([, resource]) => resource.Type === type);
    expect(policies).toHaveLength(keys === "" ? 6 : 1);
    expect(policies.every(([id]) => id.startsWith("b"))).toBe(true);
    for (const name of ["a", "b"]) expect(diff(manifest, name, template)).toEqual([`${FUNCTIONS}:orders: the same`]);
    Found.fromStack(stack).hasInfo("/Stack/a", Match.stringLikeRegexp("made by `Stack/b`"));
  });

  test.each([
    [
      "rest",
      [
        `${ACCOUNT}:q1s2t3u4v5/v1: the same`,
        "ApiAllowByIamRoleRest: the same",
        "ApiAllowByIamRoleRestPartner: the same",
      ],
    ],
    [
      "url",
      ["ApiAllowByIamRoleUrl: the same", `? the file does not say: resource policy of \`${FUNCTIONS}:orders:live\``],
    ],
    ["separate", [`${FUNCTIONS}:billing:live: the same`]],
    ["whole", [`${FUNCTIONS}:refunds: the same`]],
  ])("`diff` finds nothing between the manifest and %s", (stage, expected) => {
    const manifest = manifestFile(targets);
    expect(diff(manifest, stage, built(stage, manifest).template)).toEqual(expected);
  });

  test("a policy that the API has stays beside it", () => {
    const statement = new iam.PolicyStatement({
      principals: [new iam.AccountPrincipal("999999999999")],
      actions: ["execute-api:Invoke"],
      resources: ["execute-api:/v1/GET/health"],
    });
    const { stack, restApi } = newRestApi({ policy: new iam.PolicyDocument({ statements: [statement] }) });
    new CrossAccountApiAccess(stack, "Access", { manifest: manifestFile(targets), stage: "open", restApi });
    const { Statement } = restApiPolicy(Template.fromStack(stack).toJSON(), "arn") as { Statement: unknown[] };
    expect(Statement).toHaveLength(1 + 4);
  });

  test.each([
    ["none", undefined, 4],
    ["a document", new iam.PolicyDocument(), 4],
    ["an object", { Statement: [] }, "policy_out_of_reach"],
  ])("an API of a CDK that adds nothing to policies gets it as its property, which was %s", (_, policy, expected) => {
    const { stack, restApi } = newRestApi();
    Object.assign(restApi, { addToResourcePolicy: undefined });
    Object.assign(restApi.node.defaultChild as CfnRestApi, { policy });
    const make = () =>
      new CrossAccountApiAccess(stack, "A", { manifest: manifestFile(targets), stage: "open", restApi });
    if (typeof expected === "string") {
      expect(thrown(make).code).toBe(expected);
      return;
    }
    make();
    const { Statement } = restApiPolicy(Template.fromStack(stack).toJSON(), "arn") as { Statement: unknown[] };
    expect(Statement).toHaveLength(expected);
  });

  test("a policy that is new is deployed: the deployment has another id", () => {
    const id = (isOpen: boolean) => {
      const { stack, restApi } = newRestApi();
      if (isOpen) new CrossAccountApiAccess(stack, "A", { manifest: manifestFile(targets), stage: "open", restApi });
      return Object.keys(Template.fromStack(stack).findResources("AWS::ApiGateway::Deployment"));
    };
    expect(id(true)).not.toEqual(id(false));
  });

  test("without an API of the app it is the manifest's", () => {
    const manifest = manifestFile(targets);
    for (const stage of ["rest", "url", "separate", "whole"]) {
      const stack = newStack();
      new CrossAccountApiAccess(stack, "Access", { manifest, stage, assertAllRoutesUseIam: true });
      const template = Template.fromStack(stack).toJSON();
      const rendered = { Resources: resourcesOf(manifest, stage) };
      expect(ofTemplate(template)).toEqual(ofTemplate(rendered));
      expect(grants(functionPolicy(template))).toEqual(grants(functionPolicy(rendered)));
    }
  });

  test("passes cfn-lint", () => {
    const { XACCT_SIGN_CFN_LINT: program } = process.env;
    if (!program) throw new Error("XACCT_SIGN_CFN_LINT is not set to cfn-lint: `make test` does it");
    const manifest = manifestFile(targets);
    const files = ["rest", "private", "open", "url", "separate", "whole"].map((stage) => {
      const file = join(dirname(manifest), `${stage}.json`);
      writeFileSync(file, JSON.stringify(Template.fromStack(built(stage, manifest).stack).toJSON()));
      return file;
    });
    // W3005 is about what the CDK's own function depends on.
    const options = ["--ignore-checks", "W3005", "--regions", "ap-northeast-1", "--"];
    const lint = () => spawnSync(program, [...options, ...files], { encoding: "utf8" });
    expect(lint().stdout).toBe("");
    // It would say something.
    const [, , , , separate = ""] = files;
    writeFileSync(separate, readFileSync(separate, "utf8").replace('"AWS_IAM"', '"AWS"'));
    expect(lint().stdout).toContain("separate.json");
  });
});

/** The resources of a stage as they are rendered; a REST API with direct access has none. */
function resourcesOf(manifest: string, stage: string): unknown {
  return stage === "open" ? {} : render("cloudformation", manifest, stage).Resources;
}

describe("callers in code", () => {
  test("of a REST API, directly, on the stage that it is deployed to", () => {
    const { stack, restApi } = newRestApi();
    const partner = { account: "222222222222", role: "Batch", trust: TrustForm.ACCOUNT, routes: ["PUT /hoge"] };
    const access = new CrossAccountApiAccess(stack, "Access", {
      stage: "stag",
      access: AccessForm.DIRECT,
      callers: { ...callers, partner },
      restApi,
    });
    expect(access.restApi).toBe(restApi);
    expect(access.roles).toEqual([]);
    expect(thrown(() => access.role).hint).toBe("callers come in directly, without a role");
    expect(thrown(() => access.roleFor("shop")).code).toBe("not_one_role");
    Template.fromStack(stack).hasResourceProperties("AWS::ApiGateway::RestApi", {
      Policy: {
        Statement: [
          { Principal: { AWS: Match.anyValue() }, Resource: "execute-api:/v1/*" },
          { Resource: "execute-api:/v1/PUT/hoge", Condition: { ArnEquals: Match.anyValue() } },
        ],
      },
    });
  });

  test("of a private REST API, in an account that is known at deployment", () => {
    const stack = newStack({});
    const options = { defaultMethodOptions: { authorizationType: AuthorizationType.IAM } };
    const restApi = new RestApi(stack, "RestApi", options);
    restApi.root.addMethod("GET", mock());
    const vpcEndpoints = ["vpce-0123456789abcdef0"];
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, restApi, vpcEndpoints });
    const account = {
      "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":iam::", { Ref: "AWS::AccountId" }, ":root"]],
    };
    const role = {
      "Fn::Join": [
        "",
        ["arn:", { Ref: "AWS::Partition" }, ":iam::", { Ref: "AWS::AccountId" }, ":role/ApiAllowByIamRoleStag"],
      ],
    };
    Template.fromStack(stack).hasResourceProperties("AWS::ApiGateway::RestApi", {
      Policy: {
        Statement: [
          {
            Effect: "Allow",
            Principal: { AWS: account },
            Resource: "execute-api:/prod/*",
            Condition: {
              ArnEquals: { "aws:PrincipalArn": role },
              StringEquals: { "aws:SourceVpce": "vpce-0123456789abcdef0" },
            },
          },
        ],
      },
    });
  });

  test.each(["live", undefined])("of a function URL, by role and directly: %s", (alias) => {
    const { stack, functionUrl } = newFunctionUrl(alias, {}, undefined);
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, functionUrl });
    expect(access.roleFor("shop")).toBe(access.role);
    expect(access.functionUrl).toBe(functionUrl);
    const arn = { "Fn::GetAtt": ["Function76856677", "Arn"] };
    const target = alias === undefined ? arn : { "Fn::Join": ["", [arn, ":live"]] };
    expect(stack.resolve(access.allRoutesArn)).toEqual(target);
    const user = new iam.User(stack, "User");
    expect(access.grantInvokeAll(user).success).toBe(true);
    new CrossAccountApiAccess(stack, "Direct", { stage: "stag", access: AccessForm.DIRECT, callers, functionUrl });
    const template = Template.fromStack(stack);
    const both = [
      {
        Effect: "Allow",
        Action: "lambda:InvokeFunctionUrl",
        Resource: target,
        Condition: { StringEquals: { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
      },
      {
        Effect: "Allow",
        Action: "lambda:InvokeFunction",
        Resource: target,
        Condition: { Bool: { "lambda:InvokedViaFunctionUrl": "true" } },
      },
    ];
    template.hasResourceProperties("AWS::IAM::Role", { Policies: [{ PolicyDocument: { Statement: both } }] });
    template.hasResourceProperties("AWS::IAM::Policy", { PolicyDocument: { Statement: both } });
    template.hasResourceProperties("AWS::Lambda::Permission", {
      FunctionName: target,
      Action: "lambda:InvokeFunction",
      InvokedViaFunctionUrl: true,
    });
    expect(JSON.stringify(template.toJSON())).not.toContain("undefined");
  });

  test("routes on a function URL are for the function to enforce, and said so", () => {
    const own = { shop: { account: "000000000000", role: "Shop", routes: ["PUT /hoge"] } };
    const make = (routesEnforcedByFunction?: boolean) => {
      const { stack, functionUrl } = newFunctionUrl();
      const props = { stage: "stag", callers: own, functionUrl, routesEnforcedByFunction };
      return new CrossAccountApiAccess(stack, "Access", props);
    };
    expect(thrown(() => make()).code).toBe("routes_not_enforced");
    const access = make(true);
    Found.fromStack(Stack.of(access)).hasInfo(
      "/Stack/Access",
      Match.stringLikeRegexp("^xacct-sign:routes_not_enforced"),
    );
    expect(thrown(() => access.grantInvoke(new iam.User(access, "U"), ["GET /"])).code).toBe("routes_not_enforced");
  });

  test("an external id is no term of direct access", () => {
    const { stack, restApi } = newRestApi();
    const shop = { account: "000000000000", role: "Shop", externalId: "b3c7" };
    const props = { stage: "stag", access: AccessForm.DIRECT, callers: { shop }, restApi };
    const error = thrown(() => new CrossAccountApiAccess(stack, "Access", props));
    expect(error.code).toBe("term_not_expressible");
  });

  test("grants on a REST API have its stage", () => {
    const { stack, restApi } = newRestApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: {}, restApi });
    access.grantInvoke(new iam.User(stack, "User"), ["PUT /hoge"]);
    expect(stack.resolve(access.allRoutesArn)).toEqual(stack.resolve(CrossAccountApiAccess.allRoutesArn(restApi)));
    const arn = JSON.stringify(stack.resolve(access.allRoutesArn));
    expect(arn).toContain('"/v1/*"');
    const policies = JSON.stringify(Template.fromStack(stack).findResources("AWS::IAM::Policy"));
    expect(policies).toContain(arn.replace("/v1/*", "/v1/PUT/hoge"));
  });

  test("a REST API that is deployed to no stage has to be told one", () => {
    const { stack, restApi } = newRestApi({ deploy: false, deployOptions: undefined });
    const props = { stage: "stag", callers, restApi };
    const error = thrown(() => new CrossAccountApiAccess(stack, "Access", props));
    expect(error).toMatchObject({ code: "invalid_props", hint: "give it as `apiStage`" });
    expect(thrown(() => CrossAccountApiAccess.allRoutesArn(restApi)).code).toBe("invalid_props");
    const access = new CrossAccountApiAccess(stack, "Told", { ...props, apiStage: "v9" });
    expect(JSON.stringify(stack.resolve(access.allRoutesArn))).toContain("/v9/*");
  });
});
