// The example for AWS Lambda: bundled as it says itself, and invoked with what Lambda puts into the environment.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp, run, tool } from "../lib/run.mjs";

const EXAMPLE = fileURLToPath(new URL("../../../examples/lambda-node/handler.mjs", import.meta.url));

const events = ['{"order":1}', '{"order":2}'];

let emulator;
let app;
let bundle;
before(async () => {
  [emulator, app] = await Promise.all([startEmulator(), freshApp()]);
  const [, command] = /npx esbuild (.+)/.exec(readFileSync(EXAMPLE, "utf8"));
  const [entry, ...options] = command.split(" ");
  cpSync(EXAMPLE, join(app, entry));
  await run(tool("esbuild"), [entry, ...options, "--log-level=error"], app);
  bundle = join(app, "dist/index.mjs");
});
after(() => emulator?.stop());

/**
 * What the function answers to two events.
 *
 * @param {Record<string, string>} environment
 */
async function invoked(environment) {
  const folder = emptyFolder();
  cpSync(bundle, join(folder, "index.mjs"));
  cpSync(join(app, "invoke.mjs"), join(folder, "invoke.mjs"));

  const { region, roleArn, stsEndpoint, url } = emulator;
  const printed = await run(process.execPath, ["invoke.mjs", "./index.mjs", ...events], folder, {
    AWS_LAMBDA_FUNCTION_NAME: "shop function",
    AWS_ENDPOINT_URL_STS: stsEndpoint,
    API_ROLE_ARN: roleArn,
    API_REGION: region,
    API_URL: url,
    ...environment,
  });
  const answers = JSON.parse(printed);
  assert.deepEqual(
    answers.map(({ body }) => body),
    events,
  );
  return answers.map(({ requestContext }) => requestContext.authorizer.iam);
}

/** @param {any[]} seen */
function assertOneRole([first, second]) {
  assert.equal(first.userArn, "arn:aws:sts::111111111111:assumed-role/ApiAllowByIamRoleStag/shop-function");
  // The second invocation used the credentials of the first.
  assert.equal(first.accessKey, second.accessKey);
}

test("the example handles two invocations with one call to STS", async () => {
  const { base } = emulator;
  assertOneRole(
    await invoked({
      AWS_ACCESS_KEY_ID: base.accessKeyId,
      AWS_SECRET_ACCESS_KEY: base.secretAccessKey,
      AWS_SESSION_TOKEN: base.sessionToken,
    }),
  );
});

test("the same where the function has no keys in its environment, but an endpoint: SnapStart", async () => {
  const asked = [];
  const { base } = emulator;
  const endpoint = createServer((request, response) => {
    asked.push([request.method, request.url, request.headers.authorization]);
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token } = base;
    response.end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }));
  });
  await once(endpoint.listen(0, "127.0.0.1"), "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (endpoint.address());
  const path = "/2021-06-03/credential-provider";
  assertOneRole(
    await invoked({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}${path}`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "a-token",
    }),
  );
  endpoint.close();
  assert.deepEqual(asked, [["GET", path, "a-token"]]);
});
