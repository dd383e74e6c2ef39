import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assumeRole, createFetch, type Fetch } from "xacct-sign";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" };
const region = "us-east-1";
let server: Server;
let base: string;
const seen: IncomingMessage[] = [];
const bodies: string[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push(request);
    bodies.push(body);
    const [, status, target] = /^\/(30\d)\?to=(.*)/.exec(request.url ?? "") ?? [];
    if (status === undefined) response.end(body);
    else response.writeHead(Number(status), { location: decodeURIComponent(target as string) }).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
});

test("bodies are sent as they were signed", async () => {
  const call = createFetch({ credentials, region });
  const form = new FormData();
  form.set("a", "b");
  for (const body of ["é", new Uint8Array([65]), new URLSearchParams({ a: "b" }), new Blob(["x"]), form]) {
    expect((await call(`${base}/a`, { method: "PUT", body: body as never })).status).toBe(200);
    expect(seen.at(-1)?.headers.authorization).toContain("Signature=");
  }
  const boundary = /boundary=(.*)/.exec(seen.at(-1)?.headers["content-type"] ?? "")?.[1];
  expect(bodies.at(-1)).toContain(boundary);
});

test("a Request, over which init wins", async () => {
  const call = createFetch({ credentials, region });
  const answer = await call(new Request(`${base}/a`, { method: "POST", body: "a" }), { body: "b" });
  expect([seen.at(-1)?.method, await answer.text()]).toEqual(["POST", "b"]);
});

test("redirects within the origin are signed anew", async () => {
  const call = createFetch({ credentials, region });
  const before = seen.length;
  const answer = await call(`${base}/302?to=/b`, { method: "POST", body: "a" });
  const [first, second] = seen.slice(before);
  expect([answer.status, second?.method, second?.url]).toEqual([200, "GET", "/b"]);
  expect(second?.headers.authorization).not.toBe(first?.headers.authorization);
  expect((await call(`${base}/307?to=/b`, { method: "PUT", body: "a" })).status).toBe(200);
  expect(bodies.at(-1)).toBe("a");
  expect((await call(`${base}/302?to=${encodeURIComponent("https://example.org/")}`)).status).toBe(302);
  expect((await call(`${base}/302?to=/b`, { redirect: "manual" })).status).toBe(302);
});

test("errors", async () => {
  const call = createFetch({ credentials, region });
  await expect(call("http://example.org/")).rejects.toMatchObject({ code: "insecure_url" });
  await expect(call(`${base}/`, { method: "PUT", body: new ReadableStream() })).rejects.toMatchObject({
    code: "invalid_body",
  });
  await expect(call("http://127.0.0.1:1/")).rejects.toMatchObject({ code: "transport" });
  await expect(call(`${base}/`, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
  expect(() => createFetch({ region, externalId: "abc" })).toThrow(expect.objectContaining({ code: "invalid_option" }));
});

const roleArn = "arn:aws:iam::111111111111:role/Api";

function fakeSts(count: { calls: number }, status = 200): Fetch {
  return (async () => {
    count.calls += 1;
    const end = new Date(Date.now() + 3_600_000).toISOString();
    if (status !== 200) {
      const error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>";
      return new Response(`<ErrorResponse>${error}<RequestId>r</RequestId></ErrorResponse>`, { status });
    }
    return new Response(
      `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
       <AssumedRoleId>A:x</AssumedRoleId><Arn>arn:aws:sts::111111111111:assumed-role/Api/x</Arn></AssumedRoleUser>
       <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s${count.calls}</SecretAccessKey>
       <SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  }) as never;
}

test("one STS call in flight, kept, and forced", async () => {
  const count = { calls: 0 };
  const provider = assumeRole({ roleArn, region, base: credentials, fetch: fakeSts(count) });
  const all = await Promise.all([provider(), provider(), provider()]);
  expect([count.calls, all[0]?.expiration instanceof Date, all[2]?.secretAccessKey]).toEqual([1, true, "s1"]);
  await provider();
  expect(count.calls).toBe(1);
  expect((await provider({ forceRefresh: true })).secretAccessKey).toBe("s2");
});

test("STS says no; bad options are refused at once", async () => {
  const denied = assumeRole({ roleArn, region, base: credentials, fetch: fakeSts({ calls: 0 }, 403) });
  await expect(denied()).rejects.toMatchObject({ code: "assume_role_denied", awsCode: "AccessDenied", status: 403 });
  const refused = (options: object) => expect(() => assumeRole({ roleArn, region, ...options } as never));
  refused({ roleArn: "x" }).toThrow(expect.objectContaining({ code: "invalid_role_arn" }));
  refused({ durationSeconds: 1 }).toThrow(expect.objectContaining({ code: "invalid_duration" }));
  refused({ region: "cn-north-1" }).toThrow(expect.objectContaining({ code: "partition_mismatch" }));
});
