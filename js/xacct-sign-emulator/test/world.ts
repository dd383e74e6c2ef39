// A manifest, and calls that aws4 signs.

import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request as send } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import aws4 from "aws4";
import { afterEach } from "vitest";
import { type CallerCredentials, type Emulator, type EmulatorOptions, startEmulator } from "xacct-sign-emulator";

/** A stage of every kind of API, by role and direct. */
export const FRONTS = fileURLToPath(new URL("../../../tests/manifests/fronts.toml", import.meta.url));
export const DEMO = fileURLToPath(new URL("../../../demo/xacct.toml", import.meta.url));

export const REGION = "ap-northeast-1";

const running: Emulator[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((emulator) => emulator.close()));
});

/** An emulator that is closed with its test. */
export async function started(options: Partial<EmulatorOptions> = {}): Promise<Emulator> {
  const emulator = await startEmulator({ manifest: FRONTS, ...options });
  running.push(emulator);
  return emulator;
}

export interface Seen {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What is sent beside method and URL. */
export interface Details {
  readonly credentials?: CallerCredentials;
  readonly service?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

/** Sends a request, signed where credentials are given, with its path as it is. */
export async function call(method: string, url: string, details: Details = {}): Promise<Seen> {
  const { credentials, service = "execute-api", headers = {}, body } = details;
  const [, host = "", path = "/"] = /^http:\/\/([^/]+)(.*)$/.exec(url) ?? [];
  const request = { host, method, path, headers, body, service, region: REGION } as aws4.Request;
  if (credentials !== undefined) aws4.sign(request, credentials);
  const [hostname, port] = host.split(":");
  return new Promise((fulfil, reject) => {
    const sent = send({ hostname, port, method, path, headers: request.headers as OutgoingHttpHeaders }, (answer) => {
      const { statusCode: status = 0, headers } = answer;
      text(answer).then((body) => fulfil({ status, headers, body }), reject);
    });
    sent.on("error", reject).end(body);
  });
}

/** Assumes a role of the provider's by a call that aws4 signs. */
export async function assumed(
  emulator: Emulator,
  caller: string,
  stage: string,
  role: string,
): Promise<CallerCredentials> {
  const credentials = emulator.credentials(caller, stage);
  const form = { Action: "AssumeRole", Version: "2011-06-15", RoleArn: role, RoleSessionName: "test" };
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(form).toString();
  const answer = await call("POST", `${emulator.stsUrl}/`, { credentials, service: "sts", headers, body });
  const of = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer.body)?.[1] ?? "";
  if (answer.status !== 200) throw new Error(answer.body);
  return { accessKeyId: of("AccessKeyId"), secretAccessKey: of("SecretAccessKey"), sessionToken: of("SessionToken") };
}

/** A caller's call of the API that it calls directly. */
export function direct(emulator: Emulator, method: string, path: string, details: Details = {}): Promise<Seen> {
  const credentials = emulator.credentials("shop", "restd");
  return call(method, `${emulator.url("restd")}${path}`, { credentials, ...details });
}
