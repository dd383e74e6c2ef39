// Puts into a package's dist/ the declarations that its entries need, and no others.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

const RELATIVE = /from "(\.[^"]+)\.js"/g;

/** How a declaration is named, and those that it imports, by module system. */
export const ESM = { own: "d.ts", others: "js" };
export const COMMONJS = { own: "d.cts", others: "cjs" };

/** Where in dist/ a declaration stands: in the folder of its source, and what is of wasm/ in a folder of its own. */
const placeOf = (file) => file.replace(/^src\//, "");

/** Copies from `types`, where tsc wrote them, to `dist` what a file such as `src/index` needs, its own included. */
export function copyDeclarations(types, dist, file, forms, seen = new Set()) {
  if (seen.has(file)) return;
  seen.add(file);
  const place = placeOf(file);
  const text = readFileSync(join(types, `${file}.d.ts`), "utf8");
  const needed = (specifier) => posix.join(posix.dirname(file), specifier);
  const pathTo = (specifier) => {
    const path = posix.relative(posix.dirname(place), placeOf(needed(specifier)));
    return path.startsWith(".") ? path : `./${path}`;
  };
  mkdirSync(join(dist, dirname(place)), { recursive: true });
  for (const { own, others } of forms) {
    const placed = text.replaceAll(RELATIVE, (_, specifier) => `from "${pathTo(specifier)}.${others}"`);
    writeFileSync(join(dist, `${place}.${own}`), placed);
  }
  for (const [, specifier] of text.matchAll(RELATIVE)) copyDeclarations(types, dist, needed(specifier), forms, seen);
}
