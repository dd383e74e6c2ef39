import { defineConfig } from "vitest/config";

// Machines are slow; but what waits for ever has failed.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 } });
