// The module of the provider crate, instantiated on first use, and its values.

import base64 from "inline:../wasm/xacct_sign_bg.wasm";
import type { Level } from "../wasm/constants.js";
import { fileText as fileTextOf, initSync, manifestOf, readStage, routeArnSuffixes } from "../wasm/xacct_sign.js";
import { type ErrorPlace, type ManifestErrorCode, XacctSignError } from "./errors.js";

/** A stage of a manifest: the same as in crates/provider-wasm/src/stage.rs. */
export interface Stage {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** What the manifest calls the kind of its API, such as `http_api`. */
  readonly target: "http_api" | "rest_api" | "function_url";
  /** Whether callers come in without a role. */
  readonly isDirect: boolean;
  /** The API's id; of a function URL its own. */
  readonly apiId: string;
  readonly apiStage: string;
  /** The alias that a function URL hangs on. */
  readonly alias?: string;
  /** What each resource of a policy begins with; the function's, whole. */
  readonly apiArn: string;
  /** What a policy says whose bearer may use every route. */
  readonly everyRoute: readonly Statement[];
  readonly roles: readonly StageRole[];
  /** What is opened to callers, by a role or directly. */
  readonly openings: readonly Opening[];
  /** What of the API's resource policy, or the function's, is the stage's. */
  readonly resourceStatements: readonly Statement[];
  /** The permissions of which a function's policy is made; none where it is one document. */
  readonly permissions: readonly Permission[];
  /** The stages whose callers that policy names: several may be one function. */
  readonly policyStages: readonly string[];
  readonly findings: readonly Finding[];
}

/** A role of the stage with its documents. */
export interface StageRole {
  /** Its id in a template, the stage not in it: another stage's template is an update of this one. */
  readonly templateId: string;
  readonly name: string;
  readonly path: string;
  readonly maxSessionDuration: number;
  /** The ARN of a managed policy. */
  readonly permissionsBoundary?: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly trustPolicy: PolicyDocument;
  readonly invokePolicy: PolicyDocument;
  readonly callers: readonly string[];
}

/** A part of the API that somebody is allowed to invoke. */
export interface Opening {
  /** As the user wrote it; every route if there is none. */
  readonly route?: string;
  /** The ends of the policy's ARNs, from the method on. */
  readonly suffixes: readonly string[];
}

/** What a permission of a function takes, beside the function. */
export interface Permission {
  /** What tells its principal from all others. */
  readonly id: string;
  readonly action: string;
  readonly principal: string;
  readonly organization?: string;
  readonly functionUrlAuthType?: string;
  readonly invokedViaFunctionUrl?: boolean;
}

/** A policy in JSON. */
export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** A statement in JSON. */
export interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Principal?: { readonly AWS: string | string[] };
  readonly Resource?: string | string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | string[]>>>>;
}

/** What the check found, and nobody has accepted. */
export interface Finding {
  readonly code: string;
  readonly level: Level;
  /** The caller that it is about, if it is about one. */
  readonly caller?: string;
  /** The table that it is about, such as `[callers.shop]`. */
  readonly subject: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly reason: string;
  readonly hint: string;
}

/** What the module throws: the same as in crates/provider-wasm/src/error.rs. */
interface Thrown extends Partial<ErrorPlace> {
  readonly code: ManifestErrorCode;
  readonly hint: string;
  readonly message: string;
}

let isReady = false;

/** Calls into the module. Its errors become ours; one that is an `Error` is none of them, but a fault. */
function call<T>(of: () => T): T {
  if (!isReady) {
    initSync({ module: Buffer.from(base64, "base64") });
    isReady = true;
  }
  try {
    return of();
  } catch (thrown) {
    if (thrown instanceof Error) throw thrown;
    const { code, hint, message, file, line, column } = thrown as Thrown;
    const isPlaced = file !== undefined && line !== undefined && column !== undefined;
    throw new XacctSignError(code, message, hint, isPlaced ? { place: { file, line, column } } : {});
  }
}

/** A file's name and text. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** The text of a file's bytes, or nothing. */
export function fileText(bytes: Uint8Array): string | undefined {
  return call(() => fileTextOf(bytes));
}

/** A stage of a manifest, with its lock file if there is one. */
export function stageOf(manifest: TextFile, lock: TextFile | undefined, stage: string): Stage {
  return call(() => readStage(manifest.text, manifest.name, lock?.text, lock?.name ?? "", stage));
}

/** The text of the manifest that an object with the manifest's keys means. A key that is `undefined` counts as left out. */
export function manifestText(manifest: object): string {
  return call(() => manifestOf(defined(manifest)));
}

function defined(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, defined(inner)]));
}

/** `GET /items/{id}` → `GET/items/*`, as it stands in an ARN; `ANY` gives seven. */
export function arnSuffixes(route: string): string[] {
  return call(() => routeArnSuffixes(route));
}
