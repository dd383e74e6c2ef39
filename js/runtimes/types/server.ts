// What servers write.

import {
  type Caller,
  createVerifier,
  type ErrorCode,
  type LogEntry,
  type RefusalCode,
  RefusedError,
  type Verifier,
  XacctSignError,
} from "xacct-sign-server";

export function verifierOf(callers: string | object): Verifier | ErrorCode {
  try {
    return createVerifier({ callers, development: false, log: ({ code, cause }: LogEntry) => void [code, cause] });
  } catch (error) {
    if (!(error instanceof XacctSignError)) throw error;
    return error.code;
  }
}

export async function who(
  verifier: Verifier,
  authorization: string | string[] | undefined,
): Promise<Caller | RefusalCode> {
  try {
    const caller = await verifier.check(authorization, "GET", "/items");
    const account: string | undefined = caller.account;
    return account === "000000000000" || caller.via === "proof" ? caller : "caller_unknown";
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const status: 401 | 403 | 503 = error.status;
    return status === 503 ? "keys_unavailable" : error.code;
  }
}

export const handler = createVerifier({ callers: "{}" }).handler(
  async (event: { rawPath: string }, _context: unknown, caller) => ({
    statusCode: 200,
    body: event.rawPath + caller.name,
  }),
);
export const answered = async (): Promise<200 | 401 | 403 | 503 | number> =>
  (await handler({ rawPath: "/" }, undefined)).statusCode;

// @ts-expect-error: callers have to be given
createVerifier({ development: true });
