// The peers, each called the way its users call it.

import { createHash, createHmac } from "node:crypto";
import { HttpRequest } from "@smithy/protocol-http";
import { SignatureV4 } from "@smithy/signature-v4";
import aws4 from "aws4";
import { target } from "./random.mjs";

/** SHA-256 and HMAC by node:crypto, in the shape that @smithy/signature-v4 takes. */
export class NodeSha256 {
  #hash;

  /** @param {any} [secret] */
  constructor(secret) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }

  /** @param {any} data */
  update(data) {
    this.#hash.update(data);
  }

  async digest() {
    return this.#hash.digest();
  }
}

/**
 * `20261124T101500Z`.
 *
 * @param {Date} date
 */
export function amzDate(date) {
  return date.toISOString().replace(/[:-]|\.\d{3}/g, "");
}

/**
 * The request as aws4 signs it: path and headers as they are to be sent.
 *
 * @param {any} request
 * @param {any} scope
 */
export function byAws4(request, { credentials, region, service, now }) {
  const { method, host, body, extraHeadersToIgnore } = request;
  const headers = { ...request.headers, "X-Amz-Date": amzDate(now) };
  /** @type {any} */
  const given = { method, host, path: target(request), headers, body, region, service, extraHeadersToIgnore };
  return aws4.sign(given, credentials);
}

/**
 * The request as @smithy/signature-v4 signs it.
 *
 * @param {any} request
 * @param {any} scope
 */
export async function bySmithy({ method, host, path, query, headers, body }, { credentials, region, service, now }) {
  const [hostname, port] = host.split(":");
  /** @type {Record<string, string | string[]>} */
  const bag = {};
  for (const [name, value] of query) bag[name] = name in bag ? [bag[name], value].flat() : value;
  const request = new HttpRequest({
    method,
    hostname,
    port: port && Number(port),
    path,
    query: bag,
    headers: { host, ...headers },
    body,
  });
  const signer = new SignatureV4({ credentials, region, service, sha256: NodeSha256, applyChecksum: false });
  return signer.sign(request, { signingDate: now });
}

/**
 * What an `Authorization` header says.
 *
 * @param {string} authorization
 */
export function parts(authorization) {
  const [, signedHeaders, signature] = /SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(authorization) ?? [];
  return { signedHeaders, signature };
}
