// Requests that wait for one another: POST is one, and GET says how many have begun.

import { createVerifier } from "xacct-sign-server";

let verifier;
let begun = 0;

export default {
  async fetch(request) {
    if (request.method === "GET") return Response.json(begun);
    const { callers, token } = await request.json();
    verifier ??= createVerifier({ callers, development: true, log() {} });
    const answer = verifier.serve(
      new Request("https://api.example.com/items/1", { headers: { authorization: `Bearer ${token}` } }),
      (caller) => Response.json(caller.name),
    );
    begun += 1;
    return answer;
  },
};
