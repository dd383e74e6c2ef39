// How soon the access map has loaded in headless Chromium: of ten thousand callers, and of two.

import { MANIFEST, mapOf, mapOfTenThousand, secondsToLoad } from "../lib/access-map.mjs";
import { startChromium } from "../lib/chromium.mjs";

const ROUNDS = 5;

/** Seconds until it has loaded; nothing without Chromium. */
export async function map() {
  const browser = await startChromium();
  if (browser === undefined) {
    console.error("the access map: NOT RUN (Debian's package chromium, or CHROMIUM)");
    return {};
  }
  const urls = { map: mapOfTenThousand(), map_small: mapOf(MANIFEST) };
  const best = { map: Number.POSITIVE_INFINITY, map_small: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, url] of Object.entries(urls)) {
      const page = await browser.newPage();
      await page.goto(url.href);
      best[name] = Math.min(best[name], await secondsToLoad(page));
      await page.close();
    }
  }
  await browser.close();
  return best;
}
