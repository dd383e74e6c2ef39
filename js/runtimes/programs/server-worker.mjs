import * as server from "xacct-sign-server";
import { scenario } from "./server-scenario.mjs";

export default {
  async fetch(request) {
    return Response.json(await scenario(server, await request.json()));
  },
};
