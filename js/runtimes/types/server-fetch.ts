// A server in the style of `fetch`.

import { createVerifier } from "xacct-sign-server";

const verifier = createVerifier({ callers: new Uint8Array(), fetch: globalThis.fetch });

export function serve(request: Request): Promise<Response> {
  return verifier.serve(request, async (caller) => new Response(caller.name));
}

export const others: Promise<number | Response> = verifier.serve(new Request("https://api.example.com/"), () => 1);

// @ts-expect-error: who is refused has an answer, too
export const named: Promise<string> = verifier.serve(new Request("https://api.example.com/"), (caller) => caller.name);
