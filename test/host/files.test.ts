import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failAtEachStep, loadVersion, type Sections } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

/** Root can fill a filesystem of its own. */
const canMount = process.getuid?.() === 0;

/** One machine whose owner has a unit's file where one of ours belongs, and no other. */
class Machine {
  constructor(readonly folder: string) {
    mkdirSync(join(folder, "units"));
    writeFileSync(this.owned, "the owner wrote this\n");
    chmodSync(this.owned, 0o640);
  }

  get owned(): string {
    return join(this.folder, "units/a.service");
  }

  get made(): string {
    return join(this.folder, "new/folder/b.conf");
  }

  /** A version of the bundle that has both files. */
  version(text: string): Sections {
    const file = { mode: "0600", content: text };
    return { files: { [this.owned]: file, [this.made]: file } };
  }

  /** From what may be there to what shall be; what it said, with its status at the end. */
  converge(was: Sections, want: Sections, before = ""): string[] {
    return bashWithStore(
      `exec 2>&1
      NAME=app RESTART_ON=()
      ${loadVersion(this.folder, "WAS", was)} ${loadVersion(this.folder, "WANT", want)}
      for side in WAS WANT; do
        entries "$side" files
        for path in "\${ENTRIES[@]}"; do EVERYTHING[files]+=$path$'\\n'; done
      done
      observe_files EVERYTHING
      ${before}
      attempt change_files
      echo "status $STATUS"`,
      this.folder,
      {
        UNIT_FOLDER: `${this.folder}/units`,
        SELF: `${this.folder}/self`,
        INIT_MAPS: `${this.folder}/maps`,
      },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(this.folder, ""));
  }

  list(folder: string): string[] {
    const at = join(this.folder, folder);
    return existsSync(at) ? readdirSync(at).sort() : [];
  }

  /** Every text that is kept of what somebody wrote, and what stands where the owner's file was. */
  get texts(): string[] {
    const kept = ["state/originals", "state/displaced", "units"].flatMap((folder) =>
      this.list(folder).map((name) => join(folder, name)),
    );
    return kept
      .map((name) => join(this.folder, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => readFileSync(path, "utf8"));
  }

  /** The store holds nothing of the bundle any more, and the machine is the owner's. */
  expectAsBefore(): void {
    expect(readFileSync(this.owned, "utf8")).toBe("the owner wrote this\n");
    expect(statSync(this.owned).mode & 0o777).toBe(0o640);
    expect(this.list("units")).toEqual(["a.service"]);
    expect(existsSync(join(this.folder, "new"))).toBe(false);
    expect(this.list("state/originals")).toEqual([]);
  }

  get data(): string {
    const name = this.list("state/originals").find((entry) => entry.endsWith(".data"));
    return join(this.folder, "state/originals", name ?? "none");
  }
}

const onMachine = (action: (machine: Machine) => void): void => {
  inFolder((folder) => {
    action(new Machine(folder));
  });
};

describe("files", () => {
  it.runIf(canMount)(
    "have the owner declared, before they are in their place, and are root's again without one",
    () => {
      onMachine((machine) => {
        const path = machine.made;
        const version = (owner?: string): Sections => ({
          files: {
            [path]: { mode: "0400", content: "a secret\n", ...(owner === undefined ? {} : { owner }) },
          },
        });
        const found = () => {
          const { mode, uid, gid } = statSync(path);
          return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
        };
        const owned = version("65532:65532");
        expect(machine.converge({}, owned)).toEqual(["  wrote /new/folder/b.conf", "status 0"]);
        expect(found()).toBe("400 65532:65532");
        expect(machine.converge(owned, owned)).toEqual(["status 0"]);
        // Somebody gave it away.
        chownSync(path, 1, 1);
        expect(machine.converge(owned, owned)).toEqual(["  wrote /new/folder/b.conf", "status 0"]);
        expect(found()).toBe("400 65532:65532");
        expect(machine.converge(owned, version())).toEqual(["  wrote /new/folder/b.conf", "status 0"]);
        expect(found()).toBe("400 0:0");
      });
    },
  );

  it("take the place of the owner's, with a copy beside a unit's, and give it back with its mode", () => {
    onMachine((machine) => {
      const version = machine.version("ours\n");
      expect(machine.converge({}, version)).toEqual([
        expect.stringMatching(
          /^ {2}backed up \/units\/a\.service as \/units\/a\.service\.backup\.\d{8}T\d{6}$/,
        ),
        "  wrote /units/a.service",
        "  wrote /new/folder/b.conf",
        "status 0",
      ]);
      expect(statSync(machine.owned).mode & 0o777).toBe(0o600);
      expect(machine.list("units")).toHaveLength(2);
      expect(machine.converge(version, version)).toEqual(["status 0"]);
      expect(machine.converge(version, {})).toEqual([
        "  put back /units/a.service",
        "  removed /new/folder/b.conf",
        "status 0",
      ]);
      machine.expectAsBefore();
      expect(machine.list("state/displaced")).toEqual([]);
    });
  });

  it("that somebody edited are kept aside before ours is written, and before the original comes back", () => {
    onMachine((machine) => {
      const version = machine.version("ours\n");
      machine.converge({}, version);
      writeFileSync(machine.owned, "edited once\n");
      writeFileSync(machine.made, "edited, too\n");
      const said = machine.converge(version, version);
      expect(said.filter((line) => line.startsWith("  kept what stood at "))).toHaveLength(2);
      writeFileSync(machine.owned, "edited twice\n");
      machine.converge(version, {});
      machine.expectAsBefore();
      expect(machine.texts).toEqual(
        expect.arrayContaining(["edited once\n", "edited, too\n", "edited twice\n"]),
      );
    });
  });

  it("with tokens are what they come to on this host: another systemd writes another, which nobody has edited", () => {
    onMachine((machine) => {
      const content = "ProtectControlGroups=@{own-cgroup:/a.service}\n";
      const version = { files: { [machine.made]: { mode: "0600", content, expand: "true" } } };
      const systemd = (number: number) => `systemctl() { echo 'systemd ${number} (x)'; }\n`;
      expect(machine.converge({}, version, systemd(252))).toEqual(["  wrote /new/folder/b.conf", "status 0"]);
      const bound = readFileSync(machine.made, "utf8");
      expect(bound).toMatch(/^ProtectControlGroups=yes\nBindReadOnlyPaths=.*\nMemoryPressureWatch=no\n$/);
      expect(machine.converge(version, version, systemd(252))).toEqual(["status 0"]);
      // As it was staged there, before the host's upgrade.
      const was = `${machine.folder}/WAS`;
      const staged = `${systemd(252)} add_sums '${was}'; WAS=(); load_index WAS '${was}'; SYSTEMD_VERSION=\n`;
      expect(machine.converge(version, version, staged + systemd(257))).toEqual([
        "  wrote /new/folder/b.conf",
        "status 0",
      ]);
      expect(readFileSync(machine.made, "utf8")).toBe("ProtectControlGroups=strict\n");
      expect(machine.list("state/displaced")).toEqual([]);
    });
  });

  it.each([
    ["a command fails", false],
    ["a copy comes out short", true],
  ])(
    "lose nothing at whatever step %s, and the next run ends what it began",
    { timeout: 120_000 },
    (_, lies) => {
      onMachine((machine) => {
        const version = machine.version("ours\n");
        const owners = "the owner wrote this\n";
        const check = (was: Sections, want: Sections, prepare: () => void): void => {
          const steps = failAtEachStep(machine.folder, lies, prepare, ({ name, before }) => {
            const said = machine.converge(was, want, before);
            const told = `${name}\n${said.join("\n")}`;
            if (said.at(-1) !== "status 0") expect(said.at(-2), told).toMatch(/^error: bundle app: /);
            expect(machine.texts, told).toContain(owners);
            // What it says is so.
            const stands = readFileSync(machine.owned, "utf8");
            if (said.includes("  wrote /units/a.service")) expect(stands, told).toBe("ours\n");
            if (said.includes("  put back /units/a.service")) expect(stands, told).toBe(owners);
            // The next run knows of both versions.
            expect(machine.converge(version, {}).at(-1), told).toBe("status 0");
            machine.expectAsBefore();
          });
          expect(steps).toBeGreaterThan(5);
        };
        check({}, version, () => undefined);
        check(version, {}, () => machine.converge({}, version));
      });
    },
  );

  it("are not put back from data that is not what was kept, which stays with its record", () => {
    onMachine((machine) => {
      const version = machine.version("ours\n");
      machine.converge({}, version);
      const { data } = machine;
      writeFileSync(data, "the disk wrote this\n");
      const problems = bashWithStore(
        `${loadVersion(machine.folder, "WAS", version)} preflight_originals; printf '%s\\n' "\${PROBLEMS[@]}"`,
        machine.folder,
      );
      expect(problems).toContain("is damaged: its checksum is not the recorded one. It is not put back.");
      const said = machine.converge(version, {});
      expect(said).toContain("  removed /new/folder/b.conf");
      expect(said.at(-2)).toMatch(/^error: bundle app: what was kept of \/units\/a\.service, .* is damaged/);
      expect(said.at(-1)).toBe("status 1");
      expect(readFileSync(machine.owned, "utf8")).toBe("ours\n");
      expect(readFileSync(data, "utf8")).toBe("the disk wrote this\n");
      // A good copy of the owner's own is one way out.
      writeFileSync(data, "the owner wrote this\n");
      expect(machine.converge(version, {}).at(-1)).toBe("status 0");
      machine.expectAsBefore();
    });
  });

  it("of two in one second each have a copy of their own", () => {
    inFolder((folder) => {
      const path = join(folder, "a.service");
      bashWithStore(
        `for text in one two three; do
          echo $text >${path}
          original files ${path}
          back_up_unit_file ${path}
        done`,
        folder,
      );
      const copies = readdirSync(folder).filter((name) => name.startsWith("a.service.backup."));
      const texts = copies.map((name) => readFileSync(join(folder, name), "utf8"));
      expect(texts.sort()).toEqual(["one\n", "three\n", "two\n"]);
    });
  });

  it("are known by names with a blank and a backslash, too, which sha256sum and fstab write otherwise", () => {
    inFolder((folder) => {
      mkdirSync(join(folder, "units"));
      const names = ["srv-my\\x2dswap.swap", "a b+c@d.conf"];
      const paths = names.map((name) => join(folder, "units", name));
      for (const path of paths) writeFileSync(path, "the owner wrote this\n");
      const version = (content: string): Sections => ({
        files: Object.fromEntries(paths.map((path) => [path, { mode: "0644", content }])),
      });
      const run = (was: Sections, want: Sections): string[] =>
        bashWithStore(
          `exec 2>&1
          NAME=app RESTART_ON=()
          ${loadVersion(folder, "WAS", was)} ${loadVersion(folder, "WANT", want)}
          EVERYTHING[files]='${paths.map((path) => `${path}\n`).join("")}'
          observe_files EVERYTHING
          attempt change_files
          observe_files EVERYTHING
          FINDINGS=(); find_file_drift; echo "status $STATUS, differing \${#FINDINGS[@]}"`,
          folder,
          { UNIT_FOLDER: `${folder}/units` },
        )
          .split("\n")
          .filter((line) => !line.includes("backed up"))
          .map((line) => line.replaceAll(`${folder}/units/`, ""));
      const done = "status 0, differing 0";
      expect(run({}, version("ours\n"))).toEqual([...names.map((name) => `  wrote ${name}`), done, ""]);
      expect(run(version("ours\n"), version("ours\n"))).toEqual([done, ""]);
      // Nobody has edited what we wrote.
      expect(run(version("ours\n"), {})).toEqual([...names.map((name) => `  put back ${name}`), done, ""]);
      expect(readdirSync(join(folder, "units")).sort()).toEqual([...names].sort());
      expect(readdirSync(join(folder, "state/displaced"))).toEqual([]);
      for (const path of paths) expect(readFileSync(path, "utf8")).toBe("the owner wrote this\n");
    });
  });

  it("whose copy somebody edited leave it", () => {
    onMachine((machine) => {
      const version = machine.version("ours\n");
      machine.converge({}, version);
      const [copy = ""] = machine.list("units").filter((name) => name.includes(".backup."));
      writeFileSync(join(machine.folder, "units", copy), "notes\n");
      expect(machine.converge(version, {})).toContain(`  kept /units/${copy}: it is not what was backed up`);
      expect(machine.list("units")).toEqual(["a.service", copy]);
    });
  });

  it.runIf(canMount)("are what they were where the disk of the store is full", () => {
    onMachine((machine) => {
      const state = join(machine.folder, "state");
      mkdirSync(state);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", state]);
      try {
        writeFileSync(machine.owned, "0123456789abcdef".repeat(8192));
        const said = machine.converge({}, machine.version("ours\n"));
        expect(said.at(-2)).toMatch(
          /^error: bundle app: \/units\/a\.service cannot be kept in \/state; it was not changed/,
        );
        expect(said.join("\n")).not.toContain("wrote");
        expect(readFileSync(machine.owned, "utf8")).toHaveLength(131072);
      } finally {
        execFileSync("umount", [state]);
      }
    });
  });

  it.runIf(canMount)("are what they were where their own disk is full, edited or not", () => {
    onMachine((machine) => {
      const version = machine.version("ours\n");
      machine.converge({}, version);
      rmSync(join(machine.folder, "new"), { recursive: true });
      mkdirSync(join(machine.folder, "new"));
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", join(machine.folder, "new")]);
      try {
        mkdirSync(join(machine.folder, "new/folder"));
        writeFileSync(machine.made, "edited\n");
        const large = machine.version(`${"x".repeat(100_000)}\n`);
        const said = machine.converge(version, large);
        expect(said.at(-2)).toMatch(
          /^error: bundle app: \/new\/folder\/b\.conf cannot be written; it is as it was$/,
        );
        expect(readFileSync(machine.made, "utf8")).toBe("edited\n");
        expect(readFileSync(machine.owned, "utf8")).toBe("ours\n");
        expect(machine.list("new/folder")).toEqual(["b.conf"]);
        expect(machine.list("state/displaced")).toEqual([]);
      } finally {
        execFileSync("umount", [join(machine.folder, "new")]);
      }
    });
  });
});

describe("a copy under the specification's name", () => {
  it("is made once, and goes with the bundle unless somebody wrote into it", () => {
    inFolder((folder) => {
      const [path, copy] = [join(folder, "zramswap"), join(folder, "zramswap.backup")];
      writeFileSync(path, "ALGO=lz4\n");
      const bundle = { backups: { [path]: { "": copy } } };
      const run = (array: string): string =>
        bashWithStore(`NAME=zram; ${loadVersion(folder, array, bundle)} copy_backups`, folder);
      expect(run("WANT")).toBe(`  backed up ${path} as ${copy}\n`);
      writeFileSync(path, "ALGO=zstd\n");
      expect(run("WANT")).toBe("");
      expect(readFileSync(copy, "utf8")).toBe("ALGO=lz4\n");
      run("WAS");
      expect(existsSync(copy)).toBe(false);
      run("WANT");
      writeFileSync(copy, "notes\n");
      expect(run("WAS")).toBe(`  kept ${copy}: it is not what was backed up\n`);
      expect(readFileSync(copy, "utf8")).toBe("notes\n");
    });
  });
});
