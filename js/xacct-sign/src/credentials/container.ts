import { messageOf, XacctSignError } from "../errors.js";
import { sleep } from "../host/abort.js";
import { env } from "../host/env.js";
import { getDirectly } from "../host/get.js";
import { builtin } from "../host/node.js";
import { randomSeed, WasmRetry } from "../module/wasm.js";
import type { RoleCredentials } from "./credentials.js";
import { Kept } from "./kept.js";

const RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/** Where Amazon ECS has its endpoint, to which the relative URI belongs. */
const ECS = "169.254.170.2";
/** Those that plain http may go to: ECS's, EKS's, and this machine. */
const PLAIN = [ECS, "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"];

const TRY_SECONDS = 5;

/**
 * The credentials of the container: what Amazon ECS, EKS Pod Identity and Lambda with SnapStart have in place of keys in the
 * environment. They are kept, and asked for again before they expire. Node, Deno and Bun only.
 *
 * The provider rejects with `credentials_not_found` where the environment names no endpoint, `insecure_url`, `transport` or
 * `invalid_response`.
 */
export function fromContainer(): () => Promise<RoleCredentials> {
  return containerCredentials(() => Date.now());
}

/** Whether the environment names an endpoint. */
export function isContainer(): boolean {
  return (env(RELATIVE_URI) ?? env(FULL_URI)) !== undefined;
}

/** The same by another clock. */
export function containerCredentials(now: () => number): () => Promise<RoleCredentials> {
  let kept: Kept | undefined;
  return () => {
    // The module is loaded once it is needed, and not where the environment has keys.
    kept ??= new Kept(fetched, now);
    return kept.credentials();
  };
}

async function fetched(): Promise<RoleCredentials> {
  const url = endpoint();
  const retry = new WasmRetry(randomSeed());
  for (;;) {
    try {
      return await ask(url);
    } catch (error) {
      const pause = (error as XacctSignError).retryable ? retry.failed(false) : -1;
      if (pause < 0) throw error;
      await sleep(pause);
    }
  }
}

async function ask(url: URL): Promise<RoleCredentials> {
  let answer: { status: number; text: string };
  try {
    answer = await getDirectly(url, authorization(), TRY_SECONDS);
  } catch (cause) {
    if (cause instanceof XacctSignError) throw cause;
    const message = `cannot reach the container's endpoint \`${url.host}\`: ${messageOf(cause)}`;
    const hint = `it is what \`${env(RELATIVE_URI) === undefined ? FULL_URI : RELATIVE_URI}\` names`;
    throw new XacctSignError("transport", message, { cause, retryable: true, hint });
  }
  const { status, text } = answer;
  if (status === 200) return credentialsIn(text);
  const message = `the container's endpoint \`${url.host}\` answered with status ${status}${reason(text)}`;
  throw new XacctSignError("credentials_not_found", message, {
    retryable: status >= 500 || status === 429,
    hint: "check which role the task, pod or function has, and what may be wrong with it",
  });
}

/** The relative URI before the full one, as in most of AWS's SDKs. */
function endpoint(): URL {
  const relative = env(RELATIVE_URI);
  const given = relative === undefined ? env(FULL_URI) : `http://${ECS}${relative}`;
  if (given === undefined) {
    throw new XacctSignError("credentials_not_found", `neither \`${RELATIVE_URI}\` nor \`${FULL_URI}\` is set`, {
      hint: "ECS, EKS Pod Identity and Lambda with SnapStart set one of them; elsewhere give another provider",
    });
  }
  let url: URL | undefined;
  try {
    url = new URL(given);
  } catch {
    // What is no URL leads nowhere either.
  }
  const name = relative === undefined ? FULL_URI : RELATIVE_URI;
  // What is put behind the host must not change it.
  if (url === undefined || !/^https?:$/.test(url.protocol) || (relative !== undefined && !relative.startsWith("/"))) {
    throw new XacctSignError("invalid_url", `the environment variable \`${name}\` is no URL of an endpoint`, {
      hint: `\`${RELATIVE_URI}\` is a path such as \`/v2/credentials/...\`, \`${FULL_URI}\` a whole URL`,
    });
  }
  const { protocol, hostname } = url;
  if (protocol === "https:" || PLAIN.includes(hostname) || /^127\.[\d.]+$/.test(hostname)) return url;
  throw new XacctSignError("insecure_url", `credentials are not asked for at \`${url.host}\` over plain http`, {
    hint: `\`${name}\` has to name https, loopback, or the address that ECS or EKS has`,
  });
}

/** The token, which changes: it is read each time. */
function authorization(): Record<string, string> {
  const file = env(TOKEN_FILE);
  const token = file === undefined ? env(TOKEN) : contentOf(file);
  if (token === undefined) return {};
  if (/^[\t\x20-\x7e]+$/.test(token)) return { authorization: token };
  const name = file === undefined ? TOKEN : TOKEN_FILE;
  throw new XacctSignError("invalid_credentials", `the token of \`${name}\` is empty, or cannot be sent in a header`, {
    hint: "it is one line of printable ASCII, without a line break at its end",
  });
}

function contentOf(file: string): string {
  const fs = builtin<{ readFileSync(path: string, encoding: "utf8"): string }>("node:fs");
  try {
    if (fs === undefined) throw new Error("the runtime has no `node:fs`");
    return fs.readFileSync(file, "utf8");
  } catch (cause) {
    throw new XacctSignError(
      "credentials_not_found",
      `the file of \`${TOKEN_FILE}\` cannot be read: ${messageOf(cause)}`,
      {
        cause,
        hint: "it is where the container's token is mounted",
      },
    );
  }
}

/** The credentials in the endpoint's JSON; what is wrong with it is said without showing any of it. */
function credentialsIn(text: string): RoleCredentials {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = parsed(text);
  const expiration = new Date(typeof Expiration === "string" ? Expiration : Number.NaN);
  if (
    typeof AccessKeyId === "string" &&
    typeof SecretAccessKey === "string" &&
    typeof Token === "string" &&
    !Number.isNaN(expiration.getTime())
  ) {
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token, expiration };
  }
  throw new XacctSignError("invalid_response", "the container's endpoint gave no credentials", {
    hint: "its answer is JSON with AccessKeyId, SecretAccessKey, Token and Expiration",
  });
}

/** What the endpoint says of a refusal: `{"code": ..., "message": ...}`, in ECS with capitals. */
function reason(text: string): string {
  const answer = parsed(text);
  const code = answer.code ?? answer.Code;
  return typeof code === "string" && /^[\w.]{1,64}$/.test(code) ? `, \`${code}\`` : "";
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
