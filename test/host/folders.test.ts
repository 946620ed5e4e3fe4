import {
  chmodSync,
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
import { loadVersion } from "./loaded";
import { bash, bashWithStore, inFolder } from "./manager";

type Fields = Record<string, string>;

/** What a folder of the bundle differs in, on this machine. */
const differs = (path: string, fields: Fields, folder: string): string[] =>
  bashWithStore(
    `${loadVersion(folder, "WANT", { folders: { [path]: fields } })}
    observe_folders WANT; folder_state '${path}'; printf '%s\n' "\${DIFFERS[@]}"`,
    folder,
  )
    .split("\n")
    .filter((line) => line !== "");

/** From what may be there to what shall be; what it said, with its status at the end. */
function converge(folder: string, was: Fields | undefined, want: Fields | undefined, before = ""): string[] {
  const path = join(folder, "srv/models");
  const load = (array: string, fields: Fields | undefined): string =>
    fields === undefined ? "" : loadVersion(folder, array, { folders: { [path]: fields } });
  return bashWithStore(
    `exec 2>&1
    NAME=models
    ${load("WAS", was)} ${load("WANT", want)}
    EVERYTHING[folders]=${path}$'\n'
    observe_folders EVERYTHING
    both() { change_folders; give_back_folders; }
    ${before}
    attempt both
    echo "status $STATUS"`,
    folder,
  )
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replaceAll(folder, ""));
}

describe("folders on the host", () => {
  it("are compared by mode and owner, by name or by number", () => {
    inFolder((folder) => {
      const path = join(folder, "models");
      expect(differs(path, {}, folder)).toEqual(["folder", "present", "missing"]);
      mkdirSync(path);
      chmodSync(path, 0o755);
      expect(differs(path, {}, folder)).toEqual([]);
      expect(differs(path, { mode: "0755" }, folder)).toEqual([]);
      expect(differs(path, { mode: "2775" }, folder)).toEqual(["mode", "2775", "0755"]);
      chmodSync(path, 0o2775);
      expect(differs(path, { mode: "2775" }, folder)).toEqual([]);
      symlinkSync(path, join(folder, "link"));
      expect(differs(join(folder, "link"), {}, folder)).toEqual(["folder", "present", "symbolic-link"]);
    });
  });

  it("know an owner by name and by number", () => {
    const same = (wanted: string): string =>
      bash(`same_owner '${wanted}' 990:100 ollama:users; echo "\${ANSWER:-no}"`).trim();
    expect(["ollama:users", "990:100", "ollama:100", "990:users"].map(same)).toEqual(Array(4).fill("yes"));
    expect(["ollama:root", "root:users", "99:100", "9900:100"].map(same)).toEqual(Array(4).fill("no"));
  });

  it("are made, and go when they are empty", () => {
    inFolder((folder) => {
      const path = join(folder, "srv/models");
      expect(converge(folder, undefined, { mode: "2775" })).toEqual(["  made /srv/models", "status 0"]);
      expect(statSync(path).mode & 0o7777).toBe(0o2775);
      expect(converge(folder, {}, undefined)).toEqual(["  removed /srv/models", "status 0"]);
      expect(readdirSync(folder)).not.toContain("srv");
      expect(readdirSync(join(folder, "state/originals"))).toEqual([]);
    });
  });

  it("stay with what is in them", () => {
    inFolder((folder) => {
      converge(folder, undefined, {});
      writeFileSync(join(folder, "srv/models/.hidden"), "weights\n");
      expect(converge(folder, { data: "true" }, undefined)).toEqual([
        "  kept /srv/models: it holds data. When nobody needs it: rm -r /srv/models",
        "status 0",
      ]);
      expect(readFileSync(join(folder, "srv/models/.hidden"), "utf8")).toBe("weights\n");
    });
  });

  it("that were there get their mode back, and keep the record where that fails", () => {
    inFolder((folder) => {
      const path = join(folder, "srv/models");
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o700);
      expect(converge(folder, undefined, { mode: "0755" })).toEqual([
        "  set mode of /srv/models",
        "status 0",
      ]);
      expect(converge(folder, { mode: "0755" }, undefined, "chmod() { return 1; }")).toEqual([
        "error: bundle models: /srv/models cannot be given back its mode 0700",
        "status 1",
      ]);
      expect(converge(folder, { mode: "0755" }, undefined, "chmod() { return 0; }").at(-2)).toMatch(
        /\/srv\/models was given back its mode 700 and owner \d+:\d+, and has 755 and/,
      );
      expect(converge(folder, { mode: "0755" }, undefined)).toEqual(["status 0"]);
      expect(statSync(path).mode & 0o7777).toBe(0o700);
      expect(readdirSync(join(folder, "state/originals"))).toEqual([]);
    });
  });

  it("are told to be made only when they are as declared", () => {
    inFolder((folder) => {
      expect(converge(folder, undefined, { mode: "0700" }, "chmod() { return 0; }")).toEqual([
        expect.stringMatching(
          /^error: bundle models: \/srv\/models does not become as declared: mode is 0755, not 0700/,
        ),
        "status 1",
      ]);
    });
  });

  it("that do not answer are left alone, and told apart from those that are not there", () => {
    inFolder((folder) => {
      const path = join(folder, "srv/models");
      const say = (text: string, status: number): string =>
        `stat() { :; }; timeout() { echo "${text}"; return ${status}; }; exec() { "$@"; }`;
      const look = (stub: string): string =>
        bashWithStore(
          `exec 2>&1
          ${loadVersion(folder, "WANT", { folders: { [path]: { setting: "goblin-host:models" } } })}
          NAME=models
          ${stub}
          attempt observe_folders WANT
          [[ $STATUS == 0 ]] || return 0
          observe_folders WANT
          preflight_folders
          echo "kind:\${SEEN_FOLDER[${path}]-}" "\${PROBLEMS[@]}"`,
          folder,
        ).trim();
      expect(look("")).toBe("kind:");
      expect(look(say("", 124))).toMatch(
        /^kind:hung goblin-host:models\.path: .* does not answer within 10 s/,
      );
      expect(look(say(`stat: cannot statx '${path}': Stale file handle`, 1))).toMatch(
        /^kind:broken:Stale-file-handle goblin-host:models\.path: .* cannot be looked at \(Stale file handle\)/,
      );
      expect(look(say("stat: no memory", 1))).toMatch(
        /^error: bundle models: stat does not say what .* is: stat: no memory$/,
      );
    });
  });

  it("are not given away through a link that a service's user put on the way", () => {
    inFolder((folder) => {
      // The folder of the test stands for one of a service's, because others than root may write it.
      chmodSync(folder, 0o777);
      const roots = join(folder, "roots/models");
      mkdirSync(roots, { recursive: true });
      chmodSync(roots, 0o700);
      const theirs = join(folder, "srv");
      symlinkSync(join(folder, "roots"), theirs);
      const refused = [
        "error: bundle models: /srv/models cannot be reached: srv, on the way, is a link that others than root may replace. Put a folder in its place, then run this again",
        "status 1",
      ];
      expect(converge(folder, undefined, { mode: "2777" })).toEqual(refused);
      expect(statSync(roots).mode & 0o7777).toBe(0o700);
      expect(
        bashWithStore(
          `${loadVersion(folder, "WANT", { folders: { [`${theirs}/models`]: { setting: "goblin-host:models" } } })}
          observe_folders WANT; preflight_folders; printf '%s\n' "\${PROBLEMS[@]}"`,
          folder,
        ).replaceAll(folder, ""),
      ).toBe(
        "goblin-host:models.path: /srv, on the way to /srv/models, is a link that others than root may replace. Allowed: the path that it stands for. Fix: pulumi config set --path 'goblin-host:models.path' /roots/models\n",
      );

      // What was theirs when it was applied is a link when it is given back.
      rmSync(theirs);
      mkdirSync(join(theirs, "models"), { recursive: true });
      chmodSync(join(theirs, "models"), 0o711);
      rmSync(join(folder, "state"), { recursive: true });
      expect(converge(folder, undefined, { mode: "0755" }).at(-1)).toBe("status 0");
      rmSync(theirs, { recursive: true });
      symlinkSync(join(folder, "roots"), theirs);
      expect(converge(folder, { mode: "0755" }, undefined)).toEqual(refused);
      expect(statSync(roots).mode & 0o7777).toBe(0o700);
    });
  });

  it("are reached by a link that root put there, and never by one that comes between the look and the step", () => {
    expect(bash("[[ ! -L /bin ]] || { enter_folder /bin/../lib; pwd -P; }")).toMatch(/^(\/usr\/lib\n)?$/);
    inFolder((folder) => {
      mkdirSync(join(folder, "srv/models"), { recursive: true });
      mkdirSync(join(folder, "roots/models"), { recursive: true });
      // As fast as its user can: after the folder was looked at, before it is entered.
      const swap = `stat() { command stat "$@"; [[ \${!#} != ./srv ]] || { mv srv aside; ln -s roots srv; }; }; exec() { "$@"; }`;
      expect(converge(folder, undefined, { mode: "0700" }, swap)).toEqual([
        "error: bundle models: /srv/models cannot be reached: a folder on the way is being replaced. Run this again",
        "status 1",
      ]);
      expect(statSync(join(folder, "roots/models")).mode & 0o777).toBe(0o755);
    });
  });

  it("are on the mount that is nearest above them", () => {
    expect(bash('mount_of /proc/sys/vm; echo "$MOUNT $MOUNT_TYPE"')).toMatch(/^\/proc(\/sys)? proc\n$/);
    expect(bash('mount_of /no/such/path; echo "$MOUNT"')).toBe("/\n");
  });
});

describe("read-ahead on the host", () => {
  it("is refused, by its setting, where there is no disk", () => {
    const want = `WANT=([readAhead]=$'/proc/x\\n' ["readAhead|/proc/x|kib"]=4096 ["readAhead|/proc/x|setting"]=goblin-host:models.readAhead)`;
    expect(bash(`${want}; preflight_read_ahead; printf '%s\\n' "\${PROBLEMS[@]}"`)).toBe(
      "goblin-host:models.readAhead: /proc/x is on proc (mounted at /proc), which has no disk whose read-ahead could be set. Allowed: a folder on a disk (ext4, xfs). Fix: pulumi config rm --path 'goblin-host:models.readAhead'\n",
    );
  });

  it("of a path on no disk has a rule that matches none", () => {
    expect(bash('expand_tokens \'KERNEL=="@{disk-of:/proc/x}"\'; echo "$REPLY"')).toBe('KERNEL=="no-disk"\n');
  });
});
