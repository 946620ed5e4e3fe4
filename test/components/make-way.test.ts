import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainStranger, lookFor, strangersLabel } from "../../components/limited-container/make-way";

const OURS = "p/s/goblin-a-bundle";
const ID = "0123456789abcdef".repeat(4);

describe("the look for a container", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "goblin-host-look-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const program = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const look = () =>
    spawnSync("/bin/sh", ["-c", lookFor("a.b")], { env: { PATH: `${folder}:/nowhere` }, encoding: "utf8" });

  it("asks a dockerd that runs for the name alone, and no other", () => {
    program("sh", 'exec /bin/sh "$@"');
    expect(look()).toMatchObject({ status: 0, stdout: "" });
    program("docker", `printf '%s\\n' "$@"`);
    program("systemctl", "exit 3");
    expect(look()).toMatchObject({ status: 0, stdout: "" });
    program("systemctl", '[ "$*" = "is-active --quiet docker.service" ]');
    expect(look().stdout.trim().split("\n")).toEqual([
      ...["ps", "--all", "--no-trunc", "--filter", "name=^/a\\.b$"],
      ...["--format", '{{.ID}} {{.Label "goblin-host.owner"}}'],
    ]);
  });
});

describe("what was found", () => {
  it("is a stranger's unless its label is ours", () => {
    expect(strangersLabel("", OURS)).toBeUndefined();
    expect(strangersLabel(`motd of a login shell\n${ID} ${OURS}\n`, OURS)).toBeUndefined();
    expect(strangersLabel(`${ID} \n`, OURS)).toBe("");
    expect(strangersLabel(`${ID} p/other/goblin-a-bundle\n`, OURS)).toBe("p/other/goblin-a-bundle");
  });

  it("is told with the ways out", () => {
    expect(explainStranger("goblin", "a", "")).toBe(
      'host "goblin": a container named a is there already, which no stack of this project has made; nothing was changed. Keep it under another name (docker rename a NAME) or remove it (docker rm --force a); a workload can also have another name. Then run pulumi up',
    );
    expect(explainStranger("goblin", "a", "p/other/x")).toContain("which p/other/x has made;");
  });
});
