// An issuer whose name leads to a private address.

import dns from "node:dns";
import { createVerifier } from "xacct-sign-server";

dns.lookup = /** @type {any} */ ((_host, _options, found) => found(null, [{ address: "127.0.0.1", family: 4 }]));
const { callers, token } = JSON.parse(process.argv[2]);
const told = [];
const verifier = createVerifier({ callers, log: ({ code, message }) => told.push(`${code}: ${message}`) });
await verifier.check(`Bearer ${token}`, "GET", "/items/1").catch(({ code }) => told.push(code));
console.log(JSON.stringify(told));
