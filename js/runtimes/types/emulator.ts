// Tests of callers.

import {
  type Call,
  type CallerCredentials,
  type Emulator,
  type EmulatorOptions,
  type ErrorCode,
  startEmulator,
  XacctSignError,
} from "xacct-sign-emulator";

const options: EmulatorOptions = { manifest: "xacct.toml", upstream: (request) => new Response(request.url) };

export async function used(): Promise<number> {
  const emulator: Emulator = await startEmulator(options);
  const credentials: CallerCredentials = emulator.credentials("shop", "stag");
  const length: number = await emulator.asCaller("shop", "stag", () => credentials.sessionToken.length);
  const callers: (string | null)[] = emulator.calls.map(({ caller }: Call) => caller);
  const statuses: (number | null)[] = emulator.calls.map(({ status }) => status);
  await emulator.asCaller("shop", "stag", async () => {});
  await emulator.close();
  return length + callers.length + statuses.length + emulator.url("stag").length;
}

export const code = (error: unknown): ErrorCode | undefined =>
  error instanceof XacctSignError ? error.code : undefined;

// @ts-expect-error: there is no emulator without a manifest
void startEmulator({});
// @ts-expect-error: what was sent is not to be changed
export const forget = (emulator: Emulator): unknown => emulator.calls.pop();
