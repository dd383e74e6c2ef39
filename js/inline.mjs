// For esbuild: `inline:FILE` is the file in base64.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export const inline = {
  name: "inline",
  setup(builder) {
    builder.onResolve({ filter: /^inline:/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice("inline:".length)),
      namespace: "inline",
    }));
    builder.onLoad({ filter: /.*/, namespace: "inline" }, ({ path }) => ({
      contents: `export default ${JSON.stringify(readFileSync(path).toString("base64"))}`,
    }));
  },
};
