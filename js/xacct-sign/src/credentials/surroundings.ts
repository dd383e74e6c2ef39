import { XacctSignError } from "../errors.js";
import type { Now } from "../host/clock.js";
import { env } from "../host/env.js";
import { containerCredentials, isContainer } from "./container.js";
import { type Credentials, fromEnv } from "./credentials.js";

/** What comes before the container and is not read here: nobody must run as the container where another was meant. */
const LEFT_TO_SDK = ["AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"];

/**
 * Who assumes a role unless somebody is named, in the order of AWS's SDKs: the keys of the environment, else the container. The
 * other sources that the SDK has, the SDK is to be asked for.
 */
export function fromSurroundings(now: Now): () => Promise<Credentials> {
  const [keys, container] = [fromEnv(), containerCredentials(now)];
  return async () => {
    // Blank is how some programs write that there is none.
    if (env("AWS_ACCESS_KEY_ID")?.trim()) return keys();
    const other = LEFT_TO_SDK.find((name) => env(name) !== undefined);
    if (other === undefined && isContainer()) return container();
    const set = other === undefined ? "" : `, and what \`${other}\` names is left to the AWS SDK`;
    throw new XacctSignError("credentials_not_found", `\`AWS_ACCESS_KEY_ID\` is not set${set}`, {
      hint:
        "where a profile, SSO, a web identity or an instance has credentials, give the AWS SDK's chain: " +
        "`base: fromNodeProviderChain()`, of `@aws-sdk/credential-providers`",
    });
  };
}
