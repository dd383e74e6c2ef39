// What Node has and no browser: asked for when it is needed, so that no bundler goes looking for it.

interface NodeProcess {
  getBuiltinModule?(name: string): unknown;
}

/** A module of Node's; undefined elsewhere. Deno and Bun have them too. */
export function builtin<T>(name: `node:${string}`): T | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.getBuiltinModule?.(name) as T | undefined;
}
