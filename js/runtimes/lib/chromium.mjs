// Headless Chromium.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";

/** Chromium, where there is one. */
export async function startChromium() {
  return existsSync(CHROMIUM) ? chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] }) : undefined;
}
