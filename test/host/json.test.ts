import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Json } from "../../components/host-bundle/bundle";
import { failAtEachStep, loadVersion } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

/** The manager's host has jq, which its own bundle installs. */
const hasJq = (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "jq")));

/** Root can fill a filesystem of its own. */
const canMount = process.getuid?.() === 0;

type Declared = Record<string, Json>;

/** One machine with one JSON file and a unit that reads it, which notes what is done to it. */
class Machine {
  constructor(readonly folder: string) {}

  get file(): string {
    return join(this.folder, "etc/app/config.json");
  }

  own(text: string): void {
    mkdirSync(join(this.folder, "etc/app"), { recursive: true });
    writeFileSync(this.file, text);
  }

  get text(): string {
    return readFileSync(this.file, "utf8");
  }

  /** The unit's own view: what it was reloaded and restarted with, in order. */
  private run(script: string, was: Declared | undefined, want: Declared | undefined): string[] {
    const load = (array: string, content: Declared | undefined): string =>
      content === undefined
        ? ""
        : loadVersion(this.folder, array, {
            json: {
              [this.file]: {
                content: JSON.stringify(content),
                reloads: "live",
                setting: "app:config",
                restartWith: '{"live":true}',
              },
            },
            units: { "app.service": { restartOn: this.file } },
          });
    const output = bashWithStore(
      `exec 3>&1 2>&1
      F=${this.file} NAME=app
      # What it says itself is read by who calls it.
      systemctl() {
        case $1 in
          show) echo ActiveState=active ;;
          reload | restart) echo "$1 $(jq -c . "$F" 2>/dev/null || echo none)" >&3 ;;
        esac
      }
      ${load("WAS", was)}
      ${load("WANT", want)}
      plan_restarts
      ${script}`,
      this.folder,
    );
    return output.split("\n").filter((line) => line !== "");
  }

  /** From what was applied to what shall be; the unit's reloads and restarts. */
  converge(was: Declared | undefined, want: Declared | undefined): string[] {
    return this.attempt(was, want).filter((line) => /^(reload|restart|error)/.test(line));
  }

  /** The same with all that was said, and the status; `before` may stand in for commands. */
  attempt(was: Declared | undefined, want: Declared | undefined, before = ""): string[] {
    return this.run(
      `converge_json() {
        change_json
        if [[ -e $PENDING/restart%app.service ]]; then hold_json app.service; systemctl restart; done_pending restart%app.service; fi
        if [[ -e $PENDING/reload%app.service ]]; then reload_unit app.service; fi
        settle_json
      }
      ${before}
      attempt converge_json
      echo "status $STATUS"`,
      was,
      want,
    );
  }

  drift(want: Declared): string[] {
    return this.run(`find_json_drift; printf '%s\\n' "\${FINDINGS[@]}"`, undefined, want).map((line) =>
      line.split("\t").slice(2, 5).join(" | "),
    );
  }

  /** Looks twice, and what the first look saw is remembered between them: which one asked jq, and what the second found. */
  lookTwice(want: Declared, between: string): string[] {
    return this.run(
      `jq() { echo "asked jq" >&3; command jq "$@"; }
      exec() { "$@"; }
      observe_files WANT
      find_json_drift
      remember_merged "$PWD/WANT"
      echo remembered
      ${between}
      observe_files WANT
      FINDINGS=()
      find_json_drift
      echo "\${#FINDINGS[@]} found"`,
      undefined,
      want,
    );
  }

  /** An apply from before its preflight to its verification: when jq was asked. */
  applyAsking(want: Declared, between = ""): string[] {
    return this.run(
      `jq() { echo "asked jq" >&3; command jq "$@"; }
      exec() { "$@"; }
      preflight_json
      echo looked
      change_json
      echo changed
      settle_json
      echo settled
      ${between}
      find_json_drift
      echo "\${#FINDINGS[@]} found"`,
      undefined,
      want,
    ).filter((line) => !line.startsWith(" "));
  }

  problems(want: Declared): string[] {
    return this.run(`preflight_json; printf '%s\\n' "\${PROBLEMS[@]}"`, undefined, want).map((line) =>
      line.replaceAll(this.folder, ""),
    );
  }

  /** What the store still remembers, and copies of edited files. */
  get remembered(): string[] {
    return [
      ...readdirSync(join(this.folder, "state/originals")),
      ...readdirSync(join(this.folder, "state/pending")),
    ];
  }

  get edited(): string[] {
    return readdirSync(join(this.folder, "state/displaced"));
  }

  get data(): string {
    const originals = join(this.folder, "state/originals");
    return join(originals, readdirSync(originals).find((name) => name.endsWith(".data")) ?? "none");
  }
}

const onMachine = (action: (machine: Machine) => void): void => {
  inFolder((folder) => {
    action(new Machine(folder));
  });
};

const OWNERS = `{
    "data-root": "/srv/docker",
    "opts": ["b=2", "native.cgroupdriver=cgroupfs", "a=1"],
    "log": { "labels": "team", "size": "50m" },
    "hosts": ["fd://"]
}
`;
const OURS = { opts: ["native.cgroupdriver=systemd"], live: true, log: { size: "10m", files: "3" } };

/** Before a restart, the unit has loaded what the file holds during it. */
const both = (content: string): string[] => [`reload ${content}`, `restart ${content}`];

describe.runIf(hasJq)("JSON files", () => {
  it("get the declared keys, keep the others, and are as they were after removal, byte for byte", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      const before = statSync(machine.file).mtimeMs;
      const merged = {
        "data-root": "/srv/docker",
        opts: ["b=2", "native.cgroupdriver=systemd", "a=1"],
        log: { labels: "team", size: "10m", files: "3" },
        hosts: ["fd://"],
        live: true,
      };
      expect(machine.converge(undefined, OURS)).toEqual(both(JSON.stringify(merged)));
      expect(machine.text).toBe(`${JSON.stringify(merged, null, 2)}\n`);
      expect(machine.drift(OURS)).toEqual([]);
      expect(machine.converge(OURS, OURS)).toEqual([]);
      // While the unit restarts it holds `live`; the last reload takes it away.
      const held = { ...(JSON.parse(OWNERS) as object), live: true };
      expect(machine.converge(OURS, undefined)).toEqual([
        ...both(JSON.stringify(held)),
        `reload ${JSON.stringify(JSON.parse(OWNERS))}`,
      ]);
      expect(machine.text).toBe(OWNERS);
      expect(statSync(machine.file).mtimeMs).toBe(before);
      expect(machine.remembered).toEqual([]);
      expect(machine.edited).toEqual([]);
    });
  });

  it("that did not exist are made, and go with their folders", () => {
    onMachine((machine) => {
      expect(machine.converge(undefined, OURS)).toEqual(both(JSON.stringify(OURS)));
      expect(statSync(machine.file).mode & 0o777).toBe(0o644);
      expect(machine.converge(OURS, undefined)).toEqual([...both('{"live":true}'), "reload none"]);
      expect(existsSync(join(machine.folder, "etc"))).toBe(false);
      expect(machine.remembered).toEqual([]);
    });
  });

  it("are not rewritten while every declared key has its value, however they look", () => {
    onMachine((machine) => {
      const text = `{"log":{"files":"3","size":"10m"},\n"live":true,"opts":["x=1","native.cgroupdriver=systemd"]}`;
      machine.own(text);
      expect(machine.converge(undefined, OURS)).toEqual([]);
      expect(machine.text).toBe(text);
      expect(machine.converge(OURS, undefined)).toEqual([]);
      expect(machine.text).toBe(text);
    });
  });

  it("keep what their owner changes meanwhile", () => {
    onMachine((machine) => {
      machine.own(`{"log":{"size":"50m"},"mine":1}`);
      machine.converge(undefined, OURS);
      const now = JSON.parse(machine.text) as Record<string, Json>;
      machine.own(
        JSON.stringify({
          ...now,
          mine: 2,
          added: [1],
          opts: ["c=3", ...OURS.opts],
          log: { ...OURS.log, tag: "t" },
        }),
      );
      expect(machine.drift(OURS)).toEqual([]);
      machine.converge(OURS, undefined);
      expect(JSON.parse(machine.text)).toEqual({
        log: { size: "50m", tag: "t" },
        mine: 2,
        opts: ["c=3"],
        added: [1],
      });
      expect(machine.edited).toEqual([]);
    });
  });

  it("show each declared key that has another value, which apply mends with a copy of the edit", () => {
    onMachine((machine) => {
      machine.own("{}");
      machine.converge(undefined, OURS);
      machine.own(`{"live": false, "log": {"size": "99m"}, "opts": ["native.cgroupdriver=cgroupfs"]}`);
      expect(machine.drift(OURS)).toEqual([
        "opts[native.cgroupdriver] | native.cgroupdriver=systemd | native.cgroupdriver=cgroupfs",
        "live | true | false",
        'log.size | "10m" | "99m"',
        'log.files | "3" | absent',
      ]);
      expect(machine.converge(OURS, OURS)).toHaveLength(2);
      expect(machine.drift(OURS)).toEqual([]);
      expect(machine.edited).toHaveLength(1);
      machine.converge(OURS, undefined);
      expect(machine.text).toBe("{}");
    });
  });

  it("are compared by jq once, and again when the file is another", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      machine.converge(undefined, OURS);
      expect(machine.lookTwice(OURS, "")).toEqual(["asked jq", "remembered", "0 found"]);
      const edit = `cp "$F" "$F.before"; echo '{"live": false}' >"$F"`;
      expect(machine.lookTwice(OURS, edit)).toEqual(["remembered", "asked jq", "4 found"]);
      // What it was when it was verified, it is again.
      expect(machine.lookTwice(OURS, 'mv "$F.before" "$F"').at(-1)).toBe("0 found");
    });
  });

  it("that change while they are verified are not remembered", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      machine.converge(undefined, OURS);
      const change = `rm WANT/merged; observe_files WANT; echo >>"$F"; remember_merged "$PWD/WANT"`;
      expect(machine.lookTwice(OURS, change)).toEqual(["asked jq", "remembered", "asked jq", "0 found"]);
    });
  });

  it("are compared by jq once for each question in an apply, and anew where somebody writes between", () => {
    // What there is; the same with what must be held in a restart; what there is then.
    const apply = ["asked jq", "looked", "asked jq", "changed", "asked jq", "settled"];
    onMachine((machine) => {
      machine.own(OWNERS);
      expect(machine.applyAsking(OURS)).toEqual([...apply, "0 found"]);
    });
    onMachine((machine) => {
      machine.own(OWNERS);
      expect(machine.applyAsking(OURS, `printf '{}' >"$F"`)).toEqual([
        ...apply,
        "asked jq",
        expect.stringMatching(/^[1-9]\d* found$/),
      ]);
    });
    onMachine((machine) => {
      machine.own(OWNERS);
      // The very text, and other declarations.
      const other = `printf '{"live":"other"}' >"\${WANT["json|$F|dir"]}/blobs/\${WANT["json|$F|blob"]}"`;
      expect(machine.applyAsking(OURS, other)).toEqual([...apply, "asked jq", "1 found"]);
    });
  });

  it("take over by a reload what needs no restart", () => {
    onMachine((machine) => {
      machine.own("{}");
      machine.converge(undefined, OURS);
      const off = { ...OURS, live: false };
      expect(machine.converge(OURS, off)).toEqual([expect.stringMatching(/^reload .*"live":false/)]);
      expect(machine.converge(off, OURS)).toEqual([expect.stringMatching(/^reload .*"live":true/)]);
    });
  });

  it("give a key back that a new version no longer declares, and remember what a new key was", () => {
    onMachine((machine) => {
      machine.own(`{"a":1,"c":3}`);
      machine.converge(undefined, { a: 10, b: 20 });
      expect(JSON.parse(machine.text)).toEqual({ a: 10, b: 20, c: 3 });
      machine.own(`{"a":10,"b":20,"c":4}`);
      machine.converge({ a: 10, b: 20 }, { b: 20, c: 30 });
      expect(JSON.parse(machine.text)).toEqual({ a: 1, b: 20, c: 30 });
      machine.converge({ b: 20, c: 30 }, undefined);
      expect(JSON.parse(machine.text)).toEqual({ a: 1, c: 4 });
    });
  });

  it.each([
    ["a comment", '{\n  // mine\n  "a": 1\n}\n', /it is no JSON: .* at line 2, column \d+\./],
    ["a truncated file", '{"a": [1,', /it is no JSON: Unfinished/],
    ["another type", "[1]", /it is of type array, not an object\./],
    [
      "a text where an object belongs",
      '{"log": "x"}',
      /log is of type string, and it must be of type object\./,
    ],
    [
      "a text where a list belongs",
      '{"opts": "x"}',
      /opts is of type string, and it must be of type array\./,
    ],
    ["bytes that are no UTF-8 text", '{"n": "\ufffd"}', /bytes in it are no UTF-8 text and would be lost/],
    ["a number beyond what jq keeps", '{"n": 12345678901234567890}', /too large to be kept exactly/],
  ])("refuse %s by name, unchanged", (_, text, message) => {
    onMachine((machine) => {
      machine.own(text);
      const [problem, ...others] = machine.problems(OURS);
      expect(others).toEqual([]);
      expect(problem).toMatch(/^app:config: \/etc\/app\/config\.json cannot be merged with: /);
      expect(problem).toMatch(message);
      expect(machine.text).toBe(text);
    });
  });

  it("are empty objects when they are blank", () => {
    onMachine((machine) => {
      machine.own(" \n");
      machine.converge(undefined, OURS);
      expect(JSON.parse(machine.text)).toEqual({ opts: OURS.opts, live: true, log: OURS.log });
      machine.converge(OURS, undefined);
      expect(machine.text).toBe(" \n");
    });
  });

  it("that nobody can read any more are kept aside at removal, and the original is put back", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      machine.converge(undefined, OURS);
      machine.own("{ broken");
      machine.converge(OURS, undefined);
      expect(machine.text).toBe(OWNERS);
      const [copy = ""] = machine.edited;
      expect(readFileSync(join(machine.folder, "state/displaced", copy), "utf8")).toBe("{ broken");
      expect(machine.remembered).toEqual([]);
    });
  });

  it.each([
    ["a command fails", false],
    ["a copy comes out short", true],
  ])(
    "lose nothing at whatever step %s, and the next run ends what it began",
    (_, lies) => {
      onMachine((machine) => {
        machine.own(OWNERS);
        const check = (was: Declared | undefined, want: Declared | undefined, prepare: () => void): void => {
          const steps = failAtEachStep(machine.folder, lies, prepare, ({ name, before }) => {
            let said = machine.attempt(was, want, before);
            let told = `${name}\n${said.join("\n")}`;
            if (said.at(-1) !== "status 0") expect(said.at(-2), told).toMatch(/^error: bundle app: /);
            // It is never anything but a whole file, and the original is kept while it is another.
            expect(JSON.parse(machine.text), told).toMatchObject({ "data-root": "/srv/docker" });
            if (machine.text !== OWNERS) expect(readFileSync(machine.data, "utf8"), told).toBe(OWNERS);
            said = machine.attempt(OURS, undefined);
            told += `\nthen: ${said.join("\n")}`;
            expect(said.at(-1), told).toBe("status 0");
            expect(machine.text).toBe(OWNERS);
            expect(readdirSync(join(machine.folder, "etc/app"))).toEqual(["config.json"]);
            expect(machine.remembered).toEqual([]);
          });
          expect(steps).toBeGreaterThan(5);
        };
        check(undefined, OURS, () => undefined);
        check(OURS, undefined, () => machine.attempt(undefined, OURS));
      });
    },
    60_000,
  );

  it.runIf(canMount)("are what they were where the disk is full", () => {
    onMachine((machine) => {
      const folder = join(machine.folder, "etc/app");
      mkdirSync(folder, { recursive: true });
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
      try {
        const text = `{"big": "${"x".repeat(40_000)}"}\n`;
        writeFileSync(machine.file, text);
        const said = machine.attempt(undefined, OURS);
        expect(said.at(-2)).toMatch(/^error: bundle app: .*config\.json cannot be written; it is as it was$/);
        expect(said.join("\n")).not.toContain("wrote");
        expect(machine.text).toBe(text);
        expect(readdirSync(folder)).toEqual(["config.json"]);
        execFileSync("mount", ["-o", "remount,size=1m", folder]);
        expect(machine.attempt(OURS, undefined).at(-1)).toBe("status 0");
        expect(machine.text).toBe(text);
      } finally {
        execFileSync("umount", [folder]);
      }
    });
  });

  it("are not put back from data that is not what was kept, which stays with its record", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      machine.converge(undefined, OURS);
      const ours = machine.text;
      writeFileSync(machine.data, "torn");
      const said = machine.attempt(OURS, undefined);
      expect(said.slice(-2)).toEqual([
        expect.stringMatching(/^error: bundle app: what was kept of .*config\.json, .* is damaged: /),
        "status 1",
      ]);
      expect(machine.text).toBe(ours);
      expect(readFileSync(machine.data, "utf8")).toBe("torn");
    });
  });

  it("are left alone, and the original kept, where jq itself fails", () => {
    onMachine((machine) => {
      machine.own(OWNERS);
      machine.converge(undefined, OURS);
      const ours = machine.text;
      const said = machine.attempt(
        OURS,
        undefined,
        `exec() { "$@"; }; jq() { echo 'jq: no more memory' >&2; return 5; }`,
      );
      expect(said.slice(-2)).toEqual([
        expect.stringMatching(/^error: bundle app: .*: jq cannot compare it: jq: no more memory$/),
        "status 1",
      ]);
      expect(machine.text).toBe(ours);
      expect(machine.edited).toEqual([]);
      expect(machine.converge(OURS, undefined)).toHaveLength(3);
      expect(machine.text).toBe(OWNERS);
    });
  });
});
