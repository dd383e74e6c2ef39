const server = require("xacct-sign-server");

import("./server-scenario.mjs").then(async ({ scenario }) => {
  console.log(JSON.stringify(await scenario(server, JSON.parse(process.argv[2]))));
});
