// Other people's clients, each called the way its users call it.

import { request as httpRequest } from "node:http";
import { createSignedFetcher } from "aws-sigv4-fetch";
import aws4 from "aws4";
import { aws4Interceptor } from "aws4-axios";
import { AwsClient } from "aws4fetch";
import axios from "axios";

const service = "execute-api";

/** @typedef {{ keys: any, region: string, method: string, base: string, path: string, headers: Record<string, string>, body?: any }} Call */

/** @type {Record<string, (call: Call) => Promise<unknown>>} */
export const CLIENTS = {
  aws4: (call) => byAws4(call, false),
  "aws4 signQuery": (call) => byAws4(call, true),
  aws4fetch: (call) => byAws4fetch(call, false),
  "aws4fetch signQuery": (call) => byAws4fetch(call, true),

  async "aws4-axios"({ keys, region, method, base, path, headers, body }) {
    const client = axios.create();
    // Its types are those of axios for CommonJS.
    const instance = /** @type {any} */ (client);
    client.interceptors.request.use(aws4Interceptor({ options: { region, service }, credentials: keys, instance }));
    const validateStatus = () => true;
    await client.request({ method, url: base + path, headers, data: body, responseType: "text", validateStatus });
  },

  async "aws-sigv4-fetch"({ keys, region, method, base, path, headers, body }) {
    const signedFetch = createSignedFetcher({ service, region, credentials: keys });
    const answer = await signedFetch(base + path, { method, headers, body });
    await answer.arrayBuffer();
  },
};

/**
 * @param {Call} call
 * @param {boolean} signQuery
 */
function byAws4({ keys, region, method, base, path, headers, body }, signQuery) {
  const { host, hostname, port } = new URL(base);
  const request = { host, method, path: path || "/", headers: { ...headers }, body, service, region, signQuery };
  const signed = aws4.sign(request, keys);
  return new Promise((fulfil, reject) => {
    const sent = httpRequest({ ...signed, hostname, port }, (answer) => answer.resume().on("end", fulfil));
    sent.on("error", reject).end(body);
  });
}

/**
 * @param {Call} call
 * @param {boolean} signQuery
 */
async function byAws4fetch({ keys, region, method, base, path, headers, body }, signQuery) {
  const client = new AwsClient({ ...keys, service, region, retries: 0 });
  const answer = await client.fetch(base + path, { method, headers, body, aws: { signQuery } });
  await answer.arrayBuffer();
}
