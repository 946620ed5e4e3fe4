import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failAtEachStep } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

/** Runs a writer as an attempt, with the folder as `etc`; what it says, with its status at the end. */
function attempt(folder: string, call: string, before = ""): string[] {
  const text = `exec 2>&1\nNAME=app\n${before}\nattempt ${call}\necho "status $STATUS"`;
  return bashWithStore(text, folder)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll(folder, ""));
}

const at = (folder: string): string => join(folder, "etc/a.conf");

/** The owner's file, and nothing beside it. */
function furnish(folder: string): void {
  rmSync(join(folder, "etc"), { recursive: true, force: true });
  mkdirSync(join(folder, "etc"));
  writeFileSync(at(folder), "theirs\n", { mode: 0o640 });
}

function expectAsBefore(folder: string, story: string): void {
  expect(readFileSync(at(folder), "utf8"), story).toBe("theirs\n");
  expect(statSync(at(folder)).mode & 0o7777, story).toBe(0o640);
  expect(readdirSync(join(folder, "etc")), story).toEqual(["a.conf"]);
}

describe("what is written", { timeout: 60_000 }, () => {
  it("takes its place whole, in the mode and of the owner that is asked for", () => {
    inFolder((folder) => {
      furnish(folder);
      const text = String.raw`$'one\ntwo \\ three'`;
      expect(attempt(folder, `write_text ${at(folder)} 2750 ${text}`)).toEqual(["status 0"]);
      expect(readFileSync(at(folder), "utf8")).toBe("one\ntwo \\ three");
      expect(statSync(at(folder)).mode & 0o7777).toBe(0o2750);
      expect(attempt(folder, `write_text ${at(folder)} - four ${at(folder)}`)).toEqual(["status 0"]);
      expect(statSync(at(folder)).mode & 0o7777).toBe(0o2750);
      expect(attempt(folder, `write_text ${folder}/new/b.conf 0600 ''`)).toEqual(["status 0"]);
      expect(readFileSync(join(folder, "new/b.conf"), "utf8")).toBe("");
    });
  });

  it.each([
    ["a text", (folder: string) => `write_text ${at(folder)} 0644 ours`],
    ["a text in the place of another", (folder: string) => `write_text ${at(folder)} - ours ${at(folder)}`],
    ["a copy", (folder: string) => `copy_file ${folder}/source ${at(folder)}`],
  ])("leaves what stands there as it is, and nothing beside it, at whatever step %s fails", (_, call) => {
    inFolder((folder) => {
      for (const lies of [false, true]) {
        const prepare = (): void => {
          furnish(folder);
          writeFileSync(join(folder, "source"), "ours\n");
        };
        failAtEachStep(folder, lies, prepare, ({ name, before }) => {
          const said = attempt(folder, call(folder), before);
          const story = `${name}\n${said.join("\n")}`;
          if (said.at(-1) === "status 0") {
            expect(readFileSync(at(folder), "utf8").trimEnd(), story).toBe("ours");
            return;
          }
          expect(said.at(-2), story).toMatch(/^error: bundle app: \S.* (cannot be|can be) /);
          // Renamed, and not known to be on the disk: that is told, and it is whole all the same.
          if (name.includes("sync -- ") && name.endsWith("/etc"))
            expect(readFileSync(at(folder), "utf8").trimEnd(), story).toBe("ours");
          else expectAsBefore(folder, story);
        });
      }
    });
  });

  it("is compared with what was meant, by what is read back", () => {
    inFolder((folder) => {
      furnish(folder);
      const told =
        "error: bundle app: /etc/a.conf cannot be written: what was read back is not what was written; it is as it was";
      const short = 'printf() { if [[ $2 == ours ]]; then builtin printf o; else builtin printf "$@"; fi; }';
      expect(attempt(folder, `write_text ${at(folder)} 0644 ours`, short)).toEqual([told, "status 1"]);
      expectAsBefore(folder, "short");
      // A disk that is full.
      const full = "trap '' XFSZ; ulimit -f 0; note_failure() { :; }";
      expect(attempt(folder, `write_text ${at(folder)} 0644 ours`, full).slice(-2)).toEqual([
        "error: bundle app: /etc/a.conf cannot be written; it is as it was",
        "status 1",
      ]);
      expectAsBefore(folder, "full");
    });
  });

  it("never goes where a link leads, nor takes a folder's place", () => {
    inFolder((folder) => {
      furnish(folder);
      writeFileSync(join(folder, "secret"), "root's\n");
      // Somebody has put one where it is produced.
      symlinkSync("../secret", join(folder, "etc/.a.conf.goblin-new"));
      expect(attempt(folder, `write_text ${at(folder)} 0644 ours`)).toEqual(["status 0"]);
      expect(readFileSync(join(folder, "secret"), "utf8")).toBe("root's\n");
      symlinkSync("../secret", join(folder, "etc/link"));
      expect(attempt(folder, `write_text ${folder}/etc/link - ours ${folder}/etc/link`)).toEqual([
        "error: bundle app: /etc/link cannot be written: /etc/link is a link. Put the file itself in its place, then run this again",
        "status 1",
      ]);
      mkdirSync(join(folder, "etc/folder"));
      expect(attempt(folder, `write_text ${folder}/etc/folder 0644 ours`).at(-2)).toBe(
        "error: bundle app: /etc/folder cannot be replaced; it is as it was",
      );
      expect(readdirSync(join(folder, "etc")).sort()).toEqual(["a.conf", "folder", "link"]);
    });
  });
});

describe("what is removed", () => {
  it("is gone, or that is an error", () => {
    inFolder((folder) => {
      furnish(folder);
      expect(attempt(folder, `remove_path ${at(folder)} ${folder}/none`, "rm() { :; }")).toEqual([
        "error: bundle app: /etc/a.conf is still there after its removal",
        "status 1",
      ]);
      expect(attempt(folder, `remove_path ${at(folder)} ${folder}/none`)).toEqual(["status 0"]);
      expect(existsSync(at(folder))).toBe(false);
    });
  });
});
