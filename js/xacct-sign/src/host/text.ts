// The build puts these in the place of the host's, which the module's bindings want at import: jest's jsdom hides them.

import { XacctSignError } from "../errors.js";
import { builtin } from "./node.js";

/** Stands for what there is not, and says so once it is needed. */
class Missing {
  /** That of nothing is nothing. */
  decode(bytes?: unknown): string {
    return bytes === undefined ? "" : missing("TextDecoder");
  }

  encode(): never {
    return missing("TextEncoder");
  }

  encodeInto(): never {
    return missing("TextEncoder");
  }
}

function missing(name: string): never {
  throw new XacctSignError("wasm_unavailable", `the environment has no \`${name}\``, { hint: NO_HOST });
}

const NO_HOST =
  "jest's jsdom hides what Node has: run the test with `@jest-environment node`, or set it in a file of `setupFiles`";

/**
 * Refuses an environment that cannot send.
 *
 * @throws XacctSignError `invalid_option`
 */
export function checkHost(): void {
  for (const name of ["Headers", "Request"]) {
    if (typeof (globalThis as Record<string, unknown>)[name] === "function") continue;
    throw new XacctSignError("invalid_option", `the environment has no \`${name}\``, { hint: NO_HOST });
  }
}

const isWhole = typeof globalThis.TextDecoder === "function" && typeof globalThis.TextEncoder === "function";
const util = isWhole ? undefined : builtin<Pick<typeof globalThis, "TextDecoder" | "TextEncoder">>("node:util");

const Decoder = globalThis.TextDecoder ?? util?.TextDecoder ?? (Missing as unknown as typeof globalThis.TextDecoder);
const Encoder = globalThis.TextEncoder ?? util?.TextEncoder ?? (Missing as unknown as typeof globalThis.TextEncoder);

export { Decoder as TextDecoder, Encoder as TextEncoder };
