// The routes of an API, and which of them a part of an ARN opens.

/** A route of the API. */
export interface ApiRoute {
  /** `GET /items/{id}`; `$default` for any. */
  readonly key: string;
  /** `AWS_IAM`, `JWT`, `CUSTOM`, `NONE`; a token is none of them. */
  readonly authorization: string;
}

/**
 * The routes that the end of an ARN, `GET/items/*`, may open: those for which there is a request that both fit. A route may
 * be named though a more special one takes its requests.
 */
export function opened(suffix: string, routes: readonly ApiRoute[]): ApiRoute[] {
  const exact = routes.filter((route) => !suffix.includes("*") && route.key === suffix.replace("/", " /"));
  if (exact.length > 0) return exact;
  const pattern = [...suffix].map((character) => (character === "*" ? ANY_NUMBER : one(character)));
  const found = routes.filter((route) => overlap(pattern, routePattern(route.key)));
  // A single request gets to `$default` only if it fits no other route.
  const special = found.filter((route) => route.key !== "$default");
  return suffix.includes("*") || special.length === 0 ? found : special;
}

/** A character, one but a slash, or any; once, or any number of times. */
interface Piece {
  readonly is: string | "segment" | "any";
  readonly repeats: boolean;
}

const ANY_NUMBER: Piece = { is: "any", repeats: true };
const one = (is: string): Piece => ({ is, repeats: false });

function routePattern(key: string): Piece[] {
  if (key === "$default") return [ANY_NUMBER];
  const [method = "", path = ""] = key.split(" ");
  const pieces: Piece[] = method === "ANY" ? [one("segment"), { is: "segment", repeats: true }] : [...method].map(one);
  for (const part of path.split(/(\{[^}]*\})/)) {
    if (!part.startsWith("{")) pieces.push(...[...part].map(one));
    else if (part.endsWith("+}")) pieces.push(one("any"), ANY_NUMBER);
    else pieces.push(one("segment"), { is: "segment", repeats: true });
  }
  return pieces;
}

/** Whether a text fits both. */
function overlap(a: readonly Piece[], b: readonly Piece[]): boolean {
  const seen = new Set<number>();
  const from = (i: number, j: number): boolean => {
    const state = i * (b.length + 1) + j;
    if (seen.has(state)) return false;
    seen.add(state);
    const [x, y] = [a[i], b[j]];
    if (x === undefined && y === undefined) return true;
    if (x?.repeats && from(i + 1, j)) return true;
    if (y?.repeats && from(i, j + 1)) return true;
    if (x === undefined || y === undefined || !shareCharacter(x.is, y.is)) return false;
    return from(x.repeats ? i : i + 1, y.repeats ? j : j + 1);
  };
  return from(0, 0);
}

function shareCharacter(x: string, y: string): boolean {
  if (x === y || x === "any" || y === "any") return true;
  if (x === "segment") return y !== "/";
  if (y === "segment") return x !== "/";
  return false;
}
