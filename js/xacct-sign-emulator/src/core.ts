export type { Call } from "./calls.js";
export { type CallerCredentials, type Emulator, startEmulator } from "./emulator.js";
export { type ErrorCode, XacctSignError } from "./errors.js";
export type { EmulatorOptions, UpstreamFunction } from "./options.js";
/** @internal */
export { useWith } from "./use.js";
