import { HINT } from "../../wasm/constants.js";
import { XacctSignError } from "../errors.js";
import { environmentsRegion } from "../host/env.js";
import { guarded } from "../module/thrown.js";
import { checkScope, ready } from "../module/wasm.js";
import { requireString } from "../options.js";
import { type Scope, scopeOfHost } from "./host.js";

export type { Scope };

/** What is known of one before there is a URL, whose host says the rest. */
export type PartialScope = { readonly [part in keyof Scope]?: string | undefined };

/** What is signed for where nobody says otherwise: API Gateway. */
const SERVICE = "execute-api";

/**
 * The scope that options name, if it is one in texts; the service is API Gateway by default.
 *
 * @throws XacctSignError `invalid_region`, `invalid_service`
 */
export function namedScope(options: { readonly region: string; readonly service?: string | undefined }): Scope {
  const region = requireString(options.region, "invalid_region", "the region", HINT.invalid_region);
  return { region, service: requireString(options.service ?? SERVICE, "invalid_service", "the service") };
}

/**
 * What options name of a scope, checked.
 *
 * @throws XacctSignError `invalid_region`, `invalid_service`, `wasm_unavailable`
 */
export function partialScopeOf({ region, service }: PartialScope): PartialScope {
  // What is left out is checked as what it certainly is not the fault of.
  const scope = namedScope({ region: region === undefined ? "us-east-1" : region, service });
  ready();
  guarded(() => checkScope(scope.region, scope.service));
  return { region, service: service ?? undefined };
}

/**
 * The scope of a request: of what is not given the URL's host says the rest, if it is one of AWS's. On any other the region is
 * that of the source of the credentials, else the environment's, and the service API Gateway's.
 *
 * @throws XacctSignError `scope_mismatch` for what contradicts the host, `invalid_region` where nobody says one
 */
export function completeScope(given: PartialScope, url: string, ofSource: string | undefined): Scope {
  const { host } = new URL(url);
  const own = scopeOfHost(host);
  if (own === undefined) {
    const region = given.region ?? ofSource ?? environmentsRegion();
    if (region !== undefined) return { region, service: given.service ?? SERVICE };
    throw new XacctSignError("invalid_region", `no region is given, and the host \`${host}\` names none`, {
      hint: "give the API's region, such as `ap-northeast-1`, or set AWS_REGION",
    });
  }
  for (const part of ["region", "service"] as const) {
    if (given[part] === undefined || given[part] === own[part]) continue;
    const message = `the ${part} is \`${given[part]}\`, and that of the host \`${host}\` is \`${own[part]}\``;
    throw new XacctSignError("scope_mismatch", message, { hint: HINT.scope_mismatch });
  }
  return own;
}
