// Programs, folders and what may be missing.

import { execFile } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const execute = promisify(execFile);
const programs = fileURLToPath(new URL("../programs", import.meta.url));

/**
 * A variable that the tests need.
 *
 * @param {string} name
 * @param {string} what
 * @returns {string}
 */
export function fromEnvironment(name, what) {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set to ${what}: \`make test\` does it`);
}

/**
 * Runs a program in a folder, with no environment but the path; gives what it printed.
 *
 * @param {string} program
 * @param {string[]} options
 * @param {string} cwd
 * @param {Record<string, string>} [environment]
 */
export async function run(program, options, cwd, environment = {}) {
  const env = { PATH: process.env.PATH, HOME: cwd, ...environment };
  const { stdout } = await execute(program, options, { cwd, env, maxBuffer: 1 << 24 });
  return stdout;
}

/**
 * Runs a program that prints one JSON value.
 *
 * @param {string} program
 * @param {string[]} options
 * @param {string} cwd
 */
export async function outcomeOf(program, options, cwd) {
  return JSON.parse(await run(program, options, cwd));
}

/** @type {string[]} */
const folders = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder. It goes when the process does. */
export function emptyFolder() {
  const folder = mkdtempSync(join(tmpdir(), "xacct-sign-"));
  folders.push(folder);
  return folder;
}

/** A fresh folder with the packed package for servers, and other packages of this folder. */
export async function freshServer(...others) {
  const folder = await freshApp("XACCT_SIGN_SERVER_TARBALL");
  linked(folder, others);
  return folder;
}

/** A fresh folder with the packed packages for callers and for their tests, and other packages of this folder. */
export async function freshCaller(...others) {
  const folder = await freshApp();
  await installed(folder, "XACCT_SIGN_EMULATOR_TARBALL");
  linked(folder, others);
  return folder;
}

/**
 * @param {string} folder
 * @param {string[]} names
 */
function linked(folder, names) {
  for (const name of names) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)), link);
  }
}

/**
 * A fresh folder with a packed package installed from its tarball, and the programs beside it.
 *
 * @param {string} variable
 */
export async function freshApp(variable = "XACCT_SIGN_TARBALL") {
  const folder = emptyFolder();
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  await installed(folder, variable);
  cpSync(programs, folder, { recursive: true });
  return folder;
}

/**
 * @param {string} folder
 * @param {string} variable
 */
async function installed(folder, variable) {
  const quiet = ["--offline", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
  await run("npm", ["install", ...quiet, fromEnvironment(variable, "the packed package")], folder);
}

/**
 * A program of this folder's packages.
 *
 * @param {string} name
 */
export function tool(name) {
  return fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
}

/**
 * Whether a program runs here.
 *
 * @param {string} program
 */
export async function runs(program) {
  return execute(program, ["--version"]).then(
    () => true,
    () => false,
  );
}

/**
 * Says for all to see that something did not run. Where everything has to run, that is a failure.
 *
 * @param {import("node:test").TestContext} test
 * @param {string} what
 * @param {string} needed
 */
export function notRun(test, what, needed) {
  const message = `${what}: NOT RUN (${needed})`;
  const { XACCT_SIGN_NOT_RUN } = process.env;
  if (XACCT_SIGN_NOT_RUN) appendFileSync(XACCT_SIGN_NOT_RUN, `${message}\n`);
  test.skip(message);
}
