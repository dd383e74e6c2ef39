/**
 * A copy of a blob, of which `fetch` in Node keeps no copy while it sends it: it makes two of a body's stream, for the case that it
 * has to send it again, and of the one that it does not read everything stays in memory. Whoever sends a blob again asks for a stream
 * again. Other runtimes do not call a blob's `stream`.
 */
export function sentOnce(blob: Blob): Blob {
  const copy = blob.slice(0, blob.size, blob.type);
  const stream = () => {
    const only = blob.stream();
    Object.defineProperty(only, "tee", { value: () => [new ReadableStream(), only] });
    return only;
  };
  return Object.defineProperty(copy, "stream", { value: stream });
}
