import { defineConfig } from "vitest/config";

// No time limits: the table is long, and machines are slow.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 0, hookTimeout: 0 } });
