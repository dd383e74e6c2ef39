import { XacctSignError } from "../errors.js";
import { env } from "../host/env.js";
import { containerCredentials, isContainer } from "./container.js";
import { type Credentials, fromEnv } from "./credentials.js";

/**
 * Who assumes a role unless somebody is named, in the order of AWS's SDKs: the keys of the environment, else the container. The
 * other sources that the SDK has, the SDK is to be asked for.
 */
export function fromSurroundings(now: () => number): () => Promise<Credentials> {
  const [keys, container] = [fromEnv(), containerCredentials(now)];
  return async () => {
    if ((env("AWS_ACCESS_KEY_ID") ?? env("AWS_SECRET_ACCESS_KEY")) !== undefined) return keys();
    if (isContainer()) return container();
    throw new XacctSignError(
      "credentials_not_found",
      "the environment has no credentials: AWS_ACCESS_KEY_ID is not set",
      {
        hint:
          "where a profile, SSO, a web identity or an instance has them, give the AWS SDK's chain: `base: fromNodeProviderChain()`, " +
          "of `@aws-sdk/credential-providers`",
      },
    );
  };
}
