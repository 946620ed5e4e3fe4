import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "goblin-guard-"));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program that guards itself and then does what it is told. */
function run(body: string) {
  const program = join(folder, "program.mts");
  const guard = resolve("components/goblin-host/guard.ts");
  writeFileSync(
    program,
    `import { failUnlessCompleted } from ${JSON.stringify(guard)};\nconst completed = failUnlessCompleted();\n${body}\n`,
  );
  return spawnSync(process.execPath, [resolve("node_modules/tsx/dist/cli.mjs"), program], {
    encoding: "utf8",
  });
}

it("a program that reaches its end succeeds", () => {
  expect(run("completed();")).toMatchObject({ status: 0, stderr: "" });
});

it("a program that ends before it is an error: what it did not declare must not be deleted", () => {
  const result = run("setTimeout(() => undefined, 10);");
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("the program ended before everything was declared");
});
