// What a server does in every runtime: some requests, and what comes of them.

/**
 * @param {typeof import("xacct-sign-server")} server
 * @param {{ callers: object, tokens: string[] }} input
 */
export async function scenario({ createVerifier }, { callers, tokens }) {
  const logged = [];
  const verifier = createVerifier({ callers, development: true, log: (entry) => logged.push(entry.code) });
  const answers = [];
  for (const token of tokens) {
    for (const path of ["/items/1", "/admin"]) {
      const request = new Request(`https://api.example.com${path}`, { headers: { authorization: `Bearer ${token}` } });
      const answer = await verifier.serve(request, (caller) => caller.name);
      answers.push(answer instanceof Response ? answer.status : answer);
    }
  }
  return { answers, logged };
}
