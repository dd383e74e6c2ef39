// What every entry exports.

export type { CallersErrorCode, RefusalCode } from "../wasm/constants.js";
export type { Caller } from "./caller.js";
export { type ErrorCode, RefusedError, XacctSignError } from "./errors.js";
export type { LambdaRefusal } from "./faces/lambda.js";
export type { Middleware, NodeRequest, NodeResponse } from "./faces/node.js";
export type { Log, LogCode, LogEntry } from "./log.js";
export type { Fetch, VerifierOptions } from "./options.js";
export { createVerifier, type Verifier } from "./verifier.js";
