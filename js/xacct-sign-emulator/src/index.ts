export {
  type Call,
  type CallerCredentials,
  type Emulator,
  type EmulatorOptions,
  type ErrorCode,
  startEmulator,
  type UpstreamFunction,
  XacctSignError,
} from "./core.js";
