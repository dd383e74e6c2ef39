// The CDK's, CloudFormation's, Terraform's and the JSON form of a stage grant the same.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Duration, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { describe, expect, test } from "vitest";
import { type ApiCaller, CrossAccountApiAccess, TrustForm } from "xacct-sign-cdk";
import { env } from "./app.js";
import { type DeployedRole, ofDocuments, ofTemplate, ofTerraform, render } from "./forms.js";
import { crowd, everything, manifestFile } from "./manifests.js";

function synthesized(manifest: string, stage: string): DeployedRole[] {
  // As new apps have it.
  const context = { "@aws-cdk/aws-iam:minimizePolicies": true };
  const stack = new Stack(new App({ context }), "Stack", { env });
  new CrossAccountApiAccess(stack, "Access", { manifest, stage, assertAllRoutesUseIam: true });
  return ofTemplate(Template.fromStack(stack).toJSON());
}

function expectSame(manifest: string, stage: string): DeployedRole[] {
  const roles = ofTemplate(render("cloudformation", manifest, stage));
  expect(ofTerraform(render("terraform", manifest, stage))).toEqual(roles);
  expect(ofDocuments(render("json", manifest, stage))).toEqual(roles);
  // After `render`, which writes the lock file.
  expect(synthesized(manifest, stage)).toEqual(roles);
  return roles;
}

/** The README's provider example. */
function shopOfReadme(): string {
  const [, text = ""] =
    readFileSync(join(__dirname, "../../../README.md"), "utf8").match(/^```toml\n(.*?)^```/ms) ?? [];
  return text;
}

describe("the four forms grant the same", () => {
  test.each([
    ["deve", "LambdaRoleDeve", "a1b2c3d4e5"],
    ["stag", "LambdaRoleDeve", "f6g7h8i9j0"],
    ["prod", "LambdaRoleProd", "k1l2m3n4o5"],
  ])("shop, %s", (stage, caller, apiId) => {
    const [role, ...others] = expectSame(manifestFile(shopOfReadme()), stage);
    expect(others).toEqual([]);
    expect(role).toEqual({
      name: `ApiAllowByIamRole${stage.charAt(0).toUpperCase()}${stage.slice(1)}`,
      path: "/",
      maxSessionDuration: 3600,
      trust: [
        {
          effect: "Allow",
          principals: [`arn:aws:iam::000000000000:role/${caller}`],
          actions: ["sts:AssumeRole"],
          resources: [],
          conditions: [],
        },
      ],
      invoke: [
        {
          effect: "Allow",
          principals: [],
          actions: ["execute-api:Invoke"],
          resources: [`arn:aws:execute-api:ap-northeast-1:111111111111:${apiId}/$default/*`],
          conditions: [],
        },
      ],
    });
  });

  test.each(["stag", "pre-prod"])("every kind of caller, %s", (stage) => {
    const roles = expectSame(manifestFile(everything), stage);
    expect(roles).toHaveLength(2);
  });

  test("callers that take several roles", () => {
    const roles = expectSame(manifestFile(crowd(100)), "stag");
    expect(roles.length).toBeGreaterThan(1);
    expect(roles.map(({ name }) => name)).toContain("ApiAllowByIamRoleStag-2");
  });

  test("a region of another partition", () => {
    const manifest = manifestFile(everything.replace("ap-northeast-1", "cn-north-1"));
    const roles = expectSame(manifest, "stag");
    expect(JSON.stringify(roles)).toContain("arn:aws-cn:iam::000000000000:role/LambdaRoleDeve");
    expect(JSON.stringify(roles)).not.toContain("arn:aws:");
  });

  test("what the lock file says", () => {
    const lock = "version = 1\n\n[stages.stag]\nc0 = 2\nc1 = 1\n";
    const roles = expectSame(manifestFile(crowd(2), lock), "stag");
    expect(roles.map(({ name, trust }) => [name, trust[0]?.principals])).toEqual([
      ["ApiAllowByIamRoleStag", ["arn:aws:iam::500000000001:role/CallerRole"]],
      ["ApiAllowByIamRoleStag-2", ["arn:aws:iam::500000000000:role/CallerRole"]],
    ]);
  });
});

/** The callers of `everything` on the stage `stag`. */
const callers: Record<string, ApiCaller> = {
  shop: {
    account: "000000000000",
    role: "LambdaRoleDeve",
    sessionNames: ["shop-*", "batch"],
    tags: ["team", "cost"],
    sourceIdentity: ["*@shop.example.com"],
  },
  soon: { account: "333333333333", role: "NotThereYet", trust: TrustForm.ACCOUNT, externalId: "a-1" },
  office: { account: "444444444444", role: "*", trust: TrustForm.ACCOUNT },
  company: { organization: "o-a1b2c3d4e5", sessionNames: ["company"] },
  partner: {
    account: "222222222222",
    role: "Batch",
    externalId: "b3c7-example",
    thirdParty: true,
    routes: ["PUT /hoge", "GET /items/{id}", "ANY /files/{name+}"],
  },
};

test("callers in code grant what the same manifest does", () => {
  // With the flag the partition of the stack's region is a text and no parameter.
  const context = { "@aws-cdk/core:enablePartitionLiterals": true };
  const stack = new Stack(new App({ context }), "Stack", { env });
  new CrossAccountApiAccess(stack, "Access", {
    stage: "stag",
    callers,
    httpApi: HttpApi.fromHttpApiAttributes(stack, "HttpApi", { httpApiId: "f6g7h8i9j0" }),
    roleName: "apis/Allow",
    maxSessionDuration: Duration.hours(2),
    assertAllRoutesUseIam: true,
  });
  const meant = ofTemplate(render("cloudformation", manifestFile(everything), "stag"));
  expect(ofTemplate(Template.fromStack(stack).toJSON())).toEqual(meant);
});
