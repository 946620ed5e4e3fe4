import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// Unit tests take seconds and need no machine; integration tests start Pulumi programs, npm and the real engine;
// end-to-end tests boot the VM, one file at a time.
const integration = [
  "test/components/prometheus-rules.test.ts",
  "test/components/prometheus-stack-programs.test.ts",
  "test/grafana/queries.test.ts",
  "test/monitor/alertmanager.test.ts",
  "test/monitor/bundle.test.ts",
  "test/monitor/prometheus.test.ts",
  "test/monitor/page.test.ts",
  "test/monitor/sentry.test.ts",
  "test/cli.test.ts",
  "test/examples/**/*.test.ts",
  "test/package.test.ts",
  "test/sandbox/engine/**/*.test.ts",
  "test/sandbox/llamacpp/server.test.ts",
];

// Vitest leaves a core to itself, and so one of two idle.
const bothCores = { maxWorkers: Math.max(2, availableParallelism() - 1) };

const oneAtATime = {
  // What differs stands in the message, which is all that a closing list of failures has.
  chaiConfig: { truncateThreshold: 2000 },
  testTimeout: 600_000,
  hookTimeout: 1_800_000,
  fileParallelism: false,
  pool: "forks",
  maxWorkers: 1,
  isolate: false,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", ...integration],
          testTimeout: 20_000,
          ...bothCores,
        },
      },
      {
        test: { name: "integration", include: integration, testTimeout: 60_000, ...bothCores },
      },
      {
        // A VM of the VPS's size, which stands for all of them.
        test: {
          name: "e2e",
          include: ["test/e2e/full/**/*.test.ts"],
          globalSetup: ["test/e2e/full/setup.ts"],
          ...oneAtATime,
        },
      },
      {
        // The same, for what measures how soon a host under pressure answers: beside another VM it would measure that.
        test: {
          name: "e2e-alone",
          include: ["test/e2e/alone/**/*.test.ts"],
          globalSetup: ["test/e2e/full/setup.ts"],
          ...oneAtATime,
        },
      },
      {
        // A VM whose memory a test can fill.
        test: {
          name: "e2e-small",
          include: ["test/e2e/small/**/*.test.ts"],
          globalSetup: ["test/e2e/small/setup.ts"],
          ...oneAtATime,
        },
      },
    ],
  },
});
