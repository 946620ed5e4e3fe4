import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { REPORT_VARIABLE, type SuiteReport } from "./suite-report";

it("a report says why a hook failed, whose tests would be skipped without a word", async () => {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-report-"));
  const report = join(folder, "report.json");
  try {
    const { exitCode } = await execa(
      "npx",
      ["--no", "vitest", "run", `--reporter=${join(import.meta.dirname, "suite-report.ts")}`],
      {
        cwd: join(import.meta.dirname, "fixtures/suite-report"),
        env: { [REPORT_VARIABLE]: report },
        reject: false,
      },
    );
    expect(exitCode).toBe(1);
    expect(JSON.parse(readFileSync(report, "utf8"))).toEqual({
      files: [
        {
          path: join(import.meta.dirname, "fixtures/suite-report/suite.fixture.ts"),
          seconds: expect.any(Number) as number,
          passed: 1,
          skipped: ["a group > is skipped with its group", "is skipped"],
          failures: [
            { name: "a group (outside of its tests)", why: "its hook failed\nfor a reason" },
            { name: "fails", why: "expected 1 to be 2 // Object.is equality" },
          ],
        },
      ],
      errors: [],
    } satisfies SuiteReport);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
