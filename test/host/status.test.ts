import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bash, bashWithStore, inFolder } from "./manager";

/** The unit's state as `verify` and `status` find it when systemd says one after the other, and how often they asked. */
function found(states: readonly string[], wanted: string): { state: string; asked: number } {
  return inFolder((folder) => {
    const script = `
      states=(${states.join(" ")})
      systemctl() {
        local -i asked=0
        [[ ! -e asked ]] || asked=$(<asked)
        echo $((asked + 1)) >asked
        echo "ActiveState=\${states[asked < \${#states[@]} ? asked : -1]}"
      }
      sleep() { :; }
      EVERYTHING=(${wanted})
      observe_units EVERYTHING
      await_units EVERYTHING
      seen a.service ActiveState
      echo "$REPLY $(<asked)"`;
    const [state = "", asked] = bash(script, folder).trim().split(" ");
    return { state, asked: Number(asked) };
  });
}

const SERVICE = "[units]=$'a.service\\n' ['units|a.service|active']=true";
const CONTAINER = "[ready]=$'a.service\\n' ['ready|a.service|start']=true";

describe("a unit that must be active", () => {
  it("is asked about once when it is, or is not and will not be", () => {
    for (const state of ["active", "failed", "inactive"])
      expect(found([state], SERVICE)).toEqual({ state, asked: 1 });
  });

  it("is waited for while systemd starts it or restarts it", () => {
    for (const wanted of [SERVICE, CONTAINER])
      expect(found(["deactivating", "activating", "activating", "active"], wanted)).toEqual({
        state: "active",
        asked: 5,
      });
    expect(found(["activating", "failed"], CONTAINER)).toEqual({ state: "failed", asked: 3 });
  });

  it("is told as it is when it starts for ever, also when it is active at times", () => {
    expect(found(["activating"], SERVICE)).toEqual({ state: "activating", asked: 21 });
    const loop = Array.from({ length: 20 }, (_, look) => (look % 4 === 2 ? "active" : "activating"));
    expect(found([...loop, "activating"], SERVICE)).toEqual({ state: "activating", asked: 21 });
  });

  it("is not waited for where it may be inactive", () => {
    expect(found(["activating", "active"], "[units]=$'a.service\\n'")).toEqual({
      state: "activating",
      asked: 1,
    });
  });
});

const OWNER = "goblin/prod/vps-swap";

/** A stored bundle that is in force, with what it says of itself. */
function stored(folder: string, name: string, meta: Record<string, string> = {}): void {
  const at = join(folder, "state", "versions", `${name}@3`);
  mkdirSync(at, { recursive: true });
  mkdirSync(join(folder, "state", "bundles"), { recursive: true });
  const values = Object.entries({ bundle: "1", name, manager: "1.0.0", ...meta });
  writeFileSync(
    join(at, "index"),
    `${values.map((fields) => ["meta", fields[0], "", fields[1]].join("\x1f")).join("\n")}\nfiles\x1f/a\x1f\x1f\n`,
  );
  writeFileSync(join(at, "digest"), "d1\n");
  writeFileSync(join(at, "generation"), "3\n");
  symlinkSync(`../versions/${name}@3`, join(folder, "state", "bundles", name));
}

/** The machine differs from each bundle in one way. */
const MACHINE = `
observe() { :; }
await_units() { :; }
find_drift() {
  LIMITS+=("$NAME"$'\ta.service\tMemoryMax\t1 GiB\t1 GiB\tenforced\t')
  finding a.service ExecStart 'x' '' $'y\nz\t"\\\\\\xff' 'runs with other arguments'
}
`;
const LOCKED = `exec 9<>"$LOCK_FILE"; flock 9; echo 'apply swap (pid 1, since 10:00)' >"$LOCK_FILE"`;

interface Status {
  readonly busy: boolean;
  readonly bundles: readonly Record<string, unknown>[];
  readonly interrupted: readonly string[];
}
/** By who needs not be root here. */
const STATUS =
  "become_root() { :; }\ncheck_host() { :; }\nlook_ahead status --json\nanswer_look status --json";
const status = (folder: string, before = ""): Status =>
  JSON.parse(bashWithStore(`${MACHINE}\n${before}\n${STATUS}`, folder)) as Status;

describe("status --json", () => {
  it("tells of each bundle what differs, whose it is, and what became of its last change", () => {
    inFolder((folder) => {
      stored(folder, "swap", { owner: OWNER });
      stored(folder, "zram");
      const before = `echo 2026-11-24 >"$STATE/reverted/zram"; ln -s nothing "$STATE/unconfirmed/zram"
        ln -s ../versions/swap@4 "$STATE/journal/swap@4"`;
      const { busy, bundles, interrupted } = status(folder, before);
      expect(busy).toBe(false);
      expect(bundles).toEqual([
        {
          name: "swap",
          digest: "d1",
          generation: 3,
          owner: OWNER,
          unconfirmed: false,
          findings: [
            {
              unit: "a.service",
              property: "ExecStart",
              declared: "x",
              file: "",
              kernel: 'y z "\\\ufffd',
              reason: "runs with other arguments",
            },
            expect.objectContaining({ unit: "swap", property: "apply", kernel: "interrupted" }),
          ],
          limits: [
            {
              unit: "a.service",
              property: "MemoryMax",
              declared: "1 GiB",
              kernel: "1 GiB",
              verdict: "enforced",
              reason: "",
            },
          ],
        },
        expect.objectContaining({ name: "zram", owner: "", unconfirmed: true, reverted: "2026-11-24" }),
      ]);
      expect(interrupted).toEqual(["swap"]);
    });
  });

  it("is nobody's once it was disowned", () => {
    inFolder((folder) => {
      stored(folder, "swap", { owner: OWNER });
      expect(status(folder, `echo "${OWNER}" >"$STATE/disowned/swap"`).bundles).toMatchObject([
        { owner: "" },
      ]);
    });
  });

  it("is busy while another run holds the lock, and takes nothing of that for drift", () => {
    inFolder((folder) => {
      stored(folder, "swap", { owner: OWNER });
      const locked = `${LOCKED}; ln -s ../versions/swap@4 "$STATE/journal/swap@4"`;
      expect(status(folder, locked)).toMatchObject({
        busy: true,
        bundles: [{ name: "swap", digest: "d1", generation: 3, owner: OWNER, findings: [], limits: [] }],
        interrupted: [],
      });
    });
  });

  it("is busy when a run made the lock during the look, the first of a boot", () => {
    inFolder((folder) => {
      stored(folder, "swap");
      expect(status(folder).busy).toBe(false);
      expect(existsSync(join(folder, "run", "lock"))).toBe(false);
      const begun = status(folder, 'observe() { : >"$LOCK_FILE"; }');
      expect(begun).toMatchObject({ busy: true, bundles: [{ findings: [] }] });
    });
  });

  it("looks beside others that look, and nothing is changed meanwhile", () => {
    inFolder((folder) => {
      stored(folder, "swap");
      const before = `: >"$LOCK_FILE"; exec 7<"$LOCK_FILE"; flock -s 7
        observe() { if flock -n "$LOCK_FILE" true; then echo taken; else echo refused; fi >"$RUN/apply"; }`;
      expect(status(folder, before).busy).toBe(false);
      expect(bash("cat run/apply", folder)).toBe("refused\n");
    });
  });
});

describe("verify", () => {
  const verify = (folder: string, before: string, args = "") =>
    bashWithStore(`exec 2>&1\n${MACHINE}\n${before}\nverify ${args}\necho "status $STATUS"`, folder).split(
      "\n",
    );

  it("warns of the run that is changing the host, by its name", () => {
    inFolder((folder) => {
      stored(folder, "swap");
      const found = 'swap: a.service ExecStart: declared x, kernel y z "\\\ufffd (runs with other arguments)';
      expect(verify(folder, "")[0]).toBe(found);
      expect(verify(folder, "find_drift() { :; }")).toEqual([
        "1 bundles, 0 limits: all holds",
        "status 0",
        "",
      ]);
      const busy = verify(folder, `${LOCKED}; ln -s ../versions/swap@4 "$STATE/journal/swap@4"`);
      expect(busy.slice(0, 2)).toEqual([
        "warning: apply swap (pid 1, since 10:00) is changing this host: what differs now may be its work",
        found,
      ]);
      expect(busy.join("\n")).not.toContain("interrupted");
      expect(busy.at(-2)).toBe("status 3");
    });
  });

  it("leaves alone what a newer manager has stored, and says so", () => {
    inFolder((folder) => {
      stored(folder, "swap", { manager: "9.10.0" });
      stored(folder, "zram", { manager: "9.9.9" });
      const said = verify(folder, 'find_drift() { echo "looked at $NAME"; }');
      expect(said.filter((line) => line.startsWith("looked at"))).toEqual([]);
      expect(said.slice(0, 2)).toEqual([
        expect.stringMatching(
          /^swap: manager version: declared 9\.10\.0, kernel \d+\.\d+\.\d+ \(a newer manager stored this/,
        ),
        expect.stringMatching(/^zram: manager version: declared 9\.9\.9/),
      ]);
    });
  });

  it("knows which of two versions is later", () => {
    const later = (one: string, two: string) =>
      bash(`version_above ${one} ${two}; echo "\${ANSWER:-no}"`).trim() === "yes";
    expect(later("1.10.0", "1.9.9")).toBe(true);
    expect(later("2", "1.9.9")).toBe(true);
    expect(later("1.0.0", "1.0.0")).toBe(false);
    expect(later("1.0.9", "1.1.0")).toBe(false);
    expect(later("0", "1.0.0")).toBe(false);
    expect(later("x", "1.0.0")).toBe(true);
  });

  it("refuses the name of a bundle that is not there", () => {
    inFolder((folder) => {
      stored(folder, "swap");
      expect(bashWithStore("exec 2>&1; attempt verify zram; echo $STATUS", folder)).toBe(
        'error: no bundle "zram" is stored on this host (stored: swap)\n2\n',
      );
    });
  });
});
