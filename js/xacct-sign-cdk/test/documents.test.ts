// What the documents say: the programs compile, and the codes are those of the package and of the command.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = join(__dirname, "../../..");
const read = (file: string) => readFileSync(join(root, file), "utf8");

/** What the shorter programs take for granted. */
const GIVEN = `import { Annotations, CfnOutput, Stack } from "aws-cdk-lib";
import { AuthorizationType, RestApi } from "aws-cdk-lib/aws-apigateway";
import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import * as iam from "aws-cdk-lib/aws-iam";
import { FunctionUrl } from "aws-cdk-lib/aws-lambda";
import { CrossAccountApiAccess, TrustForm } from "xacct-sign-cdk";
declare const stack: Stack;
declare const httpApi: HttpApi;
declare const restApi: RestApi;
declare const functionUrl: FunctionUrl;
declare const tester: iam.IGrantable;
`;

test("the programs of docs/cdk.md compile", () => {
  const programs = [...read("docs/cdk.md").matchAll(/^```ts\n(.*?)^```/gms)].map(([, program]) => program as string);
  expect(programs).toHaveLength(6);
  const texts = new Map(
    programs.map((program, index) => {
      const isWhole = program.startsWith("import ");
      const access = program.includes("const access =") ? "" : "declare const access: CrossAccountApiAccess;\n";
      return [join(__dirname, `program-${index}.ts`), isWhole ? program : `${GIVEN}${access}${program}`];
    }),
  );
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    types: ["node"],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (file, ...rest) => {
    const text = texts.get(file);
    return text === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  };
  host.fileExists = (file) => texts.has(file) || fileExists(file);
  host.readFile = (file) => texts.get(file) ?? readFile(file);
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([...texts.keys()], options, host));
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});

/** The codes of a type in a file of the package. */
function codesOf(file: string, type: string): string[] {
  const [, union = ""] = read(`js/xacct-sign-cdk/${file}`).match(new RegExp(`type ${type} =([^;]*);`)) ?? [];
  return [...union.matchAll(/"(\w+)"/g)].map(([, code]) => code as string).sort();
}

/** The codes that a document's tables have in their first column, with what follows on the line. */
function rowsOf(file: string, heading: string): [string, string][] {
  const [, section = ""] = read(file).split(`\n## ${heading}\n`);
  const [ownText = ""] = section.split("\n## ");
  return [...ownText.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, code, rest]) => [code as string, rest as string]);
}

test("every code of the package is in docs/cdk.md", () => {
  const codes = rowsOf("docs/cdk.md", "Errors").map(([code]) => code);
  expect(codes.sort()).toEqual(codesOf("src/errors.ts", "UsageErrorCode"));
});

test("the codes of a manifest's errors are those of docs/provider.md, which is held to the command's", () => {
  const errors = rowsOf("docs/provider.md", "Errors").map(([code]) => code);
  const findings = rowsOf("docs/provider.md", "The check").filter(([, rest]) => rest.startsWith("error "));
  expect(findings.length).toBeGreaterThan(0);
  expect([...errors, ...findings.map(([code]) => code)].sort()).toEqual(
    codesOf("wasm/constants.ts", "ManifestErrorCode"),
  );
});
