// An issuer of web identity tokens on this machine, whose tokens jose makes, and a list of callers that takes them.

import { once } from "node:events";
import { createServer } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

export const AUDIENCE = "https://api.example.com";

/**
 * Starts an issuer, for tokens of one algorithm; one whose name is given is not on this machine.
 *
 * @param {"ES384" | "RS256"} algorithm
 * @param {string} [name]
 */
export async function startIssuer(algorithm = "ES384", name) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const kid = algorithm === "ES384" ? "EC384_0" : "RSA_0";
  // AWS's RSA keys have no `alg`.
  const alg = algorithm === "ES384" ? { alg: algorithm } : {};
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, use: "sig", ...alg }] });
  let fetched = 0;
  let published = Promise.resolve();
  const server = createServer(async (_request, response) => {
    fetched += 1;
    await published;
    response.end(keys);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const issuer = name ?? `http://127.0.0.1:${port}/issuers/000000000000`;
  return {
    issuer,
    /** A `callers.json` with one caller, `shop`, on one route. */
    callers: {
      version: 1,
      stage: "prod",
      target: "server",
      partition: "aws",
      audience: AUDIENCE,
      algorithm,
      max_duration_seconds: 3600,
      regions: ["ap-northeast-1"],
      ...(name === undefined ? { dev_issuers: [issuer] } : {}),
      callers: [{ name: "shop", account: "000000000000", role: "LambdaRoleProd", issuer, routes: ["GET /items/{id}"] }],
    },
    /** How often its keys were fetched. */
    get fetched() {
      return fetched;
    },
    /** Has it answer nobody, until what this gives is called. */
    hold() {
      let letGo = () => {};
      published = new Promise((resolve) => {
        letGo = resolve;
      });
      return letGo;
    },
    /** A good token of the caller, with what is changed in its claims and in its header. */
    token(changes = {}, header = {}) {
      const iat = changes.iat ?? Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuer,
        aud: AUDIENCE,
        sub: "arn:aws:iam::000000000000:role/LambdaRoleProd",
        iat,
        exp: iat + 300,
        jti: "1",
        "https://sts.amazonaws.com/": { aws_account: "000000000000" },
        ...changes,
      };
      return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: "JWT", ...header }).sign(privateKey);
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
