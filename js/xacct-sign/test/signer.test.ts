import { expect, test, vi } from "vitest";
import { canonicalUrl, Signer, UNSIGNED_PAYLOAD, XacctSignError } from "xacct-sign";

const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const now = new Date("2015-08-30T12:36:00Z");
const signer = new Signer({ credentials, region: "us-east-1", service: "service" });
const url = "https://example.amazonaws.com/";

function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(XacctSignError);
    return (error as XacctSignError).code;
  }
  return undefined;
}

test("AWS's case get-vanilla", () => {
  expect(signer.sign("GET", url, { now })).toEqual({
    authorization:
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
      "SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    "x-amz-date": "20150830T123600Z",
  });
});

test("a token is added, in the documented order", () => {
  const withToken = new Signer({
    credentials: { ...credentials, sessionToken: "T" },
    region: "us-east-1",
    service: "s3",
  });
  const names = Object.keys(withToken.sign("GET", url, { now }));
  expect(names).toEqual(["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]);
});

test("headers in every shape give the same signature", () => {
  const object = { "X-A": "1", "x-b": undefined, "x-c": 2 };
  const shapes = [
    object,
    [
      ["x-a", "1"],
      ["x-c", "2"],
    ],
    new Headers({ "x-a": "1", "x-c": "2" }),
  ] as const;
  const signatures = shapes.map((headers) => signer.sign("GET", url, { headers: headers as never, now }).authorization);
  expect(new Set(signatures).size).toBe(1);
  expect(object).toEqual({ "X-A": "1", "x-b": undefined, "x-c": 2 });
});

test("bodies in every shape, small and large, give the same signature", () => {
  for (const text of ["", "é", "x".repeat(9000)]) {
    const bytes = new TextEncoder().encode(text);
    const shapes = [text, bytes, bytes.buffer, new DataView(bytes.buffer)];
    const signatures = shapes.map((body) => signer.sign("PUT", url, { body, now }).authorization);
    expect(new Set(signatures).size).toBe(1);
  }
});

test("a presigned URL", () => {
  expect(signer.presign("GET", url, { now, expiresIn: 60 })).toContain("X-Amz-Expires=60&");
});

test("arrays are signed as fetch sends them", () => {
  const list = signer.sign("GET", url, { headers: { "x-a": ["1", 2] }, now });
  expect(list).toEqual(signer.sign("GET", url, { headers: { "x-a": "1, 2" }, now }));
});

test("bodies too large for the module to be fast, without a hash of the host", async () => {
  const bytes = new Uint8Array(3 << 20).fill(7);
  const withHost = signer.sign("PUT", url, { body: bytes, now });
  const hidden = vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  vi.resetModules();
  const fresh = await import("xacct-sign");
  const other = new fresh.Signer({ credentials, region: "us-east-1", service: "service" });
  expect(other.sign("PUT", url, { body: bytes, now })).toEqual(withHost);
  expect(other.presign("PUT", url, { body: bytes, now })).toBe(signer.presign("PUT", url, { body: bytes, now }));
  expect(hidden).toHaveBeenCalled();
  hidden.mockRestore();
});

test("signRequest refuses what is no Request, and one that is read", async () => {
  for (const nothing of [undefined, null, {}, "https://example.com/"]) {
    await expect(signer.signRequest(nothing as never)).rejects.toMatchObject({ code: "invalid_option" });
  }
  const used = new Request(url, { method: "PUT", body: "a" });
  await used.text();
  await expect(signer.signRequest(used)).rejects.toMatchObject({ code: "invalid_body" });
});

test("signRequest leaves the request alone", async () => {
  const request = new Request(url, { method: "PUT", body: "a" });
  const signed = await signer.signRequest(request);
  expect(signed.headers.get("authorization")).toContain("Signature=");
  expect(await signed.text()).toBe(await request.text());
});

test.each([
  ["invalid_url", () => signer.sign("GET", "/a")],
  ["invalid_url", () => canonicalUrl(7 as never)],
  ["invalid_method", () => signer.sign("GE T", url)],
  ["invalid_method", () => signer.sign(undefined as never, url)],
  ["invalid_header", () => signer.sign("GET", url, { headers: { "X A": "1" } })],
  ["invalid_header", () => signer.sign("GET", url, { headers: { a: "1\nb" } })],
  ["invalid_body", () => signer.sign("GET", url, { body: {} as never })],
  ["invalid_time", () => signer.sign("GET", url, { now: new Date(Number.NaN) })],
  ["invalid_expires_in", () => signer.presign("GET", url, { expiresIn: 0 })],
  ["invalid_expires_in", () => signer.presign("GET", url, { expiresIn: 1.5 })],
  ["invalid_expires_in", () => signer.presign("GET", url, { expiresIn: 604_801 })],
  ["invalid_expires_in", () => signer.presign("GET", url, { expiresIn: "60" as never })],
  ["invalid_time", () => signer.sign("GET", url, { now: 5 as never })],
  ["invalid_time", () => signer.sign("GET", url, { now: { [Symbol.toStringTag]: "Date" } as never })],
  ["invalid_time", () => signer.sign("GET", url, { now: new Date(-1) })],
  ["invalid_method", () => signer.sign("GET\n", url)],
  ["invalid_url", () => signer.sign("GET", `${url}\nx`)],
  ["invalid_header", () => signer.sign("GET", url, { headers: { "a\nb": "c" } })],
  ["invalid_header", () => signer.sign("GET", url, { headers: { a: Symbol("b") as never } })],
  ["invalid_option", () => new Signer(undefined as never)],
  ["invalid_option", () => new Signer({ credentials, region: "us-east-1", token: "t" } as never)],
  ["invalid_credentials", () => new Signer({ credentials: async () => credentials, region: "us-east-1" } as never)],
  ["invalid_region", () => new Signer({ credentials } as never)],
  ["invalid_service", () => new Signer({ credentials, region: "us-east-1", service: "a/b" })],
  ["invalid_credentials", () => new Signer({ credentials: {}, region: "us-east-1" } as never)],
  [
    "invalid_credentials",
    () => new Signer({ credentials: { ...credentials, secretAccessKey: "" }, region: "us-east-1" }),
  ],
  [
    "unsigned_payload",
    () => new Signer({ credentials, region: "us-east-1" }).sign("PUT", url, { body: UNSIGNED_PAYLOAD }),
  ],
])("%s", (code, call) => {
  expect(codeOf(call)).toBe(code);
});

test("options that are none are refused, as everywhere", () => {
  const sign = (options: unknown) => codeOf(() => signer.sign("PUT", url, options as never));
  const presign = (options: unknown) => codeOf(() => signer.presign("GET", url, options as never));
  for (const wrong of [60, "hello", null, { payload: "hello" }, { expires_in: 60 }, { expires: 60 }]) {
    expect([sign(wrong), presign(wrong)]).toEqual(["invalid_option", "invalid_option"]);
  }
  expect([sign({ expiresIn: 60 }), presign({ expiresIn: 60, nothing: undefined })]).toEqual([
    "invalid_option",
    undefined,
  ]);
});
