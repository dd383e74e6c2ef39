// The host's types, where it has them: the public types need no `lib.dom`.

type Instance<Name extends string, Otherwise> = typeof globalThis extends { [key in Name]: { prototype: infer T } }
  ? T
  : Otherwise;

/** The type of the runtime's `fetch`. */
export type Fetch = typeof globalThis extends { fetch: infer F }
  ? F
  : // biome-ignore lint/suspicious/noExplicitAny: where nothing is known of the runtime's types
    (input: any, init?: any) => Promise<any>;

/** The runtime's `Request`. */
export type HostRequest = Instance<"Request", { readonly url: string; readonly method: string }>;

/** The runtime's `AbortSignal`, or what the AWS SDK passes for one. */
export interface HostAbortSignal {
  readonly aborted: boolean;
}
