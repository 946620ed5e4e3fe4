import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** What test/run.ts counts of one vitest project. */
export interface SuiteReport {
  readonly files: readonly FileReport[];
  /** Of errors outside of every file. */
  readonly errors: readonly Failure[];
}

export interface FileReport {
  readonly path: string;
  /** Its tests and its hooks: what a hook prepares takes longer than many a test. */
  readonly seconds: number;
  readonly passed: number;
  readonly skipped: readonly string[];
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly name: string;
  readonly why: string;
}

/** Where `SuiteReporter` writes, as JSON. */
export const REPORT_VARIABLE = "GOBLIN_HOST_TEST_REPORT";

/** Vitest's own JSON has no hook's time, and not why one failed: its tests would be skipped without a word. */
export default class SuiteReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const path = process.env[REPORT_VARIABLE];
    if (path === undefined) throw new Error(`${REPORT_VARIABLE} says where the report goes, and is not set`);
    const report: SuiteReport = {
      files: modules.map(fileReport),
      errors: unhandled.map((error) => failure("an error outside of every test", [error])),
    };
    writeFileSync(path, JSON.stringify(report));
  }
}

function fileReport(module: TestModule): FileReport {
  const tests = [...module.children.allTests()];
  const failedTests = tests.flatMap((test) => {
    const result = test.result();
    return result.state === "failed" ? [failure(test.fullName, result.errors)] : [];
  });
  const groups = [module, ...module.children.allSuites()].flatMap((group) => {
    const errors = group.errors();
    const name = group.type === "module" ? group.relativeModuleId : group.fullName;
    return errors.length === 0 ? [] : [failure(`${name} (outside of its tests)`, errors)];
  });
  return {
    path: module.moduleId,
    seconds: Math.round(module.diagnostic().duration / 1000),
    passed: tests.filter((test) => test.result().state === "passed").length,
    skipped: tests.filter((test) => test.result().state === "skipped").map(({ fullName }) => fullName),
    failures: [...groups, ...failedTests],
  };
}

/** Of several errors, a hook's and then the one of its cleaning up, each is named. */
const failure = (name: string, errors: readonly SerializedError[]): Failure => ({
  name,
  why: errors.map(({ message }) => message).join("\n"),
});
