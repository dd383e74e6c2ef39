interface Base64Constructor {
  fromBase64?(text: string): Uint8Array<ArrayBuffer>;
}

/** Base64 → bytes, by what the runtime has. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: "base64"): Uint8Array<ArrayBuffer> } };
  if (typeof Buffer?.from === "function") return Buffer.from(text, "base64");
  const decoder = Uint8Array as Base64Constructor;
  if (typeof decoder.fromBase64 === "function") return decoder.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
