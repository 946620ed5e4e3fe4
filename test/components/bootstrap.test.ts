import { spawnSync } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bundleCommands } from "../../components/host-bundle/commands";
import { renderBundle } from "../../components/host-bundle/render";
import { renderManager } from "../../components/manager/render";

/** Says how it was called, and gives back what it was sent. */
const FAKE_MANAGER = `#!/usr/bin/env bash

# A line with trailing blanks:   
	# a tab, 'quotes', "more", \\ and $dollars
printf 'called: %s\\n' "$*"
cat >"$RECEIVED"
cp "$0" "$RECEIVED.program"
exit "\${FAKE_EXIT:-0}"
`;

const folder = mkdtempSync(join(tmpdir(), "goblin-bootstrap-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const received = join(folder, "received");
const stdin = renderBundle(
  renderManager(FAKE_MANAGER, { before: ["ollama.service"], daily: "verify" }),
  "1.0.0",
);

/** @param uid what `id -u` says */
function bootstrap(uid: number, input: string, exit = 0) {
  writeFileSync(join(folder, "id"), `#!/bin/sh\n[ "$1" = -u ] && exec echo ${uid}\nexec /usr/bin/id "$@"\n`);
  chmodSync(join(folder, "id"), 0o755);
  const environment = {
    ...process.env,
    RECEIVED: received,
    FAKE_EXIT: String(exit),
    PATH: `${folder}:${process.env["PATH"] ?? ""}`,
  };
  // As sshd does: the user's shell gets the text.
  return spawnSync("sh", ["-c", bundleCommands("manager").apply], {
    input,
    encoding: "utf8",
    env: environment,
  });
}

const leftovers = () => readdirSync("/run").filter((name) => name.startsWith("ai-resource-manager."));

describe.skipIf(!isWritable("/run"))("the manager's bootstrap", () => {
  it.each([0, 1000])("runs the program out of its own bundle for user %i", (uid) => {
    writeFileSync(join(folder, "sudo"), '#!/bin/sh\n[ "$1" = -n ] || exit 9\nshift\nexec "$@"\n');
    chmodSync(join(folder, "sudo"), 0o755);
    const result = bootstrap(uid, stdin);
    expect(result).toMatchObject({ status: 0, stdout: "called: apply manager\n", stderr: "" });
    expect(readFileSync(received, "utf8")).toBe(stdin);
    expect(readFileSync(`${received}.program`, "utf8")).toBe(FAKE_MANAGER);
    expect(leftovers()).toEqual([]);
  });

  it("says what to allow when sudo wants a password", () => {
    const noSudo = '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n';
    writeFileSync(join(folder, "sudo"), noSudo);
    chmodSync(join(folder, "sudo"), 0o755);
    const { status, stdout, stderr } = bootstrap(1000, stdin);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(
      "may not use sudo without a password; nothing was changed. Allow it as root on the host: ",
    );
    expect(stderr).toMatch(/echo '\S+ ALL=\(ALL:ALL\) NOPASSWD: ALL' >\/etc\/sudoers\.d\/\S+\n$/);
    expect(leftovers()).toEqual([]);
  });

  it("passes the exit code on", () => {
    expect(bootstrap(0, stdin, 4).status).toBe(4);
    expect(leftovers()).toEqual([]);
  });

  it.each([stdin.slice(0, -"end: true\n".length), stdin.slice(0, 100), ""])(
    "refuses a truncated bundle",
    (truncated) => {
      const result = bootstrap(0, truncated);
      expect(result.status).toBe(2);
      expect(result.stderr).toBe("ai-resource-manager: the bundle is truncated; nothing was changed\n");
      expect(result.stdout).toBe("");
      expect(leftovers()).toEqual([]);
    },
  );
});

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
