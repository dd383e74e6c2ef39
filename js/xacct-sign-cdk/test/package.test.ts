// The packed package in fresh folders, as an app has it: the example in TypeScript, and CommonJS and ESM by hand.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ofTemplate, render } from "./forms.js";

const example = join(__dirname, "../../../examples/cdk-provider");
const modules = join(__dirname, "../../node_modules");
let app: string;

beforeAll(() => {
  const { XACCT_SIGN_CDK_TARBALL: tarball } = process.env;
  if (!tarball) throw new Error("XACCT_SIGN_CDK_TARBALL is not set to the packed package: `make test` does it");
  app = mkdtempSync(join(tmpdir(), "xacct-sign-cdk-"));
  writeFileSync(join(app, "package.json"), '{ "private": true }\n');
  // The peers are large and here already.
  const quiet = ["--offline", "--legacy-peer-deps", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  execFileSync("npm", ["install", ...quiet, tarball], { cwd: app });
  for (const peer of ["aws-cdk-lib", "constructs", "@types"]) {
    symlinkSync(join(modules, peer), join(app, "node_modules", peer));
  }
  for (const file of ["app.ts", "tsconfig.json", "xacct.toml"]) cpSync(join(example, file), join(app, file));
});
afterAll(() => rmSync(app, { recursive: true, force: true }));

/** Runs a program in the app's folder; what it says when it fails is the error's. */
function run(program: string, options: string[], environment: Record<string, string> = {}): string {
  const env = { PATH: process.env.PATH, HOME: app, ...environment };
  try {
    return execFileSync(program, options, { cwd: app, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${options.join(" ")}: ${stdout}${stderr}`);
  }
}

const tsc = (options: string[]) => run(process.execPath, [join(modules, "typescript/bin/tsc"), ...options]);

describe("the example", () => {
  beforeAll(() => {
    tsc(["--project", "."]);
    run(process.execPath, ["app.js"], { CDK_OUTDIR: "cdk.out" });
  });

  test.each([
    ["deve", "a1b2c3d4e5", 1],
    ["stag", "f6g7h8i9j0", 2],
    ["prod", "k1l2m3n4o5", 2],
  ])("synthesizes what the command renders: %s", (stage, apiId, count) => {
    const template = readFileSync(join(app, `cdk.out/Api-${stage}.template.json`), "utf8");
    // The app knows its API by reference, the manifest by an id.
    const arn = /\{"Fn::Join":\["",\["(arn:[^"]*)",\{"Ref":"HttpApi[0-9A-F]{8}"\},"([^"]*)"\]\]\}/g;
    const deployed = JSON.stringify(JSON.parse(template)).replaceAll(arn, `"$1${apiId}$2"`);
    const meant = ofTemplate(render("cloudformation", join(app, "xacct.toml"), stage));
    expect(ofTemplate(JSON.parse(deployed))).toEqual(meant);
    expect(meant).toHaveLength(count);
  });

  test("gives out the ARN of the caller's role", () => {
    const template = JSON.parse(readFileSync(join(app, "cdk.out/Api-stag.template.json"), "utf8"));
    const [id, attribute] = template.Outputs.ShopRoleArn.Value["Fn::GetAtt"];
    expect(template.Resources[id].Properties.RoleName).toBe("ApiAllowByIamRoleStag");
    expect(attribute).toBe("Arn");
  });

  test("passes cfn-lint", () => {
    const { XACCT_SIGN_CFN_LINT: program } = process.env;
    if (!program) throw new Error("XACCT_SIGN_CFN_LINT is not set to cfn-lint: `make test` does it");
    const templates = ["deve", "stag", "prod"].map((stage) => `cdk.out/Api-${stage}.template.json`);
    run(program, ["--regions", "ap-northeast-1", "--", ...templates]);
  });
});

const program = `
const app = new App();
const stack = new Stack(app, "Stack");
const access = new CrossAccountApiAccess(stack, "Access", {
  manifest: "xacct.toml",
  stage: "deve",
  assertAllRoutesUseIam: true,
});
let code;
try {
  access.roleFor("nobody");
} catch (error) {
  if (error instanceof XacctSignError) code = error.code;
}
const [role] = Object.values(app.synth().getStackByName("Stack").template.Resources);
console.log(role.Properties.RoleName, code, TrustForm.ACCOUNT);
`;
const names = "{ CrossAccountApiAccess, TrustForm, XacctSignError }";

test.each([
  ["main.cjs", `const { App, Stack } = require("aws-cdk-lib");\nconst ${names} = require("xacct-sign-cdk");\n`],
  ["main.mjs", `import { App, Stack } from "aws-cdk-lib";\nimport ${names} from "xacct-sign-cdk";\n`],
])("%s", (file, imports) => {
  writeFileSync(join(app, file), imports + program);
  expect(run(process.execPath, [file])).toBe("ApiAllowByIamRoleDeve unknown_caller account\n");
});

test.each([
  ["node16, ESM", "mts", { module: "node16", moduleResolution: "node16", skipLibCheck: true }],
  // All declarations are checked, the CDK's too, which takes long: once.
  ["node16, CommonJS", "cts", { module: "node16", moduleResolution: "node16", skipLibCheck: false }],
  ["a bundler", "ts", { module: "esnext", moduleResolution: "bundler", skipLibCheck: true }],
  ["the old resolution", "ts", { module: "commonjs", moduleResolution: "node10", skipLibCheck: true }],
])("types: %s", (name, extension, options) => {
  const file = `types-${name.replaceAll(/\W+/g, "-")}`;
  writeFileSync(
    join(app, `${file}.${extension}`),
    `import type { RestApi } from "aws-cdk-lib/aws-apigateway";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import type { FunctionUrl } from "aws-cdk-lib/aws-lambda";
import type { Grant, IGrantable, Role } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { AccessForm, type ApiCaller, CrossAccountApiAccess, type ErrorCode, TrustForm, XacctSignError } from "xacct-sign-cdk";

export function use(scope: Construct, httpApi: HttpApi, grantee: IGrantable): [Role, Grant, Grant, string] {
  const shop: ApiCaller = { account: "000000000000", role: "R", trust: TrustForm.ACCOUNT, routes: ["PUT /hoge"] };
  const access = new CrossAccountApiAccess(scope, "Access", { stage: "stag", callers: { shop }, httpApi });
  const all: string = CrossAccountApiAccess.allRoutesArn(httpApi);
  return [access.role, access.grantInvokeAll(grantee), access.grantInvoke(grantee, ["PUT /hoge"]), all];
}

export function direct(scope: Construct, restApi: RestApi, functionUrl: FunctionUrl): string {
  const shop: ApiCaller = { account: "000000000000", role: "R" };
  const props = { stage: "stag", access: AccessForm.DIRECT, callers: { shop } };
  new CrossAccountApiAccess(scope, "Rest", { ...props, restApi });
  new CrossAccountApiAccess(scope, "Url", { ...props, functionUrl });
  return CrossAccountApiAccess.allRoutesArn(restApi, "v1");
}

export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof XacctSignError ? error.code : undefined;

// @ts-expect-error Callers need an API.
export const wrong = (scope: Construct) => new CrossAccountApiAccess(scope, "Access", { stage: "stag", callers: {} });
`,
  );
  const compilerOptions = {
    target: "es2022",
    lib: ["es2022"],
    types: ["node"],
    ignoreDeprecations: "5.0",
    strict: true,
    noEmit: true,
    ...options,
  };
  writeFileSync(join(app, `${file}.json`), JSON.stringify({ compilerOptions, files: [`${file}.${extension}`] }));
  tsc(["--project", `${file}.json`]);
});
