import { messageOf, XacctSignError } from "../errors.js";
import { sleep } from "../host/abort.js";
import { Clock, type Now } from "../host/clock.js";
import { env } from "../host/env.js";
import { getDirectly } from "../host/get.js";
import { builtin } from "../host/node.js";
import { newRetry, originOf } from "../module/machines.js";
import { guarded } from "../module/thrown.js";
import { isSamePlace } from "../url.js";
import { type ContainerAnswer, credentialsIn } from "./container-answer.js";
import type { RoleCredentials } from "./credentials.js";
import { Kept } from "./kept.js";
import { keepKnown } from "./known.js";

const RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";

/** Where Amazon ECS has its endpoint, to which the relative URI belongs. */
const ECS = "http://169.254.170.2";
/** What plain http may reach: the agents of ECS and EKS, and this machine, by their addresses as they stand here. */
const NEARBY = /^http:\/\/(169\.254\.170\.23?|\[fd00:ec2::23\]|localhost|\[::1\]|127(\.\d{1,3}){3})(:\d+)?$/;

const TRY_SECONDS = 5;

/**
 * The credentials of the container: what Amazon ECS, EKS Pod Identity and Lambda with SnapStart have in place of keys in the
 * environment. They are kept, and asked for again before they expire. Node, Deno and Bun only.
 *
 * The provider rejects with `credentials_not_found` where the environment names no endpoint, `invalid_endpoint` and
 * `insecure_url` for one that is not asked, `invalid_config` and `invalid_header` for its token, `credentials_refused`,
 * `transport` and `timeout` for what the endpoint does.
 */
export function fromContainer(): () => Promise<RoleCredentials> {
  const clock = new Clock(undefined);
  const provider = containerCredentials((given) => clock.nowFor(given));
  keepKnown(provider, { clock });
  return provider;
}

/** Whether the environment names an endpoint. */
export function isContainer(): boolean {
  return (env(RELATIVE_URI) ?? env(FULL_URI)) !== undefined;
}

/** The same by another clock. */
export function containerCredentials(now: Now): () => Promise<RoleCredentials> {
  let kept: Kept<RoleCredentials> | undefined;
  return () => {
    // The module is loaded once it is needed, and not where the environment has keys.
    kept ??= new Kept(() => fetched(now), now);
    return kept.current();
  };
}

async function fetched(now: Now): Promise<RoleCredentials> {
  const url = endpoint();
  const token = authorization();
  const who = `the container's endpoint for credentials \`${url.origin}\``;
  const retry = newRetry();
  for (;;) {
    try {
      const credentials = credentialsIn(await ask(url, token, who), who, token);
      if (credentials.expiration.getTime() > now(credentials.expiration)) return credentials;
      throw new XacctSignError("credentials_expired", `${who} gave credentials that have expired already`, {
        hint: "check the clock of this machine",
      });
    } catch (error) {
      const pause = (error as XacctSignError).retryable ? retry.failed(false) : -1;
      if (pause < 0) throw error;
      await sleep(pause);
    }
  }
}

async function ask(url: URL, token: string | undefined, who: string): Promise<ContainerAnswer> {
  const headers = { accept: "application/json", ...(token === undefined ? {} : { authorization: token }) };
  try {
    return await getDirectly(url, headers, TRY_SECONDS);
  } catch (cause) {
    const { code, retryable, hint } = cause instanceof XacctSignError ? cause : BROKEN;
    throw new XacctSignError(code, `${who}: ${messageOf(cause)}`, { cause, retryable, hint });
  }
}

const BROKEN = { code: "transport", retryable: true, hint: "is it running, and is this the container?" } as const;

/** Where to ask: the relative URI counts before the full one, as in most of AWS's SDKs. */
function endpoint(): URL {
  const name = env(RELATIVE_URI) === undefined ? FULL_URI : RELATIVE_URI;
  const given = env(name);
  if (given === undefined) {
    throw new XacctSignError("credentials_not_found", `neither ${RELATIVE_URI} nor ${FULL_URI} is set`, {
      hint: "ECS, EKS Pod Identity and Lambda with SnapStart set one of them; elsewhere give another provider",
    });
  }
  // The value is not shown: it may hold a secret.
  const unusable = (what: string) =>
    new XacctSignError("invalid_endpoint", `the environment variable \`${name}\` ${what}`, {
      hint: `give ${FULL_URI} a URL such as \`http://169.254.170.23/v1/credentials\`, ${RELATIVE_URI} a path`,
    });
  // What does not begin with a slash would be a part of the host.
  if (name === RELATIVE_URI && !given.startsWith("/")) throw unusable("does not begin with a slash");
  const text = name === RELATIVE_URI ? `${ECS}${given}` : given;
  if (/^\w+:\/\/[^/?#]*@/.test(text)) throw unusable("has user info");
  let from = "";
  try {
    from = guarded(() => originOf(text));
  } catch {
    // It is none that anything could be signed for either.
  }
  if (!/^https?:/.test(from)) throw unusable("is no URL");
  if (!from.startsWith("https:") && !NEARBY.test(from)) {
    const message = `the environment variable \`${name}\` names \`${from}\`, which plain http must not reach`;
    throw new XacctSignError("insecure_url", message, {
      hint:
        "use https; plain http is for loopback and for the agents at 169.254.170.2, 169.254.170.23 and [fd00:ec2::23], by " +
        "their addresses",
    });
  }
  // What is checked is what is asked.
  if (!isSamePlace(text)) throw unusable("is no URL");
  return new URL(text);
}

/** The token, which changes: it is read each time, and its file counts before the variable. */
function authorization(): string | undefined {
  const file = env(TOKEN_FILE);
  const token = file === undefined ? env(TOKEN) : contentOf(file);
  if (token === undefined || /^[\t\x20-\x7e]*$/.test(token)) return token;
  const name = file === undefined ? TOKEN : TOKEN_FILE;
  const message = `the authorization token of \`${name}\` holds a line break or another control character`;
  throw new XacctSignError("invalid_header", message, { hint: "write it without a line break at its end" });
}

function contentOf(file: string): string {
  const unusable = (why: string, cause?: unknown) => {
    // What does not begin as a path may be the token in its place.
    const path = /^([/\\.~]|.:|.{0,32}$)/.test(file) ? `\`${file}\`` : "`…`";
    return new XacctSignError("invalid_config", `the file that ${TOKEN_FILE} names, ${path} ${why}`, { cause });
  };
  let content: string;
  try {
    const fs = builtin<{ readFileSync(path: string, encoding: "utf8"): string }>("node:fs");
    if (fs === undefined) throw new Error("the runtime has no `node:fs`");
    content = fs.readFileSync(file, "utf8");
  } catch (cause) {
    throw unusable("cannot be read", cause);
  }
  if (content.trim() === "") throw unusable("is empty");
  return content;
}
