import { HINT } from "../../wasm/constants.js";
import { guarded } from "../module/thrown.js";
import { checkScope, ready } from "../module/wasm.js";
import { requireString } from "../options.js";

/** What signatures are for: a region and a service. */
export interface Scope {
  readonly region: string;
  readonly service: string;
}

type Options = { readonly region: string; readonly service?: string | undefined };

/**
 * The scope that options name, if it is one in texts; the service is API Gateway by default.
 *
 * @throws XacctSignError `invalid_region`, `invalid_service`
 */
export function namedScope(options: Options): Scope {
  const region = requireString(options.region, "invalid_region", "the region", HINT.invalid_region);
  return { region, service: requireString(options.service ?? "execute-api", "invalid_service", "the service") };
}

/**
 * The scope that options name, checked.
 *
 * @throws XacctSignError `invalid_region`, `invalid_service`, `wasm_unavailable`
 */
export function scopeOf(options: Options): Scope {
  const scope = namedScope(options);
  ready();
  guarded(() => checkScope(scope.region, scope.service));
  return scope;
}
