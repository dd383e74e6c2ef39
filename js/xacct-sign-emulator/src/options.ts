// What the emulator is made of, checked.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { kindOf, messageOf, XacctSignError } from "./errors.js";
import { fileText, type TextFile } from "./module.js";

/** What answers requests that are allowed, in the style of `fetch`. */
export type UpstreamFunction = (request: Request) => Response | Promise<Response>;

/** How an emulator is made. */
export interface EmulatorOptions {
  /**
   * Who may call what: a manifest's text, or the path or URL of its file. What has a line break is text. A file's lock file is read,
   * too, if there is one.
   */
  readonly manifest: string | URL;
  /**
   * What answers requests that are allowed: the URL of a server, or a function. By default the emulator answers with what an API behind it
   * would see.
   */
  readonly upstream?: string | URL | UpstreamFunction | undefined;
  /** The documents of the manifest's permissions boundaries, by ARN: a boundary that is not here limits nobody. */
  readonly policies?: Readonly<Record<string, string | object>> | undefined;
  /** Whether refusals say in the header `x-xacct-reason` why, which AWS does not. By default false. */
  readonly explain?: boolean | undefined;
}

/** @internal The options, read and checked. */
export interface Checked {
  readonly manifest: TextFile;
  readonly lock: TextFile | undefined;
  readonly upstream: URL | UpstreamFunction | undefined;
  readonly policies: Readonly<Record<string, string>>;
  readonly explain: boolean;
}

const NAMES = ["manifest", "upstream", "policies", "explain"] as const;
const MANIFEST_HINT =
  "give a manifest's text, or the path or URL of a file such as `xacct.toml`; `xacct-sign init` writes one";

/**
 * @internal Reads and checks them.
 *
 * @throws XacctSignError `invalid_option`, `manifest_unreadable`, `file_not_text`
 */
export async function checked(given: EmulatorOptions): Promise<Checked> {
  if (typeof given === "string" || isUrlOf(given)) {
    throw invalid(
      "the manifest is given by itself, and not as an option",
      'give { manifest }, such as { manifest: "xacct.toml" }',
    );
  }
  if (typeof given !== "object" || given === null) throw invalid("no options are given", MANIFEST_HINT);
  const unknown = Object.keys(given).find((name) => !(NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) throw invalid(`\`${unknown}\` is no option`, `there are ${NAMES.join(", ")}`);
  const { explain = false } = given;
  if (typeof explain !== "boolean")
    throw invalid("`explain` is neither true nor false", "give true to be told reasons, else leave it out");
  return {
    ...(await manifestOf(given.manifest)),
    upstream: upstreamOf(given.upstream),
    policies: policiesOf(given.policies),
    explain,
  };
}

async function manifestOf(manifest: unknown): Promise<{ manifest: TextFile; lock: TextFile | undefined }> {
  const isUrl = isUrlOf(manifest);
  if (manifest === undefined) throw invalid("`manifest` is not given", MANIFEST_HINT);
  if (manifest === "") throw invalid("`manifest` is empty", MANIFEST_HINT);
  if (typeof manifest !== "string" && !isUrl) {
    throw invalid(`\`manifest\` is ${kindOf(manifest)}, and neither text nor a URL`, MANIFEST_HINT);
  }
  const given = String(manifest);
  if (/[\n\r]/.test(given)) return { manifest: { name: "xacct.toml", text: given }, lock: undefined };
  const path = /^file:/i.test(given) ? fileURLToPath(given) : given;
  if (isUrl && path === given) {
    // There `import.meta.url` is that of a page.
    const hint =
      "document" in globalThis
        ? "run these tests in the environment `node`, and not in jsdom or happy-dom"
        : MANIFEST_HINT;
    throw invalid(`\`${given}\` is no URL of a file`, hint);
  }
  return { manifest: await textFile("manifest", path, MANIFEST_HINT), lock: await lockOf(path) };
}

/** By its tag: it may be one of another realm. */
function isUrlOf(given: unknown): boolean {
  return Object.prototype.toString.call(given) === "[object URL]";
}

/** `xacct.toml` has `xacct.lock.toml` beside it. */
async function lockOf(manifest: string): Promise<TextFile | undefined> {
  const name = manifest.replace(/(?<=[^/\\])\.[^./\\]*$/, "").concat(".lock.toml");
  const hint = "make it readable, or restore it from version control";
  return textFile("lock file", name, hint).catch((error: XacctSignError) => {
    if ((error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT") return undefined;
    throw error;
  });
}

async function textFile(what: string, name: string, hint: string): Promise<TextFile> {
  const bytes = await readFile(name).catch((cause: unknown) => {
    const message = `cannot read the ${what} \`${name}\`: ${messageOf(cause)}`;
    throw new XacctSignError("manifest_unreadable", message, { hint, cause });
  });
  const text = await fileText(bytes);
  if (text !== undefined) return { name, text };
  const message = `\`${name}\` is not text in UTF-8, nor in UTF-16 with a byte order mark`;
  throw new XacctSignError("file_not_text", message, { hint: "save it as UTF-8" });
}

function upstreamOf(upstream: unknown): URL | UpstreamFunction | undefined {
  if (upstream === undefined || typeof upstream === "function") return upstream as UpstreamFunction | undefined;
  const url = URL.canParse(String(upstream)) ? new URL(String(upstream)) : undefined;
  const isHttp = url !== undefined && /^https?:$/.test(url.protocol);
  if (isHttp && url.search === "" && url.hash === "" && url.username === "" && url.password === "") return url;
  throw invalid(
    "`upstream` is neither a function nor a URL of http or https without user, query and fragment",
    "give a server such as `http://127.0.0.1:3000`, or a function such as `() => Response.json({})`",
  );
}

function policiesOf(policies: unknown): Record<string, string> {
  if (policies === undefined) return {};
  // A list's or a `Map`'s members are not by ARN.
  if (typeof policies !== "object" || policies === null || Symbol.iterator in policies)
    throw invalid(
      "`policies` is no object with a document for each ARN",
      "give the document of each policy by its ARN: { [arn]: document }",
    );
  return Object.fromEntries(Object.entries(policies).map(([arn, document]) => [arn, documentOf(arn, document)]));
}

function documentOf(arn: string, document: unknown): string {
  if (typeof document === "string") return document;
  try {
    if (typeof document === "object" && document !== null) return JSON.stringify(document);
  } catch {
    // What refers to itself, and numbers that JSON has none for, are no documents.
  }
  throw invalid(
    `\`policies\` has ${kindOf(document)} for \`${arn}\``,
    "give a policy's document: an object, or its JSON as text",
  );
}

function invalid(message: string, hint: string): XacctSignError {
  return new XacctSignError("invalid_option", message, { hint });
}
