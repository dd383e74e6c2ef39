import { defineConfig } from "vitest/config";

// No time limits: loading and checking the CDK takes long on a slow machine.
export default defineConfig({ test: { include: ["test/**/*.test.ts"], testTimeout: 0, hookTimeout: 0 } });
