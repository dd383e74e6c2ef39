/** A map that every copy of this package in a program finds by its name: the entries are bundles of their own. */
export function everyCopys<T>(name: string): WeakMap<object, T> {
  const global = globalThis as { [key: symbol]: WeakMap<object, T> | undefined };
  const key = Symbol.for(name);
  global[key] ??= new WeakMap();
  return global[key];
}
