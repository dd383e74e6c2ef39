// The JavaScript in README.md and docs/, run as it stands: only the API's address is the emulator's.

import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmulator } from "../lib/emulator.mjs";
import { emptyFolder, freshApp, run } from "../lib/run.mjs";

const API = "https://server.stag.foo.example.com";

/** What callers do in these documents. */
const POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["sts:AssumeRole", "sts:GetWebIdentityToken"], Resource: "*" }],
};

/** A server without API Gateway, for callers that say who they are. */
const server = createServer((request, response) => {
  response.writeHead(/^Bearer [\w-]+(\.[\w-]+)+$/.test(request.headers.authorization ?? "") ? 200 : 401).end();
});

let emulator;
let app;
before(async () => {
  const policy = join(emptyFolder(), "policy.json");
  writeFileSync(policy, JSON.stringify(POLICY));
  [emulator, app] = await Promise.all([startEmulator("--caller-policy", `shop=${policy}`), freshApp()]);
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  symlinkSync(fileURLToPath(new URL("../node_modules/@aws-sdk", import.meta.url)), join(app, "node_modules/@aws-sdk"));
});
after(() => {
  server.close();
  server.closeAllConnections();
  return emulator?.stop();
});

for (const [document, expected] of [
  ["README.md", 1],
  ["docs/credentials.md", 1],
  ["docs/javascript.md", 7],
  ["docs/troubleshooting.md", 1],
]) {
  const text = readFileSync(new URL(`../../../${document}`, import.meta.url), "utf8");
  const snippets = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  test(`${document} has its snippets`, () => assert.equal(snippets.length, expected));

  for (const [index, snippet] of snippets.entries()) {
    test(`${document}, snippet ${index + 1}`, async () => {
      assert.ok(snippet.includes(API));
      const name = `snippet-${index}.mjs`;
      const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
      const url = snippet.includes("xacct-sign/identity") ? `http://127.0.0.1:${port}` : emulator.url;
      writeFileSync(join(app, name), snippet.replaceAll(API, url));
      // A module of a worker is called, as its platform does it.
      const worker = "(await worker.default?.fetch(new Request('http://worker.example/'), process.env))?.status ?? ''";
      writeFileSync(join(app, "run.mjs"), `import * as worker from "./${name}"; console.log(${worker});`);
      const { base, stsEndpoint } = emulator;
      const printed = await run(process.execPath, ["run.mjs"], app, {
        AWS_ACCESS_KEY_ID: base.accessKeyId,
        AWS_SECRET_ACCESS_KEY: base.secretAccessKey,
        AWS_SESSION_TOKEN: base.sessionToken,
        AWS_ENDPOINT_URL_STS: stsEndpoint,
      });
      // Each answer of the API that a snippet gets is printed with its status.
      const answers =
        (snippet.match(/await (api|fetch)\(/g)?.length ?? 0) + (snippet.includes("export default") ? 1 : 0);
      assert.ok(answers > 0);
      assert.equal(printed.match(/^200\b/gm)?.length, answers, printed);
    });
  }
}
