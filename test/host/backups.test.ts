import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failAtEachStep } from "./loaded";
import { bash, bashWithStore, inFolder } from "./manager";

const DAY = 86_400;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const now = Math.floor(Date.now() / 1000);

/** Forty days ago, as the names of what is kept begin. */
const longAgo = stampOf(now - 40 * DAY);

function stampOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10).replaceAll("-", "");
}

interface Times {
  readonly applied: number;
  readonly superseded?: number;
  /** The bundle's text. Default: one of its own. */
  readonly text?: string;
  /** Which applied it. */
  readonly manager?: string;
}

/** A version of a bundle in the folder's store. */
function version(
  folder: string,
  name: string,
  { applied, superseded, text = `the bundle of ${name}\n`, manager = "1.0.0" }: Times,
): void {
  const at = join(folder, "state", "versions", name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "index"), `meta\x1fbundle\x1f\x1f1\nmeta\x1fmanager\x1f\x1f${manager}\n`);
  writeFileSync(join(at, "bundle.yaml"), text);
  writeFileSync(join(at, "digest"), `${sha256(text)}\n`);
  writeFileSync(join(at, "applied"), `${applied}\n`);
  if (superseded !== undefined) writeFileSync(join(at, "superseded"), `${superseded}\n`);
}

function inForce(folder: string, version: string): void {
  mkdirSync(join(folder, "state", "bundles"), { recursive: true });
  symlinkSync(`../versions/${version}`, join(folder, "state", "bundles", version.replace(/@.*/, "")));
}

/** What the manager prints, a line each. */
const lines = (text: string, folder: string): string[] =>
  bashWithStore(text, folder)
    .split("\n")
    .filter((line) => line !== "");

/** The engine and systemd stand still; they say what they were asked for. */
const STUBS = `
SPOOL=$PWD/spool
apply_bundle() { echo "applied $1: $(cat "$2"), stored=$STORED"; }
systemctl() { echo "systemctl $*"; }
`;

/** What a command of the manager's says and how it ends. */
const ended = (command: string): string => `exec 2>&1\nattempt ${command}\necho "status $STATUS"`;

describe("the past of a bundle", () => {
  it("is its last ten versions, for 90 days", () => {
    inFolder((folder) => {
      for (let index = 1; index <= 14; index++)
        version(folder, `swap@${index}`, { applied: now - 100, superseded: now - 50 });
      version(folder, "zram@1", { applied: now - 200 * DAY, superseded: now - 91 * DAY });
      version(folder, "zram@2", { applied: now - 91 * DAY, superseded: now - 89 * DAY });
      version(folder, "zram@3", { applied: now - 89 * DAY });
      // One that was rolled back was never in force.
      mkdirSync(join(folder, "state", "versions", "zram@4"));
      inForce(folder, "zram@3");
      bashWithStore("drop_garbage", folder);
      const kept = readdirSync(join(folder, "state", "versions")).sort();
      expect(kept).toEqual(
        [...Array.from({ length: 10 }, (_, index) => `swap@${index + 5}`), "zram@2", "zram@3"].sort(),
      );
    });
  });

  it("holds each text once: a repair is another version of the same", () => {
    inFolder((folder) => {
      for (let index = 1; index <= 40; index++)
        version(folder, `swap@${index}`, {
          applied: now - 100,
          superseded: now - 50,
          text: `text ${Math.floor(index / 4)}\n`,
        });
      version(folder, "swap@41", { applied: now - 50, text: "text 10\n" });
      inForce(folder, "swap@41");
      bashWithStore("drop_garbage", folder);
      const kept = readdirSync(join(folder, "state", "versions")).sort();
      expect(kept).toEqual(
        [...Array.from({ length: 10 }, (_, index) => `swap@${index * 4 + 3}`), "swap@41"].sort(),
      );
    });
  });

  it("does not end with a time that a power cut has left empty", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 9, superseded: now - 5 });
      version(folder, "swap@2", { applied: now - 5 });
      inForce(folder, "swap@2");
      writeFileSync(join(folder, "state", "versions", "swap@1", "superseded"), "");
      bashWithStore("drop_garbage", folder);
      expect(readdirSync(join(folder, "state", "versions")).sort()).toEqual(["swap@1", "swap@2"]);
    });
  });

  it("has nothing of what a killed run was writing into the store", () => {
    inFolder((folder) => {
      const left = bashWithStore(
        `last=(order deployment originals/files%a pending/swapon%b displaced/c)
        mkdir -p "$STATE/displaced"
        for name in "\${last[@]}"; do beside "$STATE/$name"; echo half >"$REPLY"; echo whole >"$STATE/$name"; done
        mkdir -p "$STATE/versions/.swap@1"
        drop_garbage
        cd "$STATE"; find . -type f | sort`,
        folder,
      );
      expect(left.split("\n").filter((line) => line !== "")).toEqual([
        "./deployment",
        "./displaced/c",
        "./order",
        "./originals/files%a",
        "./pending/swapon%b",
      ]);
    });
  });

  it("goes with the bundle", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 9, superseded: now - 5 });
      version(folder, "zram@1", { applied: now - 9, superseded: now - 5 });
      bashWithStore("forget_versions swap; drop_garbage", folder);
      expect(readdirSync(join(folder, "state", "versions"))).toEqual(["zram@1"]);
    });
  });

  it("remembers when each version came into force and ended", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 9 });
      inForce(folder, "swap@1");
      mkdirSync(join(folder, "state", "versions", "swap@2"));
      bashWithStore(`remember_version swap "$STATE/versions/swap@2"`, folder);
      const told = (file: string): number =>
        Number(readFileSync(join(folder, "state", "versions", file), "utf8"));
      expect(told("swap@2/applied")).toBeGreaterThanOrEqual(now);
      expect(told("swap@1/superseded")).toBe(told("swap@2/applied"));
    });
  });

  it("goes on with a repair, and is on the disk before the commit", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 900, text: "same\n" });
      inForce(folder, "swap@1");
      version(folder, "swap@2", { applied: 0, text: "same\n" });
      const synced = bashWithStore(
        `sync() { printf '%s\\n' "$@"; }
        remember_version swap "$STATE/versions/swap@2"; make_durable`,
        folder,
      );
      expect(readFileSync(join(folder, "state", "versions", "swap@2", "applied"), "utf8")).toBe(
        `${now - 900}\n`,
      );
      expect(synced).toContain(join(folder, "state/versions/swap@1/superseded\n"));
      expect(synced).toContain(join(folder, "state/versions/swap@2/applied\n"));
    });
  });

  it("comes back by its time, by default the last that is another", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 300, superseded: now - 200 });
      version(folder, "swap@2", { applied: now - 200, superseded: now - 100 });
      version(folder, "swap@10", { applied: now - 100 });
      inForce(folder, "swap@10");
      const restored = (at: string) => lines(`${STUBS}\n${ended(`restore swap ${at}`)}`, folder);
      expect(restored("")[0]).toMatch(/^swap: going back to swap@2, of \S+ \S+$/);
      expect(restored("")[1]).toBe("applied swap: the bundle of swap@2, stored=1");
      expect(restored(String(now - 200))[1]).toBe("applied swap: the bundle of swap@2, stored=1");
      expect(restored(String(now - 250))[1]).toBe("applied swap: the bundle of swap@1, stored=1");
      expect(restored("")[2]).toMatch(/^warning: Pulumi declares another version of swap/);
      expect(restored(String(now))).toEqual(["swap: that version is in force", "status 0"]);
      expect(restored(String(now - 400))).toEqual([
        expect.stringMatching(
          /^error: no version of swap of .* or before is kept \(the last 10 that differ, for 90 days\)/,
        ),
        "status 2",
      ]);
      writeFileSync(join(folder, "state", "versions", "swap@2", "bundle.yaml"), "torn");
      expect(restored("")).toEqual([
        expect.stringMatching(/^error: .*swap@2\/bundle\.yaml is not what was kept: its checksum differs/),
        "status 1",
      ]);
    });
  });

  it("is not where a repair has come from", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 300, superseded: now - 200 });
      version(folder, "swap@2", { applied: now - 200, superseded: now - 100, text: "wanted\n" });
      version(folder, "swap@3", { applied: now - 200, text: "wanted\n" });
      inForce(folder, "swap@3");
      const restored = (at: string) => lines(`${STUBS}\n${ended(`restore swap ${at}`)}`, folder);
      expect(restored("")[1]).toBe("applied swap: the bundle of swap@1, stored=1");
      expect(restored(String(now - 150))).toEqual(["swap: that version is in force", "status 0"]);
      bashWithStore('rm -r "$STATE/versions/swap@1"', folder);
      expect(restored("")).toEqual([
        expect.stringMatching(/^error: no version of swap but the one in force is kept/),
        "status 2",
      ]);
    });
  });

  it("says nothing of a way back that failed, and is remembered after one that did not", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 300, superseded: now - 200 });
      version(folder, "swap@2", { applied: now - 200 });
      inForce(folder, "swap@2");
      const events = () => bashWithStore('[[ ! -e $EVENTS ]] || cat "$EVENTS"', folder);
      const failed = `${STUBS}\napply_bundle() { exit 2; }\n${ended("restore swap")}`;
      expect(lines(failed, folder)).toEqual([expect.stringMatching(/going back/), "status 2"]);
      expect(events()).toBe("");
      bashWithStore(`${STUBS}\nrestore swap 2>/dev/null`, folder);
      expect(events()).toMatch(/\trestored\tswap\tto swap@1, of /);
    });
  });

  it("of a newer manager is for that one to bring back", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 300, superseded: now - 200, manager: "1.10.0" });
      version(folder, "swap@2", { applied: now - 200 });
      inForce(folder, "swap@2");
      expect(lines(`${STUBS}\n${ended("restore swap")}`, folder)).toEqual([
        expect.stringMatching(
          /^error: swap@1 needs manager 1\.10\.0, this host has \d+\.\d+\.\d+\. Restore the bundle/,
        ),
        "status 2",
      ]);
    });
  });

  it("of the manager does not come back to bundles that it does not know", () => {
    inFolder((folder) => {
      version(folder, "manager@1", { applied: now - 300, superseded: now - 200, manager: "0.9.0" });
      version(folder, "manager@2", { applied: now - 200 });
      version(folder, "swap@1", { applied: now - 300, manager: "0.9.0" });
      inForce(folder, "manager@2");
      inForce(folder, "swap@1");
      const restored = () => lines(`${STUBS}\n${ended("restore manager")}`, folder);
      expect(restored()[1]).toBe("applied manager: the bundle of manager@1, stored=1");
      version(folder, "zram@1", { applied: now - 100 });
      inForce(folder, "zram@1");
      expect(restored()).toEqual([
        "error: manager@1 is manager 0.9.0, which does not know all that zram has on this host: it was applied by 1.0.0. Restore zram to a version of that time first, or remove it",
        "status 2",
      ]);
    });
  });
});

describe("what is kept of a file", () => {
  it("is the owner's, with its checksum, and never ours", () => {
    inFolder((folder) => {
      const path = join(folder, "etc.conf");
      writeFileSync(path, "the owner wrote this\n");
      const ours = join(folder, "ours.conf");
      writeFileSync(ours, "# Written by goblin-host. Change the stack's configuration instead\nA=1\n");
      const text = `capture_file ${path}; original files ${path}; echo "\${RECORD[0]}"
        capture_file ${ours}; original files ${ours}; echo "\${RECORD[0]}"; ls "$STATE/displaced"`;
      const said = lines(text, folder);
      expect(said).toContain("kept");
      expect(said.slice(-2)).toEqual(["absent", expect.stringMatching(/^\d{8}T\d{6}%2F.*ours\.conf$/)]);
      const table = lines("print_backups", folder);
      expect(table[1]).toMatch(new RegExp(`^original +\\S+ \\S+ sound +${path}$`));
      expect(table[2]).toMatch(new RegExp(`^edited +\\S+ \\S+ sound +${ours}$`));
      const data = readdirSync(join(folder, "state", "originals")).find((name) => name.endsWith(".data"));
      writeFileSync(join(folder, "state", "originals", data ?? ""), "somebody else wrote this\n");
      expect(lines(`print_backups; echo "status $STATUS"`, folder)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^original .* damaged /), "status 1"]),
      );
    });
  });

  it("that cannot be read is said to be so, and the rest is looked at all the same", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      writeFileSync(path, "a\n");
      bashWithStore(`displace ${path}; echo b >${path}; displace ${path}`, folder);
      const unreadable = `sha256sum() {
        local file
        if (($# == 0)); then file=$(readlink /proc/self/fd/0); else for file; do :; done; fi
        if [[ $file == */displaced/* && $(<"$file") == b ]]; then echo "sha256sum: $file: Input/output error" >&2; return 1; fi
        command sha256sum "$@"
      }`;
      const table = lines(`exec 2>&1\n${unreadable}\nprint_backups; echo "status $STATUS"`, folder);
      expect(table[0]).toMatch(
        /^warning: .*%2Fa\.conf could not be looked at: sha256sum: .*: Input\/output error$/,
      );
      expect(table[2]).toMatch(/^edited +\S+ \S+ sound +/);
      expect(table[3]).toMatch(/^edited +\S+ \S+ unknown +/);
      expect(table.at(-1)).toBe("status 1");
      expect(lines(`${STUBS}\n${unreadable}\n${ended(`restore ${path}`)}`, folder)).toEqual([
        expect.stringMatching(
          /^error: .*%2Fa\.conf could not be looked at: .* Choose an earlier one with --at$/,
        ),
        "status 1",
      ]);
      const nothing = lines(
        `exec 2>&1\nrm -r "$STATE/displaced"/*\n: >"$STATE/originals/files%x"; : >"$STATE/originals/files%x.data"
        stat() { echo 'stat: x: Input/output error' >&2; return 1; }; print_backups; echo "status $STATUS"`,
        folder,
      );
      expect(nothing).toEqual([
        expect.stringMatching(/^warning: .*originals could not be looked at: stat: x: Input\/output error$/),
        "status 1",
      ]);
    });
  });

  it("of one second is all there, each with its time", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      const stamp = "20261124T181500";
      const text = `echo 1 >${path}; displaced_name() { REPLY=$STATE/displaced/${stamp}\${1//\\//%2F}; }; displace ${path}
        echo 2 >${path}; displaced_name() { REPLY=$STATE/displaced/${stamp}.2\${1//\\//%2F}; }; displace ${path}`;
      bashWithStore(text, folder);
      const table = lines("print_backups", folder).slice(1, 3);
      for (const line of table)
        expect(line).toMatch(new RegExp(`^edited +2026-11-24 18:15:00 sound +${path}$`));
      bashWithStore(`${STUBS}\nrestore ${path}`, folder);
      expect(readFileSync(path, "utf8")).toBe("2\n");
    });
  });

  it("tells the time of what was kept in summer from winter's", () => {
    const at = (zone: string, stamp: string) =>
      bash(`TZ=${zone}; seconds_of ${stamp}; printf '%(%FT%T)T' "$REPLY"`);
    for (const zone of ["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
      for (const [stamp, time] of [
        ["20260115T120000", "2026-01-15T12:00:00"],
        ["20260715T235959", "2026-07-15T23:59:59"],
        ["20240229T000000", "2024-02-29T00:00:00"],
      ] as const)
        expect(at(zone, stamp)).toBe(time);
    expect(bash("seconds_of nothing; echo $REPLY")).toBe("0\n");
  });

  it("comes back by its time, and what stands there is kept", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      const keep = (content: string) => {
        writeFileSync(path, content);
        const [said = ""] = lines(`displace ${path}`, folder);
        return said.replace(/.* as /, "");
      };
      const first = keep("first\n");
      // Two of one second would be one.
      const renamed = first.replace(/\d{8}T/, `${longAgo}T`);
      bashWithStore(
        `mv '${first}' '${renamed}'; sed -i 's/[0-9]*T/${longAgo}T/' "$STATE/displaced.sums"`,
        folder,
      );
      keep("second\n");
      writeFileSync(path, "third\n");
      const restored = (at: string): string => {
        bashWithStore(`${STUBS}\nrestore ${path} ${at}`, folder);
        return readFileSync(path, "utf8");
      };
      expect(restored(String(now - 30 * DAY))).toBe("first\n");
      const kept = readdirSync(join(folder, "state", "displaced"));
      expect(kept.map((name) => readFileSync(join(folder, "state", "displaced", name), "utf8"))).toContain(
        "third\n",
      );
      const missing = lines(ended(`restore ${path}x`), folder);
      expect(missing).toEqual([
        `error: nothing is kept of ${path}x. See: ai-resource-manager backups`,
        "status 2",
      ]);
    });
  });

  it("is not kept once more where it is the same, or what its bundle wrote", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      writeFileSync(path, "edited\n");
      bashWithStore(`displace ${path}`, folder);
      const displaced = () => readdirSync(join(folder, "state", "displaced")).length;
      writeFileSync(path, "edited\n");
      bashWithStore(`${STUBS}\nrestore ${path}`, folder);
      expect(displaced()).toBe(1);
      version(folder, "app@1", { applied: now });
      writeFileSync(
        join(folder, "state/versions/app@1/index"),
        `meta\x1fbundle\x1f\x1f1\nfiles\x1f${path}\x1fsha256\x1f${sha256("ours\n")}\n`,
      );
      inForce(folder, "app@1");
      writeFileSync(path, "ours\n");
      const said = lines(`exec 2>&1\n${STUBS}\nrestore ${path}`, folder);
      expect(said).toEqual([
        expect.stringMatching(/^restored /),
        `warning: ${path} belongs to the bundle app: this is drift until the next apply, which keeps it once more`,
      ]);
      expect(displaced()).toBe(1);
      expect(readFileSync(path, "utf8")).toBe("edited\n");
    });
  });

  it("comes back also when it is the oldest of what is kept, which goes then", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      writeFileSync(path, "oldest\n");
      bashWithStore(
        `displace ${path}; mv "$STATE"/displaced/* "$STATE/displaced/${longAgo}T000000${path.replaceAll("/", "%2F")}"
        for index in {10..58}; do : >"$STATE/displaced/${stampOf(now)}T0000$index${path.replaceAll("/", "%2F")}"; done`,
        folder,
      );
      writeFileSync(path, "edited\n");
      bashWithStore(`${STUBS}\nrestore ${path} ${now - 39 * DAY}`, folder);
      expect(readFileSync(path, "utf8")).toBe("oldest\n");
      const kept = readdirSync(join(folder, "state", "displaced"));
      expect(kept).toHaveLength(50);
      expect(kept.filter((name) => name.startsWith(`${longAgo}T000000`))).toEqual([]);
    });
  });

  it("is restored as a whole or not at all, and nothing is lost at any step that fails", () => {
    for (const lies of [false, true])
      inFolder((folder) => {
        const path = join(folder, "etc", "a.conf");
        const displaced = join(folder, "state", "displaced");
        const first = `${longAgo}T000000${path.replaceAll("/", "%2F")}`;
        const steps = failAtEachStep(
          folder,
          lies,
          () => {
            rmSync(displaced, { recursive: true, force: true });
            mkdirSync(join(folder, "etc"), { recursive: true });
            mkdirSync(displaced, { recursive: true });
            mkdirSync(join(folder, "run"), { recursive: true });
            writeFileSync(join(displaced, first), "kept\n");
            writeFileSync(path, "edited\n");
          },
          ({ name, before }) => {
            const said = bashWithStore(`${STUBS}\n${before}\n${ended(`restore ${path}`)}`, folder);
            const now = readFileSync(path, "utf8");
            const all = readdirSync(displaced).map((entry) => readFileSync(join(displaced, entry), "utf8"));
            expect([now, ...all], name).toEqual(expect.arrayContaining(["kept\n", "edited\n"]));
            expect(["kept\n", "edited\n"], name).toContain(now);
            if (said.includes("restored ")) expect(now, name).toBe("kept\n");
            if (said.includes("status 0")) expect(now, name).toBe("kept\n");
            expect(readdirSync(join(folder, "etc")), name).toEqual(["a.conf"]);
          },
        );
        expect(steps).toBeGreaterThan(3);
      });
  });

  it("takes the place of a folder, which is kept, and of nothing that is mounted", () => {
    inFolder((folder) => {
      const path = join(folder, "a.conf");
      writeFileSync(path, "kept\n");
      bashWithStore(`displace ${path}`, folder);
      mkdirSync(path);
      writeFileSync(join(path, "notes"), "theirs\n");
      const refused = lines(`${STUBS}\nmount_of() { MOUNT=$1; }\n${ended(`restore ${path}`)}`, folder);
      expect(refused).toEqual([expect.stringMatching(/^error: something is mounted at /), "status 2"]);
      bashWithStore(`${STUBS}\nrestore ${path}`, folder);
      expect(readFileSync(path, "utf8")).toBe("kept\n");
      const displaced = join(folder, "state", "displaced");
      const kept = readdirSync(displaced).find((name) => existsSync(join(displaced, name, "notes")));
      expect(readFileSync(join(displaced, kept ?? "", "notes"), "utf8")).toBe("theirs\n");
    });
  });

  it("of systemd is loaded by it, also after a run that was killed before", () => {
    inFolder((folder) => {
      const units = join(folder, "units");
      const path = join(units, "a.service");
      mkdirSync(units);
      writeFileSync(path, "kept\n");
      const run = (text: string) =>
        bashWithStore(text, folder, { UNIT_FOLDER: units })
          .split("\n")
          .filter((line) => line !== "");
      run(`displace ${path}`);
      writeFileSync(path, "edited\n");
      const killed = run(`${STUBS}\nplace_prepared() { exit 9; }\n${ended(`restore ${path}`)}`);
      expect(killed).toEqual(["status 9"]);
      expect(existsSync(join(folder, "state", "pending", "reload"))).toBe(true);
      expect(run(`${STUBS}\nsystemctl() { echo "systemctl $*" >>asked; }\nrestore ${path}`)).toContain(
        "  reloaded systemd",
      );
      expect(readFileSync(join(folder, "asked"), "utf8")).toContain("systemctl daemon-reload\n");
      expect(existsSync(join(folder, "state", "pending", "reload"))).toBe(false);
    });
  });

  it("is the last fifty edits of each file, however young, for a year", () => {
    inFolder((folder) => {
      const displaced = join(folder, "state", "displaced");
      mkdirSync(displaced, { recursive: true });
      const y = join(folder, "y").replaceAll("/", "%2F");
      const today = stampOf(now);
      for (let index = 10; index < 62; index++)
        writeFileSync(join(displaced, `${today}T0000${index}${y}`), "");
      // The name of another file may end as this one's does.
      const others = [`${longAgo}T000000%2Fx`, `${longAgo}T000000%2Fsrv${y}`];
      for (const name of others) writeFileSync(join(displaced, name), "");
      writeFileSync(join(displaced, "20200101T000000%2Fx"), "");
      writeFileSync(join(folder, "y"), "");
      utimesSync(join(folder, "y"), now, now);
      writeFileSync(join(folder, "state", "displaced.sums"), "0 20200101T000000%2Fx\n");
      bashWithStore(
        `displaced_name() { REPLY=$STATE/displaced/${today}T999999${y}; }; displace ${join(folder, "y")}`,
        folder,
      );
      const kept = readdirSync(displaced).filter((name) => name.includes("%"));
      expect(kept.filter((name) => name.startsWith(longAgo))).toEqual(others.sort());
      expect(kept.filter((name) => name.startsWith(today))).toHaveLength(50);
      expect(kept).toHaveLength(52);
      expect(kept).not.toContain(`${today}T000012${y}`);
      expect(kept).toContain(`${today}T000013${y}`);
      // A checksum goes with its file.
      const sums = readFileSync(join(folder, "state", "displaced.sums"), "utf8")
        .trim()
        .split("\n");
      expect(sums).toEqual([expect.stringMatching(/^[0-9a-f]{64} \d{8}T\d{6}%2F.*y$/)]);
    });
  });
});
