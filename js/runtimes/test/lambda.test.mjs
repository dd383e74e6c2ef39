// The example for AWS Lambda: bundled as it says itself, and invoked with what Lambda puts into the environment.

import assert from "node:assert/strict";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp, run, tool } from "../lib/run.mjs";

const EXAMPLE = fileURLToPath(new URL("../../../examples/lambda-node/handler.mjs", import.meta.url));

let emulator;
let app;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
});
after(() => emulator?.stop());

test("the example handles two invocations with one call to STS", async () => {
  const [, command] = /npx esbuild (.+)/.exec(readFileSync(EXAMPLE, "utf8"));
  const [entry, ...options] = command.split(" ");
  cpSync(EXAMPLE, join(app, entry));
  await run(tool("esbuild"), [entry, ...options, "--log-level=error"], app);
  const folder = emptyFolder();
  cpSync(join(app, "dist/index.mjs"), join(folder, "index.mjs"));
  cpSync(join(app, "invoke.mjs"), join(folder, "invoke.mjs"));

  const { base, region, roleArn, stsEndpoint, url } = emulator;
  const events = ['{"order":1}', '{"order":2}'];
  const printed = await run(process.execPath, ["invoke.mjs", "./index.mjs", ...events], folder, {
    AWS_LAMBDA_FUNCTION_NAME: "shop function",
    AWS_ACCESS_KEY_ID: base.accessKeyId,
    AWS_SECRET_ACCESS_KEY: base.secretAccessKey,
    AWS_SESSION_TOKEN: base.sessionToken,
    AWS_ENDPOINT_URL_STS: stsEndpoint,
    API_ROLE_ARN: roleArn,
    API_REGION: region,
    API_URL: url,
  });
  const answers = JSON.parse(printed);
  assert.deepEqual(
    answers.map(({ body }) => body),
    events,
  );
  const [first, second] = answers.map(({ requestContext }) => requestContext.authorizer.iam);
  assert.equal(first.userArn, "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/shop-function");
  // The second invocation used the credentials of the first.
  assert.equal(first.accessKey, second.accessKey);
});
