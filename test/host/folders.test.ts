import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bash, bashWithStore, inFolder } from "./manager";

/** What a folder of the bundle differs in, on this machine. */
const differs = (path: string, fields: Record<string, string>, folder: string): string[] =>
  bashWithStore(
    `WANT=([folders]=$'${path}\\n' ${Object.entries(fields)
      .map(([field, value]) => `["folders|${path}|${field}"]='${value}'`)
      .join(" ")})
    observe_folders WANT; folder_state '${path}'; printf '%s\\n' "\${DIFFERS[@]}"`,
    folder,
  )
    .split("\n")
    .filter((line) => line !== "");

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
      bash(`same_owner '${wanted}' 990:100 ollama:users && echo same || echo another`).trim();
    expect(["ollama:users", "990:100", "ollama:100", "990:users"].map(same)).toEqual(Array(4).fill("same"));
    expect(["ollama:root", "root:users", "99:100", "9900:100"].map(same)).toEqual(Array(4).fill("another"));
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
