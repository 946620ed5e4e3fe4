import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const UNIT = "ollama.service";
const OURS =
  "[Service]\nBindReadOnlyPaths=/y\nEnvironment=A=1\nNoNewPrivileges=yes\nReadWritePaths=-/srv\nSlice=ai-ollama.slice\nSupplementaryGroups=render video\nSystemCallFilter=\nSystemCallFilter=@system-service\n";
const FOLDER = `etc/${UNIT}.d`;
const at = (name: string): string => `${FOLDER}/${name}`;

/** What the text says where these drop-ins of the owner's stand beside ours. */
function says(host: SystemdHost, texts: Record<string, string>, text: string): string[] {
  const all = { "zz-goblin-exec.conf": OURS, "zz-goblin.conf": "[Service]\nMemoryMax=1G\n", ...texts };
  for (const [name, content] of Object.entries(all)) host.write(at(name), content);
  host.unit(UNIT, {
    DropInPaths: Object.keys(all)
      .sort()
      .map((name) => host.at(at(name)))
      .join(" "),
  });
  const ours = host.at(at("zz-goblin-exec.conf"));
  const want: Sections = { files: { [ours]: { mode: "0644", content: OURS } }, units: { [UNIT]: {} } };
  return host.run({}, want, text);
}
const PREFLIGHT = `preflight_drop_ins; printf '%s\\n' "\${PROBLEMS[@]}"`;

const AFTER = {
  "zzz.conf":
    "[Service]\nEnvironment=\nEnvironment=A=2\nReadWritePaths=/x\nRestart=no\n  NoNewPrivileges = no\nSystemCallFilter=@debug\n# Slice=x\nSlice=y",
};

it("one that comes after ours and sets the same is refused, and drift", () => {
  onSystemdHost((host) => {
    const what = "Environment NoNewPrivileges SystemCallFilter";
    expect(says(host, AFTER, PREFLIGHT)).toEqual([
      `${UNIT}: /${at("zzz.conf")} sets ${what}, and systemd reads it after zz-goblin-exec.conf, which would set the same for nothing. Take that out there, give the file a name that comes before, or leave those to it (hardening.except of the workload)`,
    ]);
    expect(says(host, AFTER, "drift drop_in")).toEqual([
      `drift ${UNIT}|drop-ins|none after ours|/${at("zzz.conf")}||/${at("zzz.conf")} sets ${what}, and systemd reads it after ours: take that out there, or give the file a name that comes before zz-goblin-exec.conf`,
    ]);
  });
});

it("one that comes before, or sets something else, is neither; nor is ours that somebody has deleted", () => {
  onSystemdHost((host) => {
    const others = {
      "override.conf": "[Service]\nNoNewPrivileges=no\n",
      "zzz.conf":
        "[Service]\nBindReadOnlyPaths=/x\nEnvironment=A=2\nReadWritePaths=/x\nNice=5\nSlice=z\nSupplementaryGroups=ai\n",
    };
    expect(says(host, others, PREFLIGHT)).toEqual([]);
    expect(says(host, others, "drift drop_in")).toEqual([]);
    expect(says(host, others, `rm '${host.at(at("zz-goblin-exec.conf"))}'; drift drop_in`)).toEqual([]);
    rmSync(host.at(at("zzz.conf")));
    expect(says(host, {}, `rm '${host.at(at("override.conf"))}'; drift drop_in`)).toEqual([]);
  });
});

it("what ours replaces of an earlier one of the owner's is told, and not what a former version of ours had", () => {
  onSystemdHost((host) => {
    const before = "[Service]\nEnvironment=B=1\nNoNewPrivileges=no\nMemoryMax=2G\n";
    expect(says(host, { "override.conf": before, "50-goblin.conf": before }, "warn_of_earlier")).toEqual([
      `warning: ${UNIT}: ours replaces what /${at("override.conf")} sets (NoNewPrivileges). To keep that, leave it out of ours (hardening.except of the workload)`,
    ]);
  });
});
