import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as xacct from "xacct-sign/slim";
import { scenario } from "./scenario.mjs";

const sign = () => xacct.canonicalUrl("https://api.example.com/");
assert.throws(sign, { name: "XacctSignError", code: "wasm_unavailable" });
const bytes = readFileSync(new URL(import.meta.resolve("xacct-sign/xacct_sign.wasm")));
xacct.init(new WebAssembly.Module(bytes));
console.log(JSON.stringify(await scenario(xacct, JSON.parse(process.argv[2]))));
