import * as server from "xacct-sign-server";
import { scenario } from "./server-scenario.mjs";

console.log(JSON.stringify(await scenario(server, JSON.parse(process.argv[2]))));
