// Stacks to try the construct in.

import { App, Stack, type StackProps } from "aws-cdk-lib";
import { HttpApi, type HttpApiProps, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpUrlIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";

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
