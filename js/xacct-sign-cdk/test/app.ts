// Stacks to try the construct in.

import { App, Stack, type StackProps } from "aws-cdk-lib";
import { AuthorizationType, MockIntegration, RestApi, type RestApiProps } from "aws-cdk-lib/aws-apigateway";
import { HttpApi, type HttpApiProps, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpUrlIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import {
  Alias,
  Code,
  type FunctionUrl,
  FunctionUrlAuthType,
  type FunctionUrlOptions,
  Function as LambdaFunction,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { expect } from "vitest";
import { XacctSignError } from "xacct-sign-cdk";

/** The environment of the manifest of the tests. */
export const env = { account: "111111111111", region: "ap-northeast-1" };

/** What answers is of no interest here. */
export function integration(): HttpUrlIntegration {
  return new HttpUrlIntegration("Upstream", "https://upstream.example.com");
}

/** An empty stack. */
export function newStack(props: StackProps = { env }): Stack {
  return new Stack(new App(), "Stack", props);
}

/** A stack with an API that is authorized by IAM: `PUT /hoge`, `GET /items/{id}`. */
export function newApi(props: HttpApiProps = {}, stackProps: StackProps = { env }): { stack: Stack; httpApi: HttpApi } {
  const stack = newStack(stackProps);
  const httpApi = new HttpApi(stack, "HttpApi", { defaultAuthorizer: new HttpIamAuthorizer(), ...props });
  httpApi.addRoutes({ path: "/hoge", methods: [HttpMethod.PUT], integration: integration() });
  httpApi.addRoutes({ path: "/items/{id}", methods: [HttpMethod.GET], integration: integration() });
  return { stack, httpApi };
}

/** A stack with a REST API that is authorized by IAM: `PUT /hoge`, `GET /items/{id}`, on the stage `v1`. */
export function newRestApi(
  props: RestApiProps = {},
  stackProps: StackProps = { env },
): { stack: Stack; restApi: RestApi } {
  const stack = newStack(stackProps);
  const restApi = new RestApi(stack, "RestApi", {
    defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
    deployOptions: { stageName: "v1" },
    cloudWatchRole: false,
    ...props,
  });
  restApi.root.addResource("hoge").addMethod("PUT", mock());
  restApi.root.addResource("items").addResource("{id}").addMethod("GET", mock());
  return { stack, restApi };
}

/** What answers is of no interest here, either. */
export function mock(): MockIntegration {
  return new MockIntegration();
}

/** A stack with a function and its URL, on the function itself or on an alias. */
export function newFunctionUrl(
  alias?: string,
  options: FunctionUrlOptions = {},
  name: string | undefined = "orders",
): { stack: Stack; functionUrl: FunctionUrl } {
  const stack = newStack();
  const code = Code.fromInline("exports.handler = async () => ({ statusCode: 200 });");
  const runtime = Runtime.NODEJS_22_X;
  const of = new LambdaFunction(stack, "Function", { code, runtime, handler: "index.handler", functionName: name });
  const on = alias === undefined ? of : new Alias(stack, "Alias", { aliasName: alias, version: of.currentVersion });
  return { stack, functionUrl: on.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM, ...options }) };
}

/** The error that something throws. */
export function thrown(act: () => unknown): XacctSignError {
  try {
    act();
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    expect(error.hint).not.toBe("");
    expect(error.name).toBe("XacctSignError");
    return error;
  }
  throw new Error("nothing was thrown");
}
