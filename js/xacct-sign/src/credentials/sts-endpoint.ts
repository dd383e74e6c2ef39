import { XacctSignError } from "../errors.js";
import { env } from "../host/env.js";
import type { HttpHosts } from "../http-hosts.js";
import { domainsOf } from "../signing/host.js";

// The twin of `crates/client/src/credentials/endpoint.rs`; `tests/sts-endpoints.toml` holds both to one table.

/** The STS that the environment names. */
export function namedEndpoint(): string | undefined {
  const named = env("AWS_ENDPOINT_URL_STS") ?? env("AWS_ENDPOINT_URL");
  return named === undefined || isTrue("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ? undefined : named;
}

/** A region's STS of the kind that the environment wants, where that is not the usual one. */
export function endpointOfKind(region: string): string | undefined {
  const isFips = isTrue("AWS_USE_FIPS_ENDPOINT");
  const isDualStack = isTrue("AWS_USE_DUALSTACK_ENDPOINT");
  const domains = domainsOf(region);
  // Of a partition whose domains are not known the module says so.
  if (!(isFips || isDualStack) || domains === undefined) return undefined;
  // In GovCloud the usual ones are FIPS endpoints.
  const fips = isFips && (isDualStack || !region.startsWith("us-gov-")) ? "-fips" : "";
  return `https://sts${fips}.${region}.${isDualStack ? `api.${domains.newer}` : domains.regional}/`;
}

/** Only the two words are taken: what else may be meant is not guessed. */
function isTrue(variable: string): boolean {
  const value = (env(variable) ?? "false").toLowerCase();
  if (value === "true" || value === "false") return value === "true";
  throw new XacctSignError("invalid_option", `the environment variable \`${variable}\` is neither true nor false`, {
    hint: "set it to `true` or `false`, or remove it",
  });
}

/** For an endpoint of `allowHttpHosts` its https form: the module knows no such hosts, and no scheme is signed. */
export function secureForm(endpoint: unknown, hosts: HttpHosts): string | undefined {
  if (typeof endpoint !== "string" || !/^http:/i.test(endpoint)) return undefined;
  let url: URL;
  try {
    url = new URL(endpoint);
  } catch {
    return undefined;
  }
  // There the port would be left out of the host that is signed.
  if (url.port === "443" || !hosts.allow(url)) return undefined;
  return endpoint.replace(/^http:/i, "https:").replace(/^(https:\/\/[^/?#]*):80(?=$|[/?#])/, "$1");
}
