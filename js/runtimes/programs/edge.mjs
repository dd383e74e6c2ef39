import * as xacct from "xacct-sign";
import { scenario } from "./scenario.mjs";

addEventListener("fetch", (/** @type {any} */ event) => {
  const answer = async () => Response.json(await scenario(xacct, await event.request.json()));
  event.respondWith(answer());
});
