// REST APIs and function URLs: what is refused.

import { Aspects, type Stack } from "aws-cdk-lib";
import { Annotations as Found, Match, Template } from "aws-cdk-lib/assertions";
import { ApiDefinition, AuthorizationType, CfnMethod, RestApi, SpecRestApi } from "aws-cdk-lib/aws-apigateway";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { CfnUrl, FunctionUrlAuthType, type IFunctionUrl } from "aws-cdk-lib/aws-lambda";
import type { IConstruct } from "constructs";
import { describe, expect, test } from "vitest";
import { AccessForm, type ApiCaller, CrossAccountApiAccess } from "xacct-sign-cdk";
import { mock, newFunctionUrl, newRestApi, newStack, thrown } from "./app.js";
import { grants, restApiPolicy } from "./forms.js";
import { manifestFile, targets } from "./manifests.js";

const callers: Record<string, ApiCaller> = { shop: { account: "000000000000", role: "Shop" } };

describe("what is not authorized by IAM", () => {
  const open = (change: (restApi: RestApi, stack: Stack) => void, props: object = {}) => {
    const { stack, restApi } = newRestApi();
    change(restApi, stack);
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, restApi, ...props });
    return stack;
  };
  const none = { authorizationType: AuthorizationType.NONE };

  test.each<[string, (restApi: RestApi, stack: Stack) => void]>([
    ["a method", (restApi) => void restApi.root.addResource("health").addMethod("GET", mock(), none)],
    ["any method", (restApi) => void restApi.root.addResource("health").addMethod("ANY", mock(), none)],
    ["a proxy", (restApi) => void restApi.root.addProxy({ defaultMethodOptions: none })],
    ["the root", (restApi) => void restApi.root.addMethod("GET", mock(), none)],
    ["CORS", (restApi) => void restApi.root.addCorsPreflight({ allowOrigins: ["*"] })],
    [
      "a resource of CloudFormation",
      (restApi, stack) =>
        void new CfnMethod(stack, "M", {
          restApiId: restApi.restApiId,
          resourceId: restApi.restApiRootResourceId,
          httpMethod: "GET",
          authorizationType: "NONE",
        }),
    ],
  ])("%s is refused, and by each way in", (_, change) => {
    expect(thrown(() => open(change)).code).toBe("route_not_iam");
    expect(thrown(() => open(change, { access: AccessForm.DIRECT })).code).toBe("route_not_iam");
  });

  test("is named by method and path, and may be meant", () => {
    const health = (restApi: RestApi) => {
      const at = restApi.root.addResource("deep").addResource("{id}");
      at.addMethod("GET", mock(), none);
    };
    const error = thrown(() => open(health));
    expect(error.message).toContain("opens the route `GET /deep/{id}`, which is authorized by `NONE`");
    expect(error.hint).toContain("AuthorizationType.IAM");
    expect(() => open(health, { routesWithoutIam: ["GET /deep/{id}"] })).not.toThrow();
    expect(() => Template.fromStack(open(() => {}, { routesWithoutIam: ["GET /other"] }))).toThrow(/route_not_found/);
  });

  test("is of no interest where nobody may use it", () => {
    const own = { shop: { account: "000000000000", role: "Shop", routes: ["PUT /hoge"] } };
    const health = (restApi: RestApi) => void restApi.root.addResource("health").addMethod("GET", mock(), none);
    for (const access of [AccessForm.ROLE, AccessForm.DIRECT]) {
      expect(() => Template.fromStack(open(health, { callers: own, access }))).not.toThrow();
      const missing = { shop: { ...own.shop, routes: ["PUT /misspelt"] } };
      expect(() => Template.fromStack(open(health, { callers: missing, access }))).toThrow(/route_not_found/);
    }
  });

  test("fails the synthesis where it is changed later", () => {
    const { stack, restApi } = newRestApi();
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, restApi });
    restApi.root.addResource("late").addMethod("GET", mock(), none);
    expect(() => Template.fromStack(stack)).toThrow(/route_not_iam: .* `GET \/late`/);
  });

  test("of another REST API is of no interest", () => {
    const other = (_: RestApi, stack: Stack) => void new RestApi(stack, "Other").root.addMethod("GET", mock(), none);
    expect(() => Template.fromStack(open(other))).not.toThrow();
  });

  test("is hidden by an OpenAPI document, and by an import", () => {
    const stack = newStack();
    const apiDefinition = ApiDefinition.fromInline({ openapi: "3.0.1", info: { title: "x" }, paths: {} });
    const described = new SpecRestApi(stack, "Spec", { apiDefinition, deployOptions: { stageName: "v1" } });
    const imported = RestApi.fromRestApiId(stack, "Imported", "r1s2t3u4v5");
    for (const [index, restApi] of [described, imported].entries()) {
      const props = { stage: "stag", callers, restApi, apiStage: "v1" };
      expect(thrown(() => new CrossAccountApiAccess(stack, `A${index}`, props)).code).toBe("routes_hidden");
      new CrossAccountApiAccess(stack, `B${index}`, { ...props, stage: `s${index}`, assertAllRoutesUseIam: true });
    }
    new CrossAccountApiAccess(stack, "Direct", {
      stage: "direct",
      access: AccessForm.DIRECT,
      callers,
      restApi: described,
      assertAllRoutesUseIam: true,
    });
    const policy = JSON.stringify(Template.fromStack(stack).findResources("AWS::ApiGateway::RestApi"));
    expect(policy).toContain("execute-api:/v1/*");
  });

  test("a function URL of the auth type NONE is refused, at once and at synthesis", () => {
    const { stack, functionUrl } = newFunctionUrl("live", { authType: FunctionUrlAuthType.NONE });
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, functionUrl });
    expect(thrown(made)).toMatchObject({
      code: "url_not_iam",
      message:
        "the function URL `Stack/Alias/FunctionUrl/Resource` has the auth type `NONE`, with which everybody may call it",
    });
    const later = newFunctionUrl("live");
    new CrossAccountApiAccess(later.stack, "Access", { stage: "stag", callers, functionUrl: later.functionUrl });
    const visit = (node: IConstruct) => {
      if (node instanceof CfnUrl) node.authType = "NONE";
    };
    Aspects.of(later.stack).add({ visit });
    expect(() => Template.fromStack(later.stack)).toThrow(/url_not_iam/);
  });
});

describe("what does not go together", () => {
  const manifest = () => manifestFile(targets);

  test.each<[string | undefined, string]>([
    ["blue", "the alias `blue`"],
    [undefined, "the function itself"],
  ])("a URL on another alias: %s", (alias, said) => {
    const { stack, functionUrl } = newFunctionUrl(alias);
    const error = thrown(
      () => new CrossAccountApiAccess(stack, "A", { manifest: manifest(), stage: "url", functionUrl }),
    );
    expect(error.code).toBe("alias_mismatch");
    expect(error.message).toContain(`hangs on ${said}, and the stage is the alias \`live\``);
  });

  test("a URL on an alias, where the stage is the function itself", () => {
    const { stack, functionUrl } = newFunctionUrl("live", {}, "refunds");
    const props = { manifest: manifest(), stage: "whole", functionUrl };
    expect(thrown(() => new CrossAccountApiAccess(stack, "A", props)).message).toContain(
      "the stage is the function itself",
    );
  });

  test("another function, and another API", () => {
    const { stack, functionUrl } = newFunctionUrl("live", {}, "other");
    const other = thrown(
      () => new CrossAccountApiAccess(stack, "A", { manifest: manifest(), stage: "url", functionUrl }),
    );
    expect(other.message).toBe("the function is `other`, and in the manifest stage `url` has `orders`");
    expect(other.code).toBe("api_mismatch");
    const restApi = RestApi.fromRestApiId(stack, "Rest", "z9");
    const rest = thrown(() => new CrossAccountApiAccess(stack, "B", { manifest: manifest(), stage: "rest", restApi }));
    expect(rest.message).toBe("the API has the id `z9`, and in the manifest stage `rest` has `q1s2t3u4v5`");
  });

  test("another kind of API", () => {
    const { stack, restApi } = newRestApi();
    const error = thrown(() => new CrossAccountApiAccess(stack, "A", { manifest: manifest(), stage: "url", restApi }));
    expect(error.code).toBe("api_mismatch");
    expect(error.message).toMatch(/is a `function_url`, and `restApi` is given$/);
    expect(error.hint).toMatch(/^give `functionUrl`/);
  });

  test("several APIs, and none", () => {
    const { stack, restApi } = newRestApi();
    const httpApi = HttpApi.fromHttpApiAttributes(stack, "Http", { httpApiId: "a1" });
    const make = (props: object) => thrown(() => new CrossAccountApiAccess(stack, "A", props as never));
    const several = make({ stage: "stag", callers, restApi, httpApi });
    expect(several).toMatchObject({ code: "invalid_props", message: "there are several APIs: `httpApi`, `restApi`" });
    stack.node.tryRemoveChild("A");
    expect(make({ stage: "stag", callers }).message).toBe("there is no API");
  });

  test.each<[string, object]>([
    ["an HTTP API as a REST API", { restApi: { apiId: "a1" } }],
    ["a function as its URL", { functionUrl: {} }],
    ["a URL that is a text", { functionUrl: "https://abc.lambda-url.ap-northeast-1.on.aws/" }],
    [
      "routes without IAM of a URL",
      { functionUrl: newFunctionUrl().functionUrl as IFunctionUrl, routesWithoutIam: ["GET /"] },
    ],
  ])("%s", (_, props) => {
    const all = { stage: "stag", callers, ...props } as never;
    expect(thrown(() => new CrossAccountApiAccess(newStack(), "A", all)).code).toBe("invalid_props");
  });

  test("a function URL that nobody sees", () => {
    const made = () => new CrossAccountApiAccess(newStack(), "A", { manifest: manifest(), stage: "url" });
    expect(thrown(made).code).toBe("routes_hidden");
  });
});

describe("the policy of an API that the construct does not reach", () => {
  test("is refused with what to pass, which is the same", () => {
    const manifest = manifestFile(targets);
    const stack = newStack();
    const restApi = RestApi.fromRestApiId(stack, "Rest", "r1s2t3u4v5");
    const props = { manifest, stage: "open", restApi, assertAllRoutesUseIam: true };
    const error = thrown(() => new CrossAccountApiAccess(stack, "A", props));
    expect(error.code).toBe("policy_out_of_reach");
    expect(error.hint).toContain("CrossAccountApiAccess.resourcePolicy({ manifest, stage })");

    const policy = CrossAccountApiAccess.resourcePolicy({ manifest, stage: "open" });
    const made = newRestApi({ policy });
    const through = newRestApi();
    new CrossAccountApiAccess(through.stack, "A", { manifest, stage: "open", restApi: through.restApi });
    const grantsOf = (of: Stack) => grants(restApiPolicy(Template.fromStack(of).toJSON(), "arn"));
    expect(grantsOf(made.stack)).toEqual(grantsOf(through.stack));
  });

  test("is a warning for a private API by role, whose roles are made", () => {
    const stack = newStack();
    const props = { manifest: manifestFile(targets), stage: "private", assertAllRoutesUseIam: true };
    const access = new CrossAccountApiAccess(stack, "Access", props);
    expect(access.roles).toHaveLength(2);
    Found.fromStack(stack).hasWarning("/Stack/Access", Match.stringLikeRegexp("xacct-sign:policy_out_of_reach"));
  });

  test.each(["rest", "url", "whole"])("there is none of %s", (stage) => {
    const error = thrown(() => CrossAccountApiAccess.resourcePolicy({ manifest: manifestFile(targets), stage }));
    expect(error).toMatchObject({
      code: "invalid_props",
      hint: "it is for REST APIs with direct access, and for private ones",
    });
  });
});
