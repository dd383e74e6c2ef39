// Everything at once: STS and an API that fail in every way there is, over real sockets and in virtual time.

import type { ServerResponse } from "node:http";
import { afterEach, expect, test, vi } from "vitest";
import { createFetch, XacctSignError } from "xacct-sign";
import { type Asked, serve } from "./server.js";

const base = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const role = { roleArn: "arn:aws:iam::111111111111:role/Api", region: "us-east-1", base };

const METHODS = ["GET", "PUT", "DELETE", "POST", "PATCH"];

afterEach(() => {
  vi.useRealTimers();
});

/** Numbers from 0 to 1 that a seed decides. */
function numbers(seed: number): () => number {
  let last = seed;
  return () => {
    last = (last * 48_271) % 2_147_483_647;
    return last / 2_147_483_647;
  };
}

type Fault = (asked: Asked) => unknown;

const date = (response: ServerResponse, off = 0) =>
  response.setHeader("date", new Date(Date.now() + off * 1000).toUTCString());
const broken: Fault[] = [
  ({ request }) => request.socket.resetAndDestroy(),
  ({ request }) => request.socket.destroy(),
  ({ request }) => request.socket.write("HTTP/1.1 200 OK\r\nconte", () => request.socket.destroy()),
  ({ response }) => response.writeHead(200, { "content-length": "99" }).write("[", () => response.destroy()),
  // Latency, hanging, and an answer that drips.
  ({ response }) => setTimeout(() => response.end("late"), 3_000),
  () => {},
  ({ response }) => {
    response.writeHead(200).write("[");
    const drip = setInterval(() => response.write(" "), 1_000);
    response.on("close", () => clearInterval(drip));
  },
  ({ response }) => response.writeHead(500).end(),
  ({ response }) => response.writeHead(503).end(),
];
/** The answers after which everything may be sent again, if the clock or an expiry is to blame: nothing was done. */
const refusals: Fault[] = [
  ({ response }) => response.writeHead(403).end("Forbidden"),
  ({ response }) => {
    date(response, -3600);
    response.writeHead(403).end("Forbidden");
  },
];
const ofApi: Fault[] = [
  ...broken,
  ...refusals,
  ({ response }) => response.writeHead(307, { location: "/again" }).end(),
];
const refused = (code: string, message: string) =>
  `<ErrorResponse><Error><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
const ofSts: Fault[] = [
  ...broken,
  ({ response }) => response.writeHead(400).end(refused("Throttling", "Rate exceeded")),
  ({ response }) => response.writeHead(403).end(refused("AccessDenied", "no")),
  ({ response }) => response.end("<html>a proxy's page</html>"),
];

function credentials(index: number): string {
  const end = new Date(Date.now() + 30_000).toISOString();
  return `<AssumeRoleResponse><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>A:x</AssumedRoleId>
    <Arn>arn:aws:sts::111111111111:assumed-role/Api/x</Arn></AssumedRoleUser><Credentials>
    <AccessKeyId>ASIA${index}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
    <Expiration>${end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
}

/** An outcome, and how long it took. */
async function called(call: typeof fetch, url: string, id: string, method: string) {
  const start = performance.now();
  const body = ["GET", "DELETE"].includes(method) ? undefined : id;
  let outcome: unknown;
  try {
    const answer = await call(url, { method, headers: { "x-id": id }, body });
    await answer.text();
    outcome = answer.status;
  } catch (error) {
    outcome = error;
  }
  return { id, method, outcome, seconds: (performance.now() - start) / 1000 };
}

/** What came of 250 calls, and by their ids of each time that one was sent. */
async function storm(seed: number) {
  const random = numbers(seed);
  const came = new Map<unknown, Fault[]>();
  const faulty = (faults: Fault[], fine: Fault) => (asked: Asked) => {
    const fault = random() < 0.5 ? (faults[Math.floor(random() * faults.length)] as Fault) : fine;
    const id = asked.request.url === "/start" ? asked.request.headers["x-id"] : undefined;
    came.set(id, [...(came.get(id) ?? []), fault]);
    asked.response.sendDate = false;
    date(asked.response);
    fault(asked);
  };
  const sts = await serve(faulty(ofSts, ({ index, response }) => response.end(credentials(index))));
  const api = await serve(faulty(ofApi, ({ response }) => response.end("[]")));
  const call = createFetch({ ...role, stsEndpoint: sts.url });
  const calls: ReturnType<typeof called>[] = [];
  let isOver = false;
  while (!isOver) {
    for (let batch = 0; batch < 5 && calls.length < 250; batch++) {
      const method = METHODS[calls.length % METHODS.length] as string;
      calls.push(called(call, `${api.url}/start`, `${calls.length}`, method));
      if (calls.length === 250) {
        Promise.all(calls).then(() => {
          isOver = true;
        });
      }
    }
    // Sockets have their real time, in which a moment of the virtual one goes by.
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    await vi.advanceTimersByTimeAsync(500);
  }
  return { outcomes: await Promise.all(calls), came };
}

test("whatever fails, a call ends in time, right or with the typed error, and nothing is sent twice that must not be", {
  timeout: 120_000,
}, async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] });
  const codes = new Set<unknown>();
  for (let seed = 1; seed <= 5; seed++) {
    const { outcomes, came } = await storm(seed);
    for (const { id, method, outcome, seconds } of outcomes) {
      expect(seconds).toBeLessThanOrEqual(36);
      codes.add(codeOf(outcome));
      const sent = came.get(id) ?? [];
      const again = sent.slice(0, -1).filter((fault) => !refusals.includes(fault));
      expect(again.length).toBeLessThanOrEqual(["POST", "PATCH"].includes(method) ? 0 : 1);
      expect(sent.length - again.length).toBeLessThanOrEqual(2);
    }
  }
  for (const code of ["200", "403", "500", "503", "terminated", "timeout", "transport"]) expect(codes).toContain(code);
});

/** A status, or an error's code. That a body broke off the runtime says itself, as of any fetch. */
function codeOf(outcome: unknown): string {
  if (typeof outcome === "number") return String(outcome);
  if (outcome instanceof XacctSignError) return outcome.code;
  if (outcome instanceof TypeError && outcome.message === "terminated") return outcome.message;
  throw outcome;
}
