// A Lambda function that calls an API of another account. Its own role is in the environment.
//
// Bundle it: npx esbuild handler.mjs --bundle --platform=node --format=esm --outfile=dist/index.mjs

import { createFetch } from "xacct-sign";

// Outside the handler, so that the role's credentials are kept from one invocation to the next.
const api = createFetch({ roleArn: process.env.API_ROLE_ARN, region: process.env.API_REGION });

export async function handler(event) {
  const answer = await api(`${process.env.API_URL}/hoge`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  if (!answer.ok) throw new Error(`the API answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
