// The cases of tests/credentials that are a container's: what the core's chain is held to holds here too.

import fs, { existsSync, readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { afterEach, expect, test, vi } from "vitest";
import { fromContainer } from "xacct-sign";
import { serve } from "./server.js";

const CASES = fileURLToPath(new URL("../../../tests/credentials", import.meta.url));
const NAMES = readdirSync(CASES).filter((name) => name.startsWith("container_"));
const { request } = http;

interface Exchange {
  readonly request: { method: string; url: string; headers: Record<string, string | null> };
  readonly response?: { status: number; headers?: Record<string, string>; body: unknown };
  readonly failure?: "timeout" | "transport";
}

interface Expected {
  readonly credentials?: Record<string, string>;
  readonly error?: { code: string; contains: string[] };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

function json<T>(name: string, file: string): T | undefined {
  const path = join(CASES, name, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

test("there are cases", () => expect(NAMES.length).toBeGreaterThan(40));

test.each(NAMES)("%s", async (name) => {
  const exchanges = json<Exchange[]>(name, "http.json") ?? [];
  const asked: string[] = [];
  const server = await serve(({ index, request, response }) => {
    const { failure, response: answer } = exchanges[index] as Exchange;
    if (failure === "transport") request.socket.destroy();
    else if (answer !== undefined) {
      const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      response.writeHead(answer.status, answer.headers).end(body);
    }
  });
  // Every host is the server here; which one was meant is noted.
  for (const module of [http, https]) {
    vi.spyOn(module, "request").mockImplementation(((url: URL, options: http.RequestOptions, answered: () => void) => {
      asked.push(url.href);
      return request(new URL(server.url), { ...options, agent: new http.Agent() }, answered);
    }) as never);
  }
  const read = fs.readFileSync;
  vi.spyOn(fs, "readFileSync").mockImplementation(((path: string, ...rest: [never]) =>
    read(path.startsWith("/var/") ? join(CASES, name, "fs", path) : path, ...rest)) as never);
  for (const [variable, value] of Object.entries(json<Record<string, string>>(name, "env.json") ?? {})) {
    vi.stubEnv(variable, value);
  }
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

  let outcome: { is: unknown } | undefined;
  fromContainer()().then(
    (is) => {
      outcome = { is };
    },
    (is) => {
      outcome = { is };
    },
  );
  while (outcome === undefined) {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(100);
  }

  expect(asked).toEqual(exchanges.map(({ request: { url } }) => url));
  for (const [at, { request: wanted }] of exchanges.entries()) {
    const seen = server.seen[at];
    expect(seen?.method).toBe(wanted.method);
    for (const [header, value] of Object.entries(wanted.headers)) expect(seen?.headers[header] ?? null).toBe(value);
  }
  const { credentials, error } = json<Expected>(name, "expected.json") as Expected;
  if (credentials !== undefined) {
    expect(outcome.is).toEqual({
      accessKeyId: credentials.access_key_id,
      secretAccessKey: credentials.secret_access_key,
      sessionToken: credentials.session_token,
      expiration: new Date(credentials.expires_at as string),
    });
    return;
  }
  const { code, message, hint } = outcome.is as { code: string; message: string; hint?: string };
  expect({ code, message }).toMatchObject({ code: error?.code });
  for (const part of error?.contains ?? []) expect(`${message}\n${hint}`).toContain(part);
  expect(inspect(outcome.is, { depth: 9 })).not.toMatch(/SECRET|MARKER/);
});
