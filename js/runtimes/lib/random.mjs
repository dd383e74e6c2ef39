// Random requests from a seed.

/**
 * Numbers from 0 to 1 (mulberry32).
 *
 * @param {number} seed
 */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const TEXT = [
  "a",
  "Z",
  "0",
  "-",
  "_",
  ".",
  "~",
  " ",
  "+",
  "/",
  "=",
  "&",
  "%",
  ":",
  "@",
  "!",
  "*",
  "'",
  "(",
  ")",
  ",",
  "é",
  "日",
  "😀",
];
const SEGMENTS = [
  "hoge",
  "items",
  "a.b",
  "~x",
  "%40connections",
  "A%3D",
  "a%2Fb",
  "%E6%97%A5",
  "@c",
  "a:b",
  "a+b",
  "x;v=1",
  "(1)",
  "it's",
  "*",
];
const VALUES = [
  "application/json",
  "x",
  "a  b",
  "  padded  ",
  'say "a   b"',
  "a,b",
  "text/plain; charset=utf-8",
  "0",
  "k=v; l=w",
];

/**
 * A request as it stands on the wire, and its query as pairs.
 *
 * @param {() => number} random
 * @param {readonly string[]} names of headers that may stand in it
 * @param {string} host
 */
export function randomRequest(random, names, host) {
  const below = (limit) => Math.floor(random() * limit);
  const pick = (list) => list[below(list.length)];
  const list = (longest, make) => Array.from({ length: below(longest + 1) }, make);
  const text = () => list(6, () => pick(TEXT)).join("");

  const segments = list(4, () => (random() < 0.08 ? pick(["", ".", ".."]) : pick(SEGMENTS)));
  const query = list(5, () => [random() < 0.05 ? "" : pick(["a", "b", "a-b", "A", "id", text() || "t"]), text()]);
  const wire = query.map(([name, value]) => {
    const written = [name, value].map((part) => {
      const encoded = encodeURIComponent(part);
      return random() < 0.3 ? encoded.replaceAll("%20", "+").replaceAll("%2F", "/") : encoded;
    });
    return value === "" && name !== "" && random() < 0.5 ? written[0] : written.join("=");
  });
  const method = pick(METHODS);
  const headers = {};
  for (const name of list(4, () => pick(names)))
    headers[random() < 0.5 ? name : name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())] = pick(VALUES);
  // One name in two cases is one header to some and two to others.
  for (const name of Object.keys(headers)) if (name !== name.toLowerCase()) delete headers[name.toLowerCase()];
  const body = method === "GET" || method === "HEAD" ? "" : pick(["", "{}", JSON.stringify({ foo: text() }), text()]);
  return { method, host, path: `/${segments.join("/")}`, wire, query, headers, body };
}

/**
 * Path and query as they stand on the wire.
 *
 * @param {{ path: string, wire: readonly string[] }} request
 */
export function target({ path, wire }) {
  return wire.length > 0 ? `${path}?${wire.join("&")}` : path;
}
