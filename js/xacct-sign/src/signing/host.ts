import { XacctSignError } from "../errors.js";

// The twin of `crates/core/src/aws/host.rs`, since the module has no bytes to spare; `tests/hosts.toml` holds both to one table.

/** What signatures are for: a region and a service. */
export interface Scope {
  readonly region: string;
  readonly service: string;
}

/** The services whose label stands before the region: in Amazon's regional domains, and in `on.aws`. */
const GATEWAY = /(?:^|\.)execute-api(?:-fips)?\.([^.]+)$/;
const ON = /(?:^|\.)(lambda-url|lambda-web|vpc-lattice-svcs)\.([^.]+)$/;

/** Partition by what the names of its regions begin with → its domain, and the one whose `api.` and `on.` hold newer hosts. */
const DOMAINS = [
  [/^cn-/, "amazonaws.com.cn", "amazonwebservices.com.cn"],
  [/^eusc-/, "amazonaws.eu", "amazonwebservices.eu"],
  [/^(?!cn-|eusc-)/, "amazonaws.com", "aws"],
] as const;

/** Isolated regions have domains of their own. */
const ISOLATED = /(?:^|-)iso/;

/** Words and a number. */
const REGION = /^(?!fips-)[a-z]{2,}(?:-[a-z]{2,})+-\d{1,2}$/;

/**
 * What the name of an API's host says, where it is one of AWS's own; a port and the dot of an absolute name say nothing.
 *
 * @throws XacctSignError `scope_mismatch` for `lambda-web.global`, which takes no Signature Version 4
 */
export function scopeOfHost(host: string): Scope | undefined {
  const name = host.toLowerCase().replace(/:.*/, "").replace(/\.$/, "");
  for (const [regions, regional, newer] of DOMAINS) {
    const gateway = within(name, regional)?.replace(/\.vpce$/, "") ?? within(name, `api.${newer}`);
    const [, ofGateway] = GATEWAY.exec(gateway ?? "") ?? [];
    const [, label, ofOn] = ON.exec(within(name, `on.${newer}`) ?? "") ?? [];
    const region = ofGateway ?? ofOn;
    if (region === undefined) continue;
    if (label === "lambda-web" && region === "global") {
      throw new XacctSignError("scope_mismatch", `the host \`${name}\` needs SigV4a, which signs for several regions`, {
        hint: "call the endpoint of one region, such as `….lambda-web.eu-west-1.on.aws`",
      });
    }
    if (!REGION.test(region) || ISOLATED.test(region) || !regions.test(region)) continue;
    return { region, service: label === undefined ? "execute-api" : label.replace(/^lambda-.*/, "lambda") };
  }
  return undefined;
}

/** The domains of a region's partition, where they are known. */
export function domainsOf(region: string): { readonly regional: string; readonly newer: string } | undefined {
  const [, regional, newer] = DOMAINS.find(([regions]) => regions.test(region)) as (typeof DOMAINS)[number];
  return ISOLATED.test(region) ? undefined : { regional, newer };
}

/** What stands before a domain, if the name is in it. */
function within(name: string, domain: string): string | undefined {
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined;
}
