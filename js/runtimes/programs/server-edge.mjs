import * as server from "xacct-sign-server";
import { scenario } from "./server-scenario.mjs";

addEventListener("fetch", (/** @type {any} */ event) => {
  const answer = async () => Response.json(await scenario(server, await event.request.json()));
  event.respondWith(answer());
});
