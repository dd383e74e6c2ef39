import type { FindingCode } from "../../wasm/explain/constants.js";
import { XacctSignError } from "../errors.js";
import { type SignedSent, sentOf } from "../fetch/sent.js";
import { UNSIGNED_PAYLOAD } from "../signing/body.js";
import { explain as explainText, ready, sha256Hex, signedOf } from "./module.js";

export type { FindingCode };

/** What is broken in a call. */
export interface Finding {
  /** What; stable. */
  readonly code: FindingCode;
  /** Who can change it: whoever calls, whoever has the API, what is between the two, AWS. */
  readonly side: "caller" | "provider" | "network" | "aws";
  /** How it shows here. */
  readonly reason: string;
  /** What to do. */
  readonly hint: string;
}

/**
 * Why a call was refused, and on whose side that is: the most telling first. Empty for an answer that is no refusal.
 *
 * A REST API's text is read: the canonical request in it is compared with the one that was signed, line by line, and the clause of a
 * denial names the kind of policy. A bare `Forbidden` is held against what can be checked from here: who answered, the clock, the age
 * of the credentials, region and service of the host.
 *
 * The body stays to be read; where it was read already, the rest of the answer has to do.
 *
 * @param response an answer of a `fetch` that `createFetch` made; of any other only the answer itself counts
 * @throws XacctSignError `invalid_option` for what is no Response, `wasm_unavailable`
 */
export async function explain(response: object): Promise<Finding[]> {
  const answer = response as Response;
  if (typeof answer?.status !== "number" || typeof answer.headers?.forEach !== "function") {
    throw new XacctSignError("invalid_option", "what is to be explained is no Response", { hint: "give a Response" });
  }
  const sent = sentOf(answer);
  const body = answer.bodyUsed ? undefined : await answer.clone().text();
  const headers: Record<string, string> = {};
  answer.headers.forEach((value, name) => {
    headers[name] = value;
  });
  const seen = { url: answer.url || undefined, status: answer.status, headers, body };
  if (sent === undefined) return explainExchange(seen);
  if ("bearer" in sent) {
    const { method, url, bearer } = sent;
    return explainExchange({ ...seen, method, url, has_bearer: true }, bearer);
  }
  return explainExchange({ ...seen, ...requestOf(sent) }, sent.credentials.sessionToken);
}

/** @internal An exchange as every face passes it; no text that goes in holds the token. */
export function explainExchange(exchange: object, token?: string): Finding[] {
  ready();
  // In a text of JSON nothing of a token is written otherwise: it is made of letters, digits and `+/=`.
  const text = JSON.stringify(exchange);
  let said: string;
  try {
    said = explainText(token ? text.replaceAll(JSON.stringify(token).slice(1, -1), "…") : text);
  } catch (thrown) {
    throw new XacctSignError("invalid_option", `what is to be explained cannot be read: ${String(thrown)}`);
  }
  return (JSON.parse(said) as { findings: Finding[] }).findings;
}

/** What of the exchange is the request's. */
function requestOf(sent: SignedSent): object {
  ready();
  const { method, url, pairs, signed, payload, credentials, answeredAt } = sent;
  const headers = pairs.map(([name, value]) => `${name}:${value}\n`).join("");
  const withHash = signed["x-amz-content-sha256"] === undefined ? headers : `${headers}x-amz-content-sha256:\n`;
  const scope = /Credential=([^,]*)/.exec(signed.authorization ?? "")?.[1] ?? "";
  const traced = signedOf(method, url, withHash, hashOf(payload), scope, credentials.sessionToken, dateOf(signed));
  const [canonical, toSign] = traced?.split("\0") ?? [];
  return {
    method,
    url,
    canonical_request: canonical,
    string_to_sign: toSign,
    expires_at: credentials.expiration && Math.floor(credentials.expiration.getTime() / 1000),
    answered_at: Math.floor(answeredAt / 1000),
  };
}

function hashOf(payload: SignedSent["payload"]): string {
  if (payload === UNSIGNED_PAYLOAD) return "UNSIGNED-PAYLOAD";
  if (payload !== undefined && "sha256" in payload) return payload.sha256;
  return sha256Hex(payload ?? new Uint8Array(0));
}

/** The instant of `20150830T123600Z`. */
function dateOf(signed: SignedSent["signed"]): number {
  const date = signed["x-amz-date"] ?? "";
  return Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
}
