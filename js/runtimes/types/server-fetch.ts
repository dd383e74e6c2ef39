// A server in the style of `fetch`.

import { createVerifier } from "xacct-sign-server";

const verifier = createVerifier({ callers: new Uint8Array(), fetch: globalThis.fetch });

export async function serve(request: Request): Promise<Response> {
  const caller = await verifier.admit(request);
  if (caller instanceof Response) return caller;
  return new Response(caller.name);
}

// @ts-expect-error: who is refused has no name
export const named = async (request: Request): Promise<string> => (await verifier.admit(request)).name;
