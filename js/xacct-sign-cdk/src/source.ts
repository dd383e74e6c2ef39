// Where the callers come from: a manifest's file, or the props, which become a manifest too, so that one parser checks both.

import { readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { Token } from "aws-cdk-lib";
import { type Api, aliasOf, idOf, noStage, placeOf, stageNameOf } from "./api.js";
import { XacctSignError } from "./errors.js";
import { type Finding, fileText, manifestText, type Stage, stageOf, type TextFile } from "./module.js";
import type { ApiCaller, CallersProps, FromManifest, InCode } from "./props.js";

/** What stands for what is known at deployment only. */
const PLACEHOLDER = {
  region: "us-east-1",
  apiId: "0000000000",
  function: "Function",
  alias: "alias",
};

/** Reads the stage from the manifest and its lock file. */
export function stageOfManifest(props: FromManifest): Stage {
  const hint = `the path is relative to the working directory, \`${process.cwd()}\``;
  const manifest = textFile("manifest", props.manifest, hint);
  return placed(() => stageOf(manifest, lockOf(props.manifest), props.stage));
}

function textFile(what: string, name: string, hint: string): TextFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(name);
  } catch (cause) {
    const message = `cannot read the ${what} \`${name}\`: ${(cause as Error).message}`;
    throw new XacctSignError("manifest_unreadable", message, hint, { cause });
  }
  const text = fileText(bytes);
  if (text !== undefined) return { name, text };
  const message = `\`${name}\` is not text in UTF-8, nor in UTF-16 with a byte order mark`;
  throw new XacctSignError("file_not_text", message, "save it as UTF-8");
}

/** `xacct.toml` has `xacct.lock.toml` beside it. */
function lockOf(manifest: string): TextFile | undefined {
  const name = join(dirname(manifest), `${basename(manifest, extname(manifest))}.lock.toml`);
  try {
    return textFile("lock file", name, "make it readable, or restore it from version control");
  } catch (error) {
    const { cause } = error as { readonly cause?: NodeJS.ErrnoException };
    if (cause?.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Errors in a file show their place. */
function placed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof XacctSignError) || error.place === undefined) throw error;
    const { code, message, hint, place } = error;
    throw new XacctSignError(code, `${place.file}:${place.line}:${place.column}: ${message}`, hint, { place });
  }
}

/** The stage that the props mean. */
export function stageOfProps(props: CallersProps, api: Api): Stage {
  const known = (value: string, otherwise: string) => (Token.isUnresolved(value) ? otherwise : value);
  const place = placeOf(api);
  const callers = Object.entries(props.callers).map(([name, caller]) => [name, callerTable(caller, props.stage)]);
  const theirs = Object.values(props.callers).map(({ account }) => account);
  const manifest = {
    api: {
      account: known(place.account, accountOfNone(theirs)),
      region: known(place.region, PLACEHOLDER.region),
      role_name: props.roleName,
      max_session_duration: seconds(props),
      role_trust_policy_length: props.roleTrustPolicyLength,
    },
    stages: {
      [props.stage]: { ...targetTable(props, api, known), access: props.access, production: props.production },
    },
    callers: Object.fromEntries(callers),
  };
  refuseTokens(manifest, []);
  const text = manifestText(manifest);
  try {
    const stage = stageOf({ name: "the props", text }, undefined, props.stage);
    return { ...stage, findings: stage.findings.map(inCode) };
  } catch (error) {
    if (!(error instanceof XacctSignError) || error.place === undefined) throw error;
    throw new XacctSignError(error.code, `${tableAt(text, error.place.line)}: ${error.message}`, error.hint);
  }
}

/** An account that is none of these: what is in the API's own is told otherwise. */
function accountOfNone(accounts: readonly (string | undefined)[]): string {
  let account = 999_999_999_999;
  while (accounts.includes(String(account))) account -= 1;
  return String(account);
}

/** What a manifest says of the API itself. */
function targetTable(props: CallersProps, api: Api, known: (value: string, otherwise: string) => string): object {
  const id = idOf(api);
  const table = {
    target: api.kind,
    api_stage: props.apiStage,
    vpc_endpoints: props.vpcEndpoints,
    routes_enforced_by: props.routesEnforcedByFunction === true ? "function" : undefined,
  };
  if (api.kind === "function_url") {
    const alias = api.url && aliasOf(api.url);
    return {
      ...table,
      function: id ?? PLACEHOLDER.function,
      alias: alias && known(alias, PLACEHOLDER.alias),
      url_id: PLACEHOLDER.apiId,
    };
  }
  const stage = api.kind === "rest_api" ? (props.apiStage ?? stageNameOf(api.construct)) : props.apiStage;
  if (api.kind === "rest_api" && stage === undefined) throw noStage();
  return { ...table, api_id: known(id ?? "", PLACEHOLDER.apiId), api_stage: stage };
}

/** Callers in code have no lock file. */
function inCode(finding: Finding): Finding {
  if (finding.code !== "lock_outdated") return finding;
  return { ...finding, hint: "keep the callers in a manifest, whose lock file records it" };
}

function callerTable(caller: ApiCaller, stage: string): object {
  const { account, role, trust, organization } = caller;
  return {
    account,
    roles: role === undefined ? undefined : { [stage]: role },
    trust,
    organization,
    stages: organization === undefined ? undefined : [stage],
    external_id: caller.externalId,
    session_names: caller.sessionNames,
    tags: caller.tags,
    source_identity: caller.sourceIdentity,
    third_party: caller.thirdParty,
    routes: caller.routes,
  };
}

function seconds({ maxSessionDuration }: InCode): number | undefined {
  if (maxSessionDuration?.isUnresolved()) throw unresolved("maxSessionDuration");
  return maxSessionDuration?.toSeconds();
}

/** Who is trusted has to be known when it is checked. */
function refuseTokens(value: unknown, path: readonly string[]): void {
  if (Token.isUnresolved(value)) throw unresolved(path.join("."));
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (Token.isUnresolved(key)) throw unresolved(path.join("."));
    refuseTokens(inner, [...path, key]);
  }
}

/** The error for a value that is known at deployment only. */
export function unresolved(what: string): XacctSignError {
  return new XacctSignError(
    "unresolved_token",
    `\`${what}\` is a token, which is known at deployment only`,
    "give a literal value: what is trusted is checked when the app is synthesized",
  );
}

/** The name of the table that a line of the text is in: `callers.shop`. */
function tableAt(text: string, line: number): string {
  const header = text
    .split("\n")
    .slice(0, line)
    .reverse()
    .find((line) => line.startsWith("["));
  return header?.slice(1, -1) ?? "the props";
}
