import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";

const ROOT = join(import.meta.dirname, "..");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goblin-host-issue-"));
  // Tells what it was called with, and the number of the open issue.
  const gh =
    '#!/bin/bash\nprintf "%s\\n" "$*" | sed "s|$TMPDIR/[^ ]*|BODY|" >>calls\n[ "$2" = list ] && cat open\nfor last; do :; done\n[ -f "$last" ] && cp "$last" body\nexit 0\n';
  writeFileSync(join(folder, "gh"), gh);
  chmodSync(join(folder, "gh"), 0o755);
  writeFileSync(join(folder, "open"), "");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The calls of gh but for the search, and the text. */
function keep(code: number, said: string, open = ""): { calls: string[]; body: string } {
  writeFileSync(join(folder, "open"), open);
  writeFileSync(join(folder, "drift.txt"), said);
  execFileSync(join(ROOT, "scripts/drift-issue.sh"), ["prod", String(code), "drift.txt"], {
    cwd: folder,
    env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}`, TMPDIR: folder },
  });
  const [search = "", ...calls] = readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
  expect(search).toContain('issue list --state open --search in:title "Drift: prod"');
  const body = code === 0 ? "" : readFileSync(join(folder, "body"), "utf8");
  return { calls, body };
}

describe("the issue about a stack's drift", () => {
  it("is opened with what was found", () => {
    const { calls, body } = keep(7, "goblin: drift in 1 of 12 bundles\n");
    expect(calls).toEqual(["issue create --title Drift: prod --body-file BODY"]);
    expect(body).toContain("differ from what it declares. Repair: `pulumi up`.");
    expect(body).toContain("``````\ngoblin: drift in 1 of 12 bundles\n");
  });

  it("is updated while it is open, and says when nobody knows", () => {
    const { calls, body } = keep(1, "goblin: unknown, connect ETIMEDOUT\n", "17\n");
    expect(calls).toEqual(["issue edit 17 --body-file BODY"]);
    expect(body).toContain("could not be looked at (exit code 1): whether they drifted is unknown");
  });

  it("is closed when all is in sync, and not missed when there is none", () => {
    expect(keep(0, "goblin: in sync\n", "17\n").calls).toEqual([
      "issue close 17 --comment All hosts of `prod` are in sync again.",
    ]);
    rmSync(join(folder, "calls"));
    expect(keep(0, "goblin: in sync\n").calls).toEqual([]);
  });

  it("holds as much as GitHub takes", () => {
    expect(keep(7, "x".repeat(100_000)).body.length).toBeLessThan(65_536);
  });
});

describe("the workflows", () => {
  it.each(["drift", "preview"])(
    "%s runs only where a stack is named, with no more rights than it needs",
    (name) => {
      const workflow = parse(readFileSync(join(ROOT, `.github/workflows/${name}.yml`), "utf8")) as {
        permissions: Record<string, string>;
        jobs: Record<string, { if: string; steps: { run?: string; uses?: string }[] }>;
      };
      expect(workflow.permissions["contents"]).toBe("read");
      for (const job of Object.values(workflow.jobs)) {
        expect(job.if).toContain("vars.GOBLIN_HOST_STACK != ''");
        // Expressions in a script are pasted into it before a shell reads it.
        for (const { run = "" } of job.steps) expect(run).not.toContain("${{");
      }
    },
  );
});
