// What is opened has to be authorized by IAM.

import { App, Aspects, CfnParameter, CfnResource, Fn, Lazy, NestedStack, Stack, Stage } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import {
  type CfnApi,
  CfnRoute,
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
  type IHttpRouteAuthorizer,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer, HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import * as iam from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { describe, expect, test } from "vitest";
import { type ApiCaller, CrossAccountApiAccess, XacctSignError } from "xacct-sign-cdk";
import { env, integration, newApi, newStack } from "./app.js";

const none = new HttpNoneAuthorizer();
const jwt = new HttpJwtAuthorizer("Jwt", "https://issuer.example.com", { jwtAudience: ["app"] });
const callers: Record<string, ApiCaller> = { shop: { account: "000000000000", role: "LambdaRoleDeve" } };

/** The code of what is thrown. */
function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    expect(error.hint).not.toBe("");
    return `${error.code}: ${error.message}`;
  }
  throw new Error("nothing was thrown");
}

function add(httpApi: HttpApi, path: string, method: HttpMethod, authorizer?: IHttpRouteAuthorizer): void {
  httpApi.addRoutes({ path, methods: [method], integration: integration(), authorizer });
}

const user = (stack: Stack) => new iam.User(stack, "User");

describe("every route", () => {
  test("is granted where all are authorized by IAM", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    const grant = access.grantInvokeAll(user(stack));
    expect(grant.success).toBe(true);
    Template.fromStack(stack).hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "execute-api:Invoke",
            Resource: stack.resolve(access.allRoutesArn),
          },
        ],
      },
    });
    expect(access.allRoutesArn).toBe(CrossAccountApiAccess.allRoutesArn(httpApi));
    expect(stack.resolve(CrossAccountApiAccess.allRoutesArn(httpApi, "v1"))).toEqual({
      "Fn::Join": [
        "",
        [
          "arn:",
          { Ref: "AWS::Partition" },
          ":execute-api:ap-northeast-1:111111111111:",
          { Ref: "HttpApiF5A9A8A7" },
          "/v1/*",
        ],
      ],
    });
  });

  test.each([
    ["NONE", none],
    ["JWT", jwt],
  ])("is refused where a route overrides the API's authorizer with %s", (type, authorizer) => {
    const { stack, httpApi } = newApi();
    add(httpApi, "/health", HttpMethod.GET, authorizer);
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(made)).toBe(
      `route_not_iam: what opens every route opens the route \`GET /health\`, which is authorized by \`${type}\` and not by IAM`,
    );
  });

  test("is refused where the API has no authorizer", () => {
    const { stack, httpApi } = newApi({ defaultAuthorizer: undefined });
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(made)).toContain("route_not_iam: what opens every route opens the route `PUT /hoge`");
  });

  test("is refused where the default route is without one", () => {
    const { stack, httpApi } = newApi();
    new HttpRoute(stack, "Default", {
      httpApi,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integration(),
      authorizer: none,
    });
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(made)).toContain("the route `$default`, which is authorized by `NONE`");
  });

  test("is refused when such a route came before the grant", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    add(httpApi, "/health", HttpMethod.GET, none);
    expect(codeOf(() => access.grantInvokeAll(user(stack)))).toContain("route_not_iam");
  });

  test("fails the synthesis when such a route comes after the grant", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    access.grantInvokeAll(user(stack));
    add(httpApi, "/health", HttpMethod.GET, none);
    expect(() => Template.fromStack(stack)).toThrow(
      /\[Stack\/Access\] route_not_iam: what opens every route opens the route `GET \/health`, .*; give the route/,
    );
  });

  test("may have routes without IAM that are meant to be so, by their keys", () => {
    const { stack, httpApi } = newApi();
    add(httpApi, "/{proxy+}", HttpMethod.OPTIONS, none);
    const routesWithoutIam = ["OPTIONS /{proxy+}"];
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi, routesWithoutIam });
    access.grantInvokeAll(user(stack));
    add(httpApi, "/health", HttpMethod.GET, none);
    expect(() => Template.fromStack(stack)).toThrow(/`GET \/health`/);
  });
});

describe("a route that is meant to be without IAM", () => {
  const build = (routesWithoutIam: string[], change?: (httpApi: HttpApi) => void) => () => {
    const { stack, httpApi } = newApi();
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi, routesWithoutIam });
    change?.(httpApi);
    Template.fromStack(stack);
  };

  test.each(["GET /helth", "get /health", "/health", "GET /health/", "$default", ""])(
    "has the key of one, not %j",
    (key) => {
      const change = (httpApi: HttpApi) => add(httpApi, "/health", HttpMethod.GET, none);
      const expected = `route_not_found: \`${key}\` in \`routesWithoutIam\` is the key of no route of the API`;
      expect(build(["GET /health", key], change)).toThrow(expected);
    },
  );

  test("may be added later", () => {
    expect(build(["GET /health"], (httpApi) => add(httpApi, "/health", HttpMethod.GET, none))).not.toThrow();
    expect(build(["GET /health"])).toThrow(/route_not_found/);
  });

  test("is not looked for where the routes are hidden", () => {
    const stack = newStack();
    const httpApi = HttpApi.fromHttpApiAttributes(stack, "Imported", { httpApiId: "f6g7h8i9j0" });
    const props = { stage: "stag", callers, httpApi, assertAllRoutesUseIam: true, routesWithoutIam: ["GET /health"] };
    new CrossAccountApiAccess(stack, "Access", props);
    Template.fromStack(stack).resourceCountIs("AWS::IAM::Role", 1);
  });
});

describe("routes whose authorization is written another way", () => {
  const build = (change: (httpApi: HttpApi, stack: Stack) => void) => () => {
    const { stack, httpApi } = newApi();
    new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    change(httpApi, stack);
    Template.fromStack(stack);
  };
  const routeOf = (httpApi: HttpApi) => httpApi.node.findChild("PUT--hoge").node.defaultChild as CfnRoute;

  test.each<[string, (httpApi: HttpApi, stack: Stack) => void]>([
    ["a property", (httpApi) => Object.assign(routeOf(httpApi), { authorizationType: "NONE" })],
    ["an override", (httpApi) => routeOf(httpApi).addPropertyOverride("AuthorizationType", "NONE")],
    [
      "an aspect",
      (_, stack) => {
        const visit = (construct: IConstruct) => {
          if (construct instanceof CfnRoute) construct.authorizationType = "NONE";
        };
        Aspects.of(stack).add({ visit });
      },
    ],
    ["a deleted property", (httpApi) => routeOf(httpApi).addPropertyDeletionOverride("AuthorizationType")],
    [
      "a resource of CloudFormation",
      (api, stack) => void new CfnRoute(stack, "R", { apiId: api.apiId, routeKey: "GET /x" }),
    ],
    [
      "a key known at deployment",
      (api, stack) =>
        void new CfnRoute(stack, "R", { apiId: api.apiId, routeKey: Lazy.string({ produce: () => "GET /x" }) }),
    ],
    [
      "a route in another stack",
      (httpApi, stack) => {
        const other = new Stack(App.of(stack) as App, "Other", { env });
        new HttpRoute(other, "R", {
          httpApi,
          routeKey: HttpRouteKey.with("/x", HttpMethod.GET),
          integration: integration(),
        });
        new HttpRoute(other, "S", {
          httpApi,
          routeKey: HttpRouteKey.with("/y", HttpMethod.GET),
          integration: integration(),
          authorizer: none,
        });
      },
    ],
  ])("%s fails the synthesis", (_, change) => {
    expect(build(change)).toThrow(/route_not_iam/);
  });

  const otherStack = (stack: Stack) => new Stack(App.of(stack) as App, "Other", { env });
  const attribute = (httpApi: HttpApi) => (httpApi.node.defaultChild as CfnApi).attrApiId;
  const logicalId = (httpApi: HttpApi) => Stack.of(httpApi).getLogicalId(httpApi.node.defaultChild as CfnApi);

  const exportName = (httpApi: HttpApi) => {
    Stack.of(httpApi).exportValue(httpApi.apiId, { name: "TheApi" });
    return "TheApi";
  };

  /** Ways to write the id of an API in a stack. */
  const ids: [string, (httpApi: HttpApi, stack: Stack) => string][] = [
    ["Ref", (httpApi) => httpApi.apiId],
    ["attrApiId", attribute],
    ["getAtt", (httpApi) => (httpApi.node.defaultChild as CfnApi).getAtt("ApiId").toString()],
    ["Fn.ref", (httpApi) => Fn.ref(logicalId(httpApi))],
    ["Fn.getAtt", (httpApi) => Fn.getAtt(logicalId(httpApi), "ApiId").toString()],
    ["a lazy value", (httpApi) => Lazy.string({ produce: () => httpApi.apiId })],
  ];

  test.each<[string, (httpApi: HttpApi, stack: Stack) => string]>([
    ...ids,
    ["Fn.join", (httpApi) => Fn.join("", [httpApi.apiId, ""])],
    ["Fn.sub", (httpApi) => Fn.sub(`\${${logicalId(httpApi)}}`)],
    ["Fn.select", (httpApi) => Fn.select(0, Fn.split("/", `${httpApi.apiId}/x`))],
    ["a parameter", (_, stack) => new CfnParameter(stack, "ApiId").valueAsString],
  ])("an API's id by %s is taken for the API's", (_, id) => {
    const change = (httpApi: HttpApi, stack: Stack) =>
      void new CfnRoute(stack, "R", { apiId: id(httpApi, stack), routeKey: "GET /x", authorizationType: "NONE" });
    expect(build(change)).toThrow(/route_not_iam: .* `GET \/x`/);
    const generic = (httpApi: HttpApi, stack: Stack) =>
      void new CfnResource(stack, "R", {
        type: "AWS::ApiGatewayV2::Route",
        properties: { ApiId: id(httpApi, stack), RouteKey: "GET /x" },
      });
    expect(build(generic)).toThrow(/route_not_iam: .* `GET \/x`/);
  });

  test.each<[string, (httpApi: HttpApi) => string]>([
    ["an attribute", attribute],
    ["an export", (httpApi) => Fn.importValue(exportName(httpApi))],
  ])("an API's id in another stack by %s is taken for the API's", (_, id) => {
    const change = (httpApi: HttpApi, stack: Stack) =>
      void new CfnRoute(otherStack(stack), "R", { apiId: id(httpApi), routeKey: "GET /x" });
    expect(build(change)).toThrow(/route_not_iam: .* `GET \/x`/);
  });

  test("an API's id in a nested stack is taken for the API's", () => {
    const change = (httpApi: HttpApi, stack: Stack) =>
      void new CfnRoute(new NestedStack(stack, "Nested"), "R", { apiId: attribute(httpApi), routeKey: "GET /x" });
    expect(build(change)).toThrow(/route_not_iam: .* `GET \/x`/);
  });

  test.each(["deve", "stag"])("of the app's stages only that of the API matters: %s", (wrong) => {
    const app = new App();
    for (const stage of ["deve", "stag"]) {
      const scope = new Stage(app, stage, { env });
      const stack = new Stack(scope, "Stack");
      const httpApi = new HttpApi(stack, "HttpApi", { defaultAuthorizer: new HttpIamAuthorizer() });
      new CrossAccountApiAccess(stack, "Access", { stage, callers, httpApi });
      const other = new Stack(scope, "Other");
      if (stage === wrong) new CfnRoute(other, "R", { apiId: attribute(httpApi), routeKey: "GET /x" });
    }
    expect(() => app.synth()).toThrow(new RegExp(`\\[${wrong}/Stack/Access\\] route_not_iam: .* \`GET /x\``));
  });

  test("a resource whose type is overridden is a route", () => {
    const change = (httpApi: HttpApi, stack: Stack) => {
      const properties = { ApiId: httpApi.apiId, RouteKey: "GET /x", AuthorizationType: "NONE" };
      const resource = new CfnResource(stack, "R", { type: "AWS::CloudFormation::WaitConditionHandle", properties });
      resource.addOverride("Type", "AWS::ApiGatewayV2::Route");
    };
    expect(build(change)).toThrow(/route_not_iam: .* `GET \/x`/);
  });

  test("a route that an override moves to the API is the API's", () => {
    const change = (httpApi: HttpApi, stack: Stack) => {
      const route = new CfnRoute(stack, "R", { apiId: new HttpApi(stack, "Other").apiId, routeKey: "GET /x" });
      route.addPropertyOverride("ApiId", { Ref: logicalId(httpApi) });
    };
    expect(build(change)).toThrow(/route_not_iam: .* `GET \/x`/);
  });

  test.each<[string, (other: HttpApi, stack: Stack) => string]>([...ids, ["a literal", () => "z9y8x7w6v5"]])(
    "a route of another API by %s is of no interest",
    (_, id) => {
      const change = (_: HttpApi, stack: Stack) =>
        void new CfnRoute(stack, "R", { apiId: id(new HttpApi(stack, "Other"), stack), routeKey: "GET /x" });
      expect(build(change)).not.toThrow();
    },
  );

  test.each<[string, (other: HttpApi) => string]>([
    ["Ref", (other) => other.apiId],
    ["attrApiId", attribute],
  ])("a route of another API in another stack by %s is of no interest", (_, id) => {
    const change = (_: HttpApi, stack: Stack) => {
      const apiId = id(new HttpApi(stack, "Other"));
      const elsewhere = otherStack(stack);
      new CfnRoute(elsewhere, "R", { apiId, routeKey: "GET /x" });
      new CfnRoute(new NestedStack(elsewhere, "Nested"), "R", { apiId, routeKey: "GET /x" });
      const properties = { ApiId: apiId, RouteKey: "GET /x" };
      new CfnResource(elsewhere, "G", { type: "AWS::ApiGatewayV2::Route", properties });
    };
    expect(build(change)).not.toThrow();
  });

  test("an override to IAM is enough", () => {
    expect(
      build((httpApi, stack) => {
        const route = new CfnRoute(stack, "R", { apiId: httpApi.apiId, routeKey: "GET /x" });
        route.addPropertyOverride("AuthorizationType", "AWS_IAM");
      }),
    ).not.toThrow();
  });

  test("a route of another API is of no interest", () => {
    expect(
      build((_, stack) => {
        const other = new HttpApi(stack, "Other");
        add(other, "/x", HttpMethod.GET);
      }),
    ).not.toThrow();
  });

  test.each<[string, (api: CfnApi) => void]>([
    ["an OpenAPI document", (api) => Object.assign(api, { body: { openapi: "3.0.1" } })],
    ["an OpenAPI document in S3", (api) => Object.assign(api, { bodyS3Location: { bucket: "b", key: "k" } })],
    ["a target", (api) => Object.assign(api, { target: "https://upstream.example.com" })],
    ["an override with a document", (api) => api.addPropertyOverride("Body", { openapi: "3.0.1" })],
  ])("%s hides routes", (_, change) => {
    expect(build((httpApi) => change(httpApi.node.defaultChild as CfnApi))).toThrow(/routes_hidden/);
  });
});

describe("an imported API", () => {
  const imported = (stack: Stack) => HttpApi.fromHttpApiAttributes(stack, "Imported", { httpApiId: "f6g7h8i9j0" });

  test("needs an assertion", () => {
    const stack = newStack();
    const httpApi = imported(stack);
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(made)).toContain("routes_hidden: the routes of the API `Stack/Imported` cannot be seen");
  });

  test("is granted with one", () => {
    const stack = newStack();
    const httpApi = imported(stack);
    const props = { stage: "stag", callers, httpApi, assertAllRoutesUseIam: true };
    const access = new CrossAccountApiAccess(stack, "Access", props);
    access.grantInvoke(user(stack), ["GET /nobody/knows"]);
    Template.fromStack(stack).resourceCountIs("AWS::IAM::Policy", 1);
  });

  test("is refused with one, where the app itself makes a route without IAM", () => {
    const stack = newStack();
    const httpApi = imported(stack);
    new HttpRoute(stack, "R", {
      httpApi,
      routeKey: HttpRouteKey.with("/x", HttpMethod.GET),
      integration: integration(),
    });
    const props = { stage: "stag", callers, httpApi, assertAllRoutesUseIam: true };
    expect(codeOf(() => new CrossAccountApiAccess(stack, "Access", props))).toContain("route_not_iam");
  });
});

describe("some routes", () => {
  /** Whether a grant on `granted` reaches an API's route `key` that is without IAM. */
  function reaches(granted: string, key: string): boolean {
    const { stack, httpApi } = newApi();
    const props = { stage: "stag", callers: {}, httpApi };
    const access = new CrossAccountApiAccess(stack, "Access", props);
    const [method, path] = key.split(" ") as [HttpMethod, string];
    if (key === "$default")
      new HttpRoute(stack, "D", {
        httpApi,
        routeKey: HttpRouteKey.DEFAULT,
        integration: integration(),
        authorizer: none,
      });
    else add(httpApi, path, method, none);
    try {
      access.grantInvoke(user(stack), [granted]);
      return false;
    } catch (error) {
      expect((error as XacctSignError).code).toBe("route_not_iam");
      return true;
    }
  }

  test.each([
    ["GET /health", "GET /health"],
    ["ANY /health", "GET /health"],
    ["GET /health", "ANY /health"],
    ["GET /*", "GET /health"],
    ["ANY /*", "POST /a/b/c"],
    ["GET /files/{id}", "GET /files/{name}"],
    ["GET /files/{id}", "GET /files/{proxy+}"],
    // IAM's `*` spans `/`.
    ["GET /files/{id}", "GET /files/{id}/secret"],
    ["GET /files/{id}/parts", "GET /files/a/b/parts"],
    ["GET /files/1", "GET /files/{id}"],
    ["GET /files/1/2", "GET /files/{proxy+}"],
    ["GET /{a}/x", "GET /y/{b}"],
    ["GET /anything", "$default"],
    ["GET /items/{id}", "$default"],
  ])("%s reaches %s", (granted, key) => {
    expect(reaches(granted, key)).toBe(true);
  });

  test.each([
    ["PUT /hoge", "GET /health"],
    ["PUT /health", "GET /health"],
    ["GET /health", "GET /healthy"],
    ["GET /files/*", "GET /files"],
    ["GET /files/1/2", "GET /files/{id}"],
    ["GET /files/{id}/parts", "GET /files/{id}"],
    // The more special route takes the request.
    ["PUT /hoge", "$default"],
    ["GET /items/1", "$default"],
    ["PUT /hoge", "ANY /hoge"],
    // r1: `ANY` is no `*`, which would span `/`.
    ["ANY /hoge", "GET /admin/hoge"],
    ["ANY /hoge", "PUT /a/b/hoge"],
  ])("%s does not reach %s", (granted, key) => {
    expect(reaches(granted, key)).toBe(false);
  });

  test("are granted, each with its method", () => {
    const { stack, httpApi } = newApi();
    add(httpApi, "/health", HttpMethod.GET, none);
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: {}, httpApi });
    access.grantInvoke(user(stack), ["PUT /hoge", "GET /items/{id}"]).assertSuccess();
    const arn = (end: string) => ({
      "Fn::Join": ["", Match.arrayWith([{ Ref: "HttpApiF5A9A8A7" }, `/$default/${end}`])],
    });
    Template.fromStack(stack).hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [{ Action: "execute-api:Invoke", Resource: [arn("PUT/hoge"), arn("GET/items/*")] }],
      },
    });
  });

  test("r1: of any method are granted with each of the seven", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: {}, httpApi });
    access.grantInvoke(user(stack), ["ANY /hoge"]).assertSuccess();
    const rendered = JSON.stringify(Template.fromStack(stack).findResources("AWS::IAM::Policy"));
    const methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    for (const method of methods) expect(rendered).toContain(`/$default/${method}/hoge"`);
    expect(rendered).not.toContain("*/hoge");
  });

  test("are granted to nobody who has no policies here", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    const foreign = new iam.ArnPrincipal("arn:aws:iam::111111111111:role/Other");
    expect(access.grantInvokeAll(foreign).success).toBe(false);
  });

  test("that a caller has of its own are checked too", () => {
    const { stack, httpApi } = newApi();
    add(httpApi, "/files/{id}", HttpMethod.GET, none);
    const own = { shop: { account: "000000000000", role: "LambdaRoleDeve", routes: ["PUT /hoge", "GET /files/*"] } };
    const made = () => new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers: own, httpApi });
    expect(codeOf(made)).toContain("route_not_iam: `GET /files/*` opens the route `GET /files/{id}`");
  });

  test("that are not there fail the synthesis", () => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    access.grantInvoke(user(stack), ["GET /added", "GET /misspelt"]);
    add(httpApi, "/added", HttpMethod.GET, new HttpIamAuthorizer());
    expect(() => Template.fromStack(stack)).toThrow(
      /route_not_found: `GET \/misspelt` opens no route of the API; correct it/,
    );
  });

  test.each([
    ["GET", "`GET` has no space between method and path"],
    ["get /hoge", "`get /hoge` has the method `get` instead of one of"],
    ["GET hoge", "`GET hoge` has the path `hoge`, which does not begin with `/`"],
    ["GET /a*b", "`GET /a*b` has `*` within the segment `a*b`"],
    [undefined, "a route is not a string"],
  ])("%s is none", (route, message) => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(() => access.grantInvoke(user(stack), [route as string]))).toContain(`invalid_route: ${message}`);
  });

  test.each([[[]], ["GET /hoge"], [undefined]])("%j is no list of them", (routes) => {
    const { stack, httpApi } = newApi();
    const access = new CrossAccountApiAccess(stack, "Access", { stage: "stag", callers, httpApi });
    expect(codeOf(() => access.grantInvoke(user(stack), routes as string[]))).toContain("invalid_route: no routes");
  });
});
