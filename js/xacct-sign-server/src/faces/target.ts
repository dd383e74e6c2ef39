/**
 * What a request line has before its query. A fragment stays: no client sends one, servers differ in what they make of it, and the rules
 * read it every way.
 */
export function withoutQuery(target: string): string {
  const end = target.indexOf("?");
  return end < 0 ? target : target.slice(0, end);
}
