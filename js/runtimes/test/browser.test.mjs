// Headless Chromium: real pages, built by Vite and by webpack, served from an origin of their own.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { build as vite } from "vite";
import { startChromium } from "../lib/chromium.mjs";
import { inputOf, startEmulator } from "../lib/emulator.mjs";
import { assertOutcome } from "../lib/outcome.mjs";
import { emptyFolder, freshApp, notRun } from "../lib/run.mjs";
import { byWebpack } from "../lib/webpack.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".json": "application/json" };

let app;
let browser;
before(async () => {
  browser = await startChromium();
  if (browser) app = await freshApp();
});
after(() => browser?.close());

/** Serves a folder, and `/input.json`. */
async function serve(folder, headers) {
  const site = { origin: "", input: "{}", close: () => server.close() };
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : request.url;
    const isInput = path === "/input.json";
    if (!isInput && !existsSync(join(folder, path))) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)], ...headers });
    response.end(isInput ? site.input : readFileSync(join(folder, path)));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  site.origin = `http://127.0.0.1:${port}`;
  return site;
}

/** What the page in the folder comes to, where the emulator lets its origin in, or another. */
async function outcomeOfPage(folder, sessionName, { headers = {}, allowed = undefined } = {}) {
  const site = await serve(folder, headers);
  const emulator = await startEmulator("--allow-origin", allowed ?? site.origin);
  const page = await browser.newPage();
  try {
    site.input = JSON.stringify(inputOf(emulator, sessionName));
    await page.goto(site.origin);
    return await page.evaluate("outcome");
  } finally {
    await page.close();
    await emulator.stop();
    site.close();
  }
}

async function pageByVite() {
  const folder = emptyFolder();
  await vite({
    root: join(app, "page"),
    configFile: false,
    logLevel: "error",
    build: { outDir: folder, emptyOutDir: false },
  });
  return folder;
}

async function pageByWebpack() {
  const folder = emptyFolder();
  const output = { path: folder, filename: "bundle.js" };
  // The one file holds the module in base64, which is more than webpack likes a page to load.
  await byWebpack({ context: app, entry: "./page/main.js", target: "web", performance: false, output });
  writeFileSync(join(folder, "index.html"), '<!doctype html><meta charset="utf-8"><script src="bundle.js"></script>');
  return folder;
}

function pageTest(name, body) {
  test(`Chromium, ${name}`, async (context) => {
    if (browser === undefined) return notRun(context, `Chromium, ${name}`, "Debian's package chromium, or CHROMIUM");
    await body();
  });
}

pageTest("a page by Vite", async () => {
  assertOutcome(await outcomeOfPage(await pageByVite(), "page-vite"), "page-vite");
});

pageTest("a page by webpack 5", async () => {
  assertOutcome(await outcomeOfPage(await pageByWebpack(), "page-webpack"), "page-webpack");
});

pageTest("an origin that the API does not let in", async () => {
  const outcome = await outcomeOfPage(await pageByVite(), "page-other", { allowed: "https://app.example.com" });
  assert.deepEqual([outcome.name, outcome.code], ["XacctSignError", "transport"]);
});

pageTest("a strict Content-Security-Policy", async () => {
  const folder = await pageByVite();
  const policy = (script) => ({ headers: { "content-security-policy": `script-src 'self' ${script}` } });
  const outcome = await outcomeOfPage(folder, "page-csp", policy(""));
  assert.deepEqual([outcome.name, outcome.code], ["XacctSignError", "wasm_unavailable"]);
  assert.match(outcome.hint, /'wasm-unsafe-eval'/);
  assertOutcome(await outcomeOfPage(folder, "page-csp", policy("'wasm-unsafe-eval'")), "page-csp");
});
