import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Debian } from "./debian";
import type { Sections } from "./loaded";
import { inFolder } from "./manager";

/** An engine whose client, `a-client`, is a package of its own in some releases. */
const ENGINE: Sections = {
  packages: {
    engine: { unless: "engine-ce" },
    "engine-cli": { program: "a-client", optional: "true" },
  },
};

const onHost = (action: (debian: Debian) => void): void => {
  inFolder((folder) => {
    const debian = new Debian(folder);
    debian.mirror({ engine: "", "engine-ce": "" });
    action(debian);
  });
};
const addProgram = ({ folder }: Debian): void => {
  const path = join(folder, "bin/a-client");
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
};
const DRIFT = `FINDINGS=(); find_package_drift; printf '%s\\n' "\${FINDINGS[@]}"`;

it("a package for a program comes where this release has it, and goes again", () => {
  onHost((debian) => {
    debian.mirror({ "engine-cli": "" });
    expect(debian.change({}, ENGINE)).toEqual(["  installing engine", "  installing engine-cli", "status 0"]);
    expect(debian.installed).toEqual(["engine", "engine-cli"]);
    expect(debian.change(ENGINE, ENGINE)).toEqual(["status 0"]);
    expect(debian.change(ENGINE, {})).toEqual(["  purged engine engine-cli", "status 0"]);
    expect([debian.installed, debian.remembered]).toEqual([[], []]);
  });
});

it("is left out where another brings the program, or the host has it already", () => {
  onHost((debian) => {
    addProgram(debian);
    debian.mirror({ "engine-cli": "" });
    expect(debian.change({}, ENGINE)).toEqual(["  installing engine", "status 0"]);
    expect(debian.change(ENGINE, {})).toEqual(["  purged engine", "status 0"]);
    expect(debian.remembered).toEqual([]);
  });
});

it("that no list has is not asked for, and fails only where the program is missing after all", () => {
  onHost((debian) => {
    debian.set("heard", "engine-cli");
    expect(debian.change({}, ENGINE)).toEqual([
      "  installing engine",
      "error: bundle app: package engine-cli is not installed, and nothing else brought its program a-client",
      "status 1",
    ]);
    expect(debian.calls).toEqual(Array(2).fill("apt-get install --no-install-recommends engine"));
    addProgram(debian);
    expect(debian.change({}, ENGINE)).toEqual(["status 0"]);
  });
});

it("is drift where the program is missing", () => {
  onHost((debian) => {
    debian.mirror({ "engine-cli": "" });
    debian.change({}, ENGINE);
    debian.unset("state", "engine-cli");
    const drift = (): string[] => debian.look(ENGINE, DRIFT);
    expect(drift()).toEqual(["app\tengine-cli\tpackage\tinstalled\tabsent\t\tpackage not installed"]);
    addProgram(debian);
    expect(drift()).toEqual([]);
  });
});

it("that nobody can be asked about ends the run", () => {
  onHost((debian) => {
    writeFileSync(join(debian.folder, "bin/apt-cache"), "#!/bin/sh\nexit 100\n");
    expect(debian.change({}, ENGINE)).toEqual([
      "error: bundle app: apt-cache does not say whether there is engine-cli",
      "status 1",
    ]);
  });
});
