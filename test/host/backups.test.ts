import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

const DAY = 86_400;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const now = Math.floor(Date.now() / 1000);

/** Forty days ago, as the names of what is kept begin. */
const longAgo = new Date((now - 40 * DAY) * 1000).toISOString().slice(0, 10).replaceAll("-", "");

/** A version of a bundle in the folder's store. */
function version(
  folder: string,
  name: string,
  { applied, superseded }: { applied: number; superseded?: number },
): void {
  const at = join(folder, "state", "versions", name);
  mkdirSync(at, { recursive: true });
  const text = `the bundle of ${name}\n`;
  writeFileSync(join(at, "bundle.yaml"), text);
  writeFileSync(join(at, "digest"), `${sha256(text)}\n`);
  writeFileSync(join(at, "applied"), `${applied}\n`);
  if (superseded !== undefined) writeFileSync(join(at, "superseded"), `${superseded}\n`);
}

function inForce(folder: string, version: string): void {
  mkdirSync(join(folder, "state", "bundles"), { recursive: true });
  symlinkSync(`../versions/${version}`, join(folder, "state", "bundles", version.replace(/@.*/, "")));
}

/** What the manager prints, without its colons' worth of times. */
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

  it("comes back by its time, by default the version before", () => {
    inFolder((folder) => {
      version(folder, "swap@1", { applied: now - 300, superseded: now - 200 });
      version(folder, "swap@2", { applied: now - 200, superseded: now - 100 });
      version(folder, "swap@3", { applied: now - 100 });
      inForce(folder, "swap@3");
      const restored = (at: string) => lines(`${STUBS}\nrestore swap ${at} 2>&1 || echo "status $?"`, folder);
      expect(restored("")[1]).toBe("applied swap: the bundle of swap@2, stored=1");
      expect(restored(String(now - 200))[1]).toBe("applied swap: the bundle of swap@2, stored=1");
      expect(restored(String(now - 250))[1]).toBe("applied swap: the bundle of swap@1, stored=1");
      expect(restored("")[2]).toMatch(/^warning: Pulumi declares another version of swap/);
      expect(restored(String(now))).toEqual(["swap: that version is in force"]);
      expect(restored(String(now - 400))).toEqual([
        expect.stringMatching(
          /^error: no version of swap of .* or before is kept \(the last 10, for 90 days\)/,
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
      expect(lines(`print_backups || echo "status $?"`, folder)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^original .* damaged /), "status 1"]),
      );
    });
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
      const missing = lines(`restore ${path}x 2>&1 || echo "status $?"`, folder);
      expect(missing).toEqual([
        `error: nothing is kept of ${path}x. See: ai-resource-manager backups`,
        "status 2",
      ]);
    });
  });

  it("is the last fifty edits, for a year", () => {
    inFolder((folder) => {
      const displaced = join(folder, "state", "displaced");
      mkdirSync(displaced, { recursive: true });
      for (let index = 10; index < 62; index++)
        writeFileSync(join(displaced, `${longAgo}T0000${index}%2Fx`), "");
      writeFileSync(join(displaced, "20200101T000000%2Fx"), "");
      writeFileSync(join(folder, "y"), "");
      utimesSync(join(folder, "y"), now, now);
      writeFileSync(join(folder, "state", "displaced.sums"), "0 20200101T000000%2Fx\n");
      bashWithStore(`displace ${join(folder, "y")}`, folder);
      const kept = readdirSync(displaced).filter((name) => name.includes("%"));
      expect(kept).toHaveLength(50);
      expect(kept).not.toContain("20200101T000000%2Fx");
      // A checksum goes with its file.
      const sums = readFileSync(join(folder, "state", "displaced.sums"), "utf8")
        .trim()
        .split("\n");
      expect(sums).toEqual([expect.stringMatching(/^[0-9a-f]{64} \d{8}T\d{6}%2F.*y$/)]);
    });
  });
});
