import * as xacct from "xacct-sign";
import { scenario } from "./scenario.mjs";

scenario(xacct, JSON.parse(process.argv[2])).then((outcome) => console.log(JSON.stringify(outcome)));
