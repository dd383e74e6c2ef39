// An API for each stage, and the roles with which other accounts call it: `npx cdk synth` in this folder.

import { App, CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpUrlIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Construct } from "constructs";
import { CrossAccountApiAccess } from "xacct-sign-cdk";

class ApiStack extends Stack {
  constructor(scope: Construct, stage: string, props: StackProps) {
    super(scope, `Api-${stage}`, props);

    const httpApi = new HttpApi(this, "HttpApi", { defaultAuthorizer: new HttpIamAuthorizer() });
    const integration = new HttpUrlIntegration("Upstream", `https://upstream.${stage}.example.com`);
    httpApi.addRoutes({ path: "/hoge", methods: [HttpMethod.PUT], integration });
    httpApi.addRoutes({ path: "/items/{id}", methods: [HttpMethod.GET], integration });

    const access = new CrossAccountApiAccess(this, "Access", { manifest: "xacct.toml", stage, httpApi });
    new CfnOutput(this, "ShopRoleArn", { value: access.roleFor("shop").roleArn });
  }
}

const app = new App();
for (const stage of ["deve", "stag", "prod"]) {
  new ApiStack(app, stage, { env: { account: "111111111111", region: "ap-northeast-1" } });
}
