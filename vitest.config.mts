import { defineConfig } from "vitest/config";

// Unit tests take seconds and need no machine; integration tests start Pulumi programs and npm; end-to-end tests boot
// the VM, one file at a time.
const integration = ["test/sandbox/engine/**/*.test.ts", "test/package.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", ...integration],
          testTimeout: 20_000,
        },
      },
      {
        test: { name: "integration", include: integration, testTimeout: 60_000 },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 900_000,
          fileParallelism: false,
          pool: "forks",
          maxWorkers: 1,
          isolate: false,
        },
      },
    ],
  },
});
