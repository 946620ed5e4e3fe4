import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadVersion, type Sections } from "./loaded";
import { bash, bashWithStore, inFolder } from "./manager";

/** Root can make filesystems of its own. */
const canMount = process.getuid?.() === 0;

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** The problems that a check of preflight finds on a machine with 1 GiB and four CPUs. */
const problems = (want: string, check: string): string[] =>
  lines(bash(`MEMORY_TOTAL=1073741824 ONLINE_CPUS=0-3; ${want}; ${check}; printf '%s\n' "\${PROBLEMS[@]}"`));

/** The same of a version, on this machine; with the test's folder as the root. */
const problemsOf = (folder: string, version: Sections, check: string): string[] =>
  lines(
    bashWithStore(
      `NAME=app
      ${loadVersion(folder, "WANT", version)}
      ${check}
      printf '%s\n' "\${PROBLEMS[@]}"`,
      folder,
    ),
  ).map((line) => line.replaceAll(folder, ""));

describe("preflight on the host", () => {
  const limit = (reserve: number): string =>
    `WANT=(["limits|ai.slice|MemoryMax"]='@{memory-less:${reserve}:10%}')`;

  it("refuses a reserve that leaves the workloads nothing, with one that fits", () => {
    expect(problems(limit(2 * 1024 ** 3), "preflight_memory")).toEqual([
      "goblin-host:reserve.memory leaves nothing for the workloads: this host has 1024 MiB. Fix: pulumi config set --path 'goblin-host:reserve.memory' 102MiB",
    ]);
    expect(problems(limit(512 * 1024 ** 2), "preflight_memory")).toEqual([]);
  });

  it("names every setting whose cores the host lacks", () => {
    const want = `WANT=([requires]=$'a.cores\\nb.cores\\n' ["requires|a.cores|cores"]=2-5 ["requires|b.cores|cores"]=0-3)`;
    expect(problems(want, "preflight_cores")).toEqual([
      `a.cores: "2-5" names cores that this host lacks (4,5); it has 0-3. Allowed: any of those. Fix: pulumi config set --path 'a.cores' 0-3`,
    ]);
  });

  it("names each file that is in the way, and of whom it is", () => {
    inFolder((folder) => {
      mkdirSync(join(folder, "a-folder"));
      symlinkSync("/dev/null", join(folder, "a-link"));
      writeFileSync(join(folder, "a-file"), "");
      const file = { mode: "0644", content: "" };
      const names = ["a-folder", "a-link", "a-file", "a-file/below", "new/below"];
      const version = { files: Object.fromEntries(names.map((name) => [join(folder, name), file])) };
      expect(problemsOf(folder, version, "observe_files WANT; preflight_files")).toEqual([
        "/a-folder is a directory, not a file: move it away, then run this again",
        "/a-link is a symbolic-link, not a file: move it away, then run this again",
        "/a-file is not a folder, and /a-file/below must go below it",
      ]);
    });
  });
});

describe.runIf(canMount)("filesystems that will be written", () => {
  const onFilesystem = (options: string, action: (folder: string, at: string) => void): void => {
    inFolder((folder) => {
      const at = join(folder, "full");
      mkdirSync(at);
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", at]);
      try {
        action(folder, at);
      } finally {
        execFileSync("umount", [at]);
      }
    });
  };
  const version = (at: string): Sections => ({
    files: { [join(at, "new/a.conf")]: { mode: "0644", content: "" } },
    json: { [join(at, "b.json")]: { content: "{}" } },
  });

  it("are named where they are full", () => {
    onFilesystem("size=1m", (folder, at) => {
      expect(problemsOf(folder, version(at), "preflight_writable WANT")).toEqual([
        "the disk is full: 1 MiB free on the filesystem of /full (mounted at /full), 32 MiB are needed. Free some (du -xsh /full/*)",
      ]);
    });
    onFilesystem("size=48m", (folder, at) => {
      expect(problemsOf(folder, version(at), "preflight_writable WANT")).toEqual([]);
      expect(problemsOf(folder, version(at), "preflight_writable WANT 33554432")).toEqual([
        expect.stringMatching(/^the disk is full: 48 MiB free on .*, 64 MiB are needed/),
      ]);
      // A bundle that is going wants what it has.
      expect(problemsOf(folder, {}, "preflight_writable WAS 33554432")).toEqual([]);
    });
    onFilesystem("size=48m,nr_inodes=100", (folder, at) => {
      expect(problemsOf(folder, version(at), "preflight_writable WANT")).toEqual([
        "the filesystem of /full (mounted at /full) has 99 inodes free, 200 are needed. Remove files there (du --inodes -xs /full/*)",
      ]);
    });
  });

  it("are named where they are read-only", () => {
    onFilesystem("ro,size=64m", (folder, at) => {
      expect(problemsOf(folder, version(at), "preflight_writable WANT")).toEqual([
        "/full is read-only: mount it writable (mount -o remount,rw /full), or take its attribute away (chattr -i /full)",
      ]);
    });
  });
});
