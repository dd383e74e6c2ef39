import * as xacct from "xacct-sign";
import { scenario } from "./scenario.mjs";

export default {
  async fetch(request) {
    return Response.json(await scenario(xacct, await request.json()));
  },
};
