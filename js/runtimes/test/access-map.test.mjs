// The access map in headless Chromium: judged by axe-core, by keyboard, without scripts, and with very many callers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import {
  lockOf,
  MANIFEST,
  mapOf,
  mapOfTenThousand,
  PICTURED_SHA256,
  picturedMap,
  secondsToLoad,
  sha256Of,
} from "../lib/access-map.mjs";
import { startChromium } from "../lib/chromium.mjs";
import { notRun } from "../lib/run.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core");

let browser;
before(async () => {
  browser = await startChromium();
});
after(() => browser?.close());

/** A page that has only been asked for itself. */
async function open(url, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const asked = [];
  const errors = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => errors.push(message.text()));
  await page.goto(url.href);
  return { page, asked, errors, close: () => context.close() };
}

const changed = MANIFEST.replace('prod = "ShopProd"', 'prod = "ShopProd2"').replace(
  "[callers.partner]",
  "[callers.other]",
);

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe-core finds nothing, ${colorScheme}`, async (t) => {
    if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
    const { page, asked, errors, close } = await open(mapOf(changed, lockOf(MANIFEST)), { colorScheme });
    // The page's own policy lets no script of others run: axe is evaluated beside it.
    await page.evaluate(readFileSync(AXE, "utf8"));
    const { violations, passes } = await page.evaluate("axe.run()");
    assert.deepEqual(
      violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
      [],
    );
    assert.ok(passes.some(({ id }) => id === "color-contrast"));
    assert.deepEqual([asked.length, errors], [1, []]);
    // It would find something.
    await page.evaluate("document.querySelector('label').remove()");
    const { violations: found } = await page.evaluate("axe.run()");
    assert.ok(found.length > 0);
    await close();
  });
}

test("dark is darker", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  const url = mapOf(MANIFEST);
  /** The body's background as it is painted, from 0 to 255. */
  const brightness = async (colorScheme) => {
    const { page, close } = await open(url, { colorScheme });
    const color = await page.evaluate("getComputedStyle(document.body).backgroundColor");
    await close();
    const [, channels] = /^rgb\((\d+, \d+, \d+)\)$/.exec(color) ?? assert.fail(color);
    return channels.split(", ").reduce((sum, channel) => sum + Number(channel) / 3, 0);
  };
  const [light, dark] = [await brightness("light"), await brightness("dark")];
  assert.ok(light > 200 && dark < 55, `light ${light}, dark ${dark}`);
});

test("without scripts all of it stands in tables, in main, under one h1", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  const { page, close } = await open(mapOf(changed, lockOf(MANIFEST)), { javaScriptEnabled: false });
  assert.equal(await page.locator("main h1").count(), 1);
  assert.equal(await page.locator("h1").count(), 1);
  const text = await page.locator("main").textContent();
  for (const part of ["ANY /orders/{proxy+}", "added", "removed", "third_party_without_external_id", "line 1"]) {
    assert.ok(text.includes(part), part);
  }
  assert.equal(await page.locator("#search").isVisible(), false);
  const unscoped = page.locator("th:not([scope])");
  assert.equal(await unscoped.count(), 0);
  await close();
});

test("the keyboard searches, and what is found is said", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  const { page, close } = await open(mapOf(MANIFEST));
  await page.keyboard.press("Tab");
  await page.keyboard.type("shop prod");
  assert.equal(await page.locator("#callers tbody tr:visible").count(), 1);
  assert.equal(await page.getByRole("status").textContent(), "1 of 3 rows");
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  assert.equal(await page.locator("#callers tbody tr:visible").count(), 3);
  await close();
});

test("who reviews finds a caller by its account, in one row a stage", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  const { page, close } = await open(mapOf(MANIFEST));
  const words = page.getByLabel("Search callers");
  for (const [text, rows] of [
    ["222222222222", 1],
    ["arn:aws:iam::000000000000:role/Shop", 2],
    ["third_party", 1],
    ["nobody", 0],
  ]) {
    await words.fill(/** @type {string} */ (text));
    assert.equal(await page.getByRole("status").textContent(), `${rows} of 3 rows`, `${text}`);
  }
  await close();
});

test("on a narrow screen no heading is broken, and the caller stays in sight", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  for (const width of [375, 1280]) {
    const { page, close } = await open(mapOf(changed, lockOf(MANIFEST)), { viewport: { width, height: 800 } });
    const heights = await page
      .locator("#callers thead th")
      .evaluateAll((heads) => heads.map((head) => head.scrollHeight));
    assert.ok(Math.max(...heights) < 45, `${width}: ${heights}`);
    await page.evaluate("scrollTo(700, 0)");
    const box = await page.locator("#callers tbody th").first().boundingBox();
    assert.ok(box && box.x >= 0, `${width}: ${box?.x}`);
    await close();
  }
});

test("the picture in docs/provider.md is of the page as it is", () => {
  const kept = readFileSync(PICTURED_SHA256, "utf8");
  assert.equal(sha256Of(picturedMap()), kept, "take it anew: js/runtimes/access-map/take.mjs");
});

test("ten thousand callers open, and how fast is said", async (t) => {
  if (!browser) return notRun(t, "Chromium, the access map", "Debian's package chromium, or CHROMIUM");
  const url = mapOfTenThousand();
  const times = [];
  // The best of three: what else the machine does is not the page's doing.
  for (let i = 0; i < 3; i += 1) {
    const { page, close } = await open(url);
    assert.equal(await page.locator("#callers tbody tr").count(), 10_000);
    times.push(await secondsToLoad(page));
    await page.getByLabel("Search callers").fill("c9999");
    assert.equal(await page.getByRole("status").textContent(), "1 of 10000 rows");
    await close();
  }
  t.diagnostic(`10,000 callers: loaded after ${Math.min(...times).toFixed(3)} s`);
});
