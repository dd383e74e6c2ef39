import { type ErrorCode, messageOf, XacctSignError } from "../errors.js";

const SKEW_LINE = 7;

/** What the module threw, as our error. It throws lines: see `crates/wasm/src/error.rs`. */
export function fromModule(thrown: unknown): unknown {
  if (thrown instanceof XacctSignError) return thrown;
  if (typeof thrown !== "string") {
    const message = `the WebAssembly module failed: ${messageOf(thrown)}`;
    return new XacctSignError("wasm_unavailable", message, { cause: thrown, hint: "this is a bug, or memory ran out" });
  }
  const [lines, ...causes] = thrown.split("\0") as [string, ...string[]];
  const [code, hint, retryable, action, awsCode, status, requestId, _skew, ...message] = lines.split("\n");
  return new XacctSignError(code as ErrorCode, message.join("\n"), {
    cause: chained(causes),
    hint: hint || undefined,
    retryable: retryable === "true",
    action: action || undefined,
    awsCode: awsCode || undefined,
    status: Number(status) || undefined,
    requestId: requestId || undefined,
  });
}

/** By how many seconds AWS's clock is ahead, if that is why the module says that STS refused; else zero. */
export function skewIn(thrown: unknown): number {
  return typeof thrown === "string" ? Number(thrown.split("\n")[SKEW_LINE]) : 0;
}

/** Each text as an error whose cause is the next one. */
function chained(texts: readonly string[]): Error | undefined {
  return texts.reduceRight<Error | undefined>(
    (cause, text) => new Error(text, cause === undefined ? undefined : { cause }),
    undefined,
  );
}

/** Calls into the module, and throws what it throws as our error. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromModule(thrown);
  }
}
