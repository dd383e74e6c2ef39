const xacct = require("xacct-sign");

import("./scenario.mjs")
  .then(({ scenario }) => scenario(xacct, JSON.parse(process.argv[2])))
  .then((outcome) => console.log(JSON.stringify(outcome)));
