// The access map, as the command writes it.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { emptyFolder, fromEnvironment } from "./run.mjs";

export const MANIFEST = `[api]
account = "111111111111"
region = "eu-west-1"
[stages.stag]
api_id = "a1"
[stages.prod]
api_id = "a2"
[callers.shop]
account = "000000000000"
roles = { stag = "Shop", prod = "ShopProd" }
[callers.partner]
account = "222222222222"
roles = { stag = "Partner" }
third_party = true
routes = ["GET /items/{id}", "ANY /orders/{proxy+}"]
`;

/** Runs the command in a folder. */
function command(folder, ...options) {
  execFileSync(fromEnvironment("XACCT_SIGN_BIN", "the command"), options, { cwd: folder, stdio: "pipe" });
}

/**
 * The lock file of a manifest with the stage `stag`.
 *
 * @param {string} manifest
 */
export function lockOf(manifest) {
  const folder = emptyFolder();
  writeFileSync(join(folder, "xacct.toml"), manifest);
  command(folder, "render", "json", "--stage", "stag");
  return readFileSync(join(folder, "xacct.lock.toml"), "utf8");
}

/**
 * The URL of the map of a manifest, beside a lock file.
 *
 * @param {string} manifest
 * @param {string} [lock]
 */
export function mapOf(manifest, lock) {
  const folder = emptyFolder();
  writeFileSync(join(folder, "xacct.toml"), manifest);
  if (lock !== undefined) writeFileSync(join(folder, "xacct.lock.toml"), lock);
  command(folder, "list", "--html", "map.html");
  return pathToFileURL(join(folder, "map.html"));
}

const PICTURED = new URL("../access-map/", import.meta.url);
const pictured = (name) => readFileSync(new URL(name, PICTURED), "utf8");

/** The picture in the documents. */
export const PICTURE = new URL("../../../docs/access-map.png", import.meta.url);
/** The SHA-256, in hex, of the page that it was taken of, and of the picture, a line each. */
export const PICTURED_SHA256 = fileURLToPath(new URL("pictured.sha256", PICTURED));

/** What this file has to hold for a page. */
export const sha256Of = (page) =>
  [page, PICTURE].map((url) => `${createHash("sha256").update(readFileSync(url)).digest("hex")}\n`).join("");

/** The URL of the map that the picture in the documents shows. */
export function picturedMap() {
  return mapOf(pictured("xacct.toml"), pictured("xacct.lock.toml"));
}

/** The URL of a map of ten thousand callers. */
export function mapOfTenThousand() {
  const caller = (i) => `[callers.c${i}]\naccount = "${String(500_000_000_000 + i)}"\nroles = { stag = "Role" }\n`;
  const [head] = MANIFEST.split("[callers");
  return mapOf(head + Array.from({ length: 10_000 }, (_, i) => caller(i)).join(""));
}

/** Seconds until a page has loaded. */
export async function secondsToLoad(page) {
  return (await page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")) / 1000;
}
