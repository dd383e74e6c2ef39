// Takes the picture of the access map in docs/provider.md anew, and keeps the digests of the page that it shows, and of itself:
// `XACCT_SIGN_BIN=$PWD/target/release/xacct-sign node js/runtimes/access-map/take.mjs`, with Debian's package chromium, or CHROMIUM.

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PICTURE, PICTURED_SHA256, picturedMap, sha256Of } from "../lib/access-map.mjs";
import { startChromium } from "../lib/chromium.mjs";

const browser = await startChromium();
if (browser === undefined) throw new Error("there is no Chromium: install Debian's package chromium, or set CHROMIUM");
const url = picturedMap();
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
await page.goto(url.href);
await page.screenshot({ path: fileURLToPath(PICTURE) });
await browser.close();
writeFileSync(PICTURED_SHA256, sha256Of(url));
