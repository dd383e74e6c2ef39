// What the container's endpoint says.

import { messageOf, XacctSignError } from "../errors.js";
import { guarded } from "../module/thrown.js";
import { WasmSigner } from "../module/wasm.js";
import { instantIn, type RoleCredentials } from "./credentials.js";

/** An answer of any status. */
export interface ContainerAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * The credentials of an answer; `who` gave it. No text shows the token that the request held.
 *
 * @throws XacctSignError `credentials_refused`, and `transport` for what another try may change
 */
export function credentialsIn({ status, text }: ContainerAnswer, who: string, token = ""): RoleCredentials {
  const fields = parsed(text);
  if (status !== 200) throw refused(status, fields === undefined ? plain(text) : told(fields), who, token);
  if (fields === undefined) throw invalid(`the answer of ${who} is no JSON object`);
  const code = fields.Code ?? fields.code;
  if (typeof code === "string" && code !== "Success") {
    throw new XacctSignError("credentials_refused", `${who} has no credentials: ${shown(told(fields), token)}`);
  }
  const take = (name: string): string => {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
    throw invalid(`the answer of ${who} has no \`${name}\``);
  };
  const [date, accessKeyId, secretAccessKey] = [take("Expiration"), take("AccessKeyId"), take("SecretAccessKey")];
  const expiration = instantIn(date);
  if (expiration === undefined) {
    throw invalid(`the answer of ${who} has an \`Expiration\` that is no RFC 3339 instant`);
  }
  const sessionToken = take("Token");
  try {
    // What a signer takes is well formed.
    guarded(() => new WasmSigner(accessKeyId, secretAccessKey, sessionToken, "us-east-1", "sts").free());
  } catch (cause) {
    throw invalid(`the answer of ${who} holds malformed credentials: ${messageOf(cause)}`, cause);
  }
  return { accessKeyId, secretAccessKey, sessionToken, expiration };
}

function invalid(message: string, cause?: unknown): XacctSignError {
  return new XacctSignError("credentials_refused", message, { cause, hint: "something else may have answered there" });
}

function refused(status: number, said: string, who: string, token: string): XacctSignError {
  const isTransient = status >= 500 || status === 429;
  const code = isTransient ? "transport" : "credentials_refused";
  const details = { retryable: isTransient };
  if (status >= 300 && status < 400) {
    const message = `${who} answered with a redirect (status ${status}), which is not followed`;
    return new XacctSignError(code, message, details);
  }
  const reason = shown(said, token);
  const message = `${who} answered with status ${status}`;
  return new XacctSignError(code, reason === "" ? message : `${message}: ${reason}`, details);
}

/** What EKS's agent says is plain text; a page for browsers says nothing. */
function plain(text: string): string {
  return /^\s*</.test(text) ? "" : text;
}

/** `Code: Message`, as far as they are there. */
function told(fields: Record<string, unknown>): string {
  const parts: unknown[] = [fields.Code ?? fields.code, fields.Message ?? fields.message];
  return parts.filter((part) => typeof part === "string").join(": ");
}

/** The first line of what came from outside, without what does something to a terminal. */
function shown(text: string, token: string): string {
  const [line = ""] = (token === "" ? text : text.replaceAll(token, "[redacted]")).trim().split(/[\r\n]/);
  const escaped = line.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return escaped.slice(0, 300);
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && !Array.isArray(value) ? ((value ?? undefined) as never) : undefined;
  } catch {
    // Its error would show what it found.
    return undefined;
  }
}
