import { defineConfig } from "vitest/config";

// Unit tests are fast and need no machine; the local engine's start programs; test/e2e boots the VM, one file at a time.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/sandbox/engine/**"],
          testTimeout: 20_000,
        },
      },
      {
        // Each test starts a Pulumi program, which takes seconds.
        test: { name: "engine", include: ["test/sandbox/engine/**/*.test.ts"], testTimeout: 60_000 },
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
