// The module of the emulator's crate, compiled on first use.

import { readFile } from "node:fs/promises";
import { fileText as fileTextOf, initSync, Text, WasmEmulator } from "../wasm/xacct_sign.js";
import { type ErrorCode, messageOf, XacctSignError } from "./errors.js";

/** A file: its name, for errors, and its text. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** What an emulator is made of. */
export interface Setup {
  readonly manifest: TextFile;
  readonly lock: TextFile | undefined;
  /** Where allowed requests go; without one the module itself answers. */
  readonly upstream: string | undefined;
  /** Documents by ARNs. */
  readonly policies: Readonly<Record<string, string>>;
  readonly explain: boolean;
}

let loading: Promise<void> | undefined;

/**
 * An emulator, which listens nowhere yet.
 *
 * @throws XacctSignError
 */
export async function moduleOf({ manifest, lock, upstream, policies, explain }: Setup): Promise<WasmEmulator> {
  await loaded();
  const seed = crypto.getRandomValues(new Uint8Array(32));
  const file = ({ name, text }: TextFile) => new Text(name, text);
  return rethrown(
    () =>
      new WasmEmulator(file(manifest), lock && file(lock), upstream, Object.entries(policies).flat(), explain, seed),
  );
}

/** The text of a file's bytes, or nothing. */
export async function fileText(bytes: Uint8Array): Promise<string | undefined> {
  await loaded();
  return fileTextOf(bytes);
}

/** What the module throws in lines becomes an error; the rest are faults. */
export function rethrown<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (typeof thrown !== "string") throw thrown;
    const [code, hint, ...message] = thrown.split("\n");
    throw new XacctSignError(code as ErrorCode, message.join("\n"), { hint: hint || undefined });
  }
}

async function loaded(): Promise<void> {
  loading ??= load();
  await loading;
}

async function load(): Promise<void> {
  try {
    const bytes = await readFile(new URL("./xacct_sign_emulator.wasm", import.meta.url));
    initSync({ module: await WebAssembly.compile(bytes) });
  } catch (cause) {
    loading = undefined;
    throw new XacctSignError("wasm_unavailable", `the WebAssembly module cannot be loaded: ${messageOf(cause)}`, {
      cause,
      hint: "leave the package out of a bundle: the module is a file beside its code",
    });
  }
}
