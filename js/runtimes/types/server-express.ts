// A server on Express, with its types.

import express from "express";
import { createVerifier } from "xacct-sign-server";

const verifier = createVerifier({ callers: "{}" });
export const app = express();
app.use(verifier.middleware());
app.get("/items/:id", verifier.middleware(), (request, response) => {
  const name: string | undefined = request.caller?.name;
  response.json({ hello: name });
});
