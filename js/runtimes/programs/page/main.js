import * as xacct from "xacct-sign";
import { scenario } from "../scenario.mjs";

const outcome = fetch("/input.json")
  .then((answer) => answer.json())
  .then((input) => scenario(xacct, input))
  .catch(({ name, code, message, hint }) => ({ name, code, message, hint }));
Object.assign(globalThis, { outcome });
