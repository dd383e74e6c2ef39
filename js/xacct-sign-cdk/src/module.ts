// The module of the provider crate, instantiated on first use, and its values.

import base64 from "inline:../wasm/xacct_sign_bg.wasm";
import type { Level } from "../wasm/constants.js";
import { initSync, manifestOf, readStage, routeArnSuffixes } from "../wasm/xacct_sign.js";
import { type ErrorPlace, type ManifestErrorCode, XacctSignError } from "./errors.js";

/** A stage of a manifest: the same as in crates/provider-wasm/src/stage.rs. */
export interface Stage {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
  /** What the manifest calls the kind of its API, such as `http_api`. */
  readonly target: string;
  readonly apiId: string;
  readonly apiStage: string;
  /** What each resource of an invoke policy begins with. */
  readonly apiArn: string;
  readonly roles: readonly StageRole[];
  readonly findings: readonly Finding[];
}

/** A role of the stage with its documents. */
export interface StageRole {
  /** The number of a role that callers share, from 1; a caller with routes of its own has a role without one. */
  readonly shared?: number;
  readonly name: string;
  readonly path: string;
  readonly maxSessionDuration: number;
  readonly trustPolicy: PolicyDocument;
  readonly invokePolicy: PolicyDocument;
  /** The routes of a caller with routes of its own; none for every route. */
  readonly routes: readonly OpenedRoute[];
  readonly callers: readonly string[];
}

/** A route, and the ends of the policy's ARNs that it is. */
export interface OpenedRoute {
  readonly route: string;
  readonly suffixes: readonly string[];
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
