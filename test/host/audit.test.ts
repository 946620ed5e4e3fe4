import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

/** What the machine says, and what the last look found. */
const MACHINE = `
HOSTNAME=goblin
examine() {
  mkdir -p "$STATE/versions/app@1"
  ln -sfn ../versions/app@1 "$STATE/bundles/app"
  printf 'limits\\x1fai-ollama.slice\\x1f\\x1f\\nnetworks\\x1fapp-net\\x1fbridge\\x1fbr-app\\nunits\\x1fchat.service\\x1fcontainer\\x1fchat\\n' >"$STATE/bundles/app/index"
  EXAMINED=(app)
  FINDINGS=($'swap\\t/swapfile\\tswap\\t16 GiB\\t\\toff\\tis off')
  LIMITS=($'slices\\tai.slice\\tMemoryMax\\t18 GiB\\t18 GiB\\tenforced\\t' $'slices\\tai.slice\\tIOWeight\\t100\\t\\tinert\\tno disk weighs IO')
}
systemctl() {
  case $1 in
    list-units) printf '%s loaded active active x\\n' ai-ollama.slice ai-gone.slice ;;
    show) echo ActiveState=active ;;
  esac
}
timeout() { shift; "$@"; }
docker() {
  case "$1 $2" in
    'ps -aq') printf 'a\\nb\\n' ;;
    'network ls') printf 'app-net\\nold-net\\n' ;;
    'images -qf') printf 'c\\nd\\n' ;;
    *) printf '/chat\\tai-chat.slice\\trunning\\t\\n/old\\tai-gone.slice\\texited\\t\\n/theirs\\t\\trunning\\t\\n/ai-resource-monitor\\tairm.slice\\trunning\\t\\n' ;;
  esac
}
du() { printf '70000\\t%s\\n' "$STATE"; }
`;

/** Of a host that has nothing to tell of. */
const QUIET = `
HOSTNAME=goblin
examine() { FINDINGS=() LIMITS=(); }
systemctl() { [[ $1 != show ]] || echo ActiveState=active; }
docker() { :; }
timeout() { shift; "$@"; }
du() { :; }
`;

/** Constants of the manager's: where the monitor's alerts are, and units. */
const places = (folder: string): Record<string, string> => ({
  ALERTS: join(folder, "alerts"),
  UNIT_FOLDER: join(folder, "units"),
});

const ALERTS = `2020-01-01 00:00:00 ALERT: High CPU usage: 95%
2099-01-01 00:00:00 ALERT: High CPU usage: 95%
2099-01-01 00:05:00 RESOLVED: High CPU usage: 5%
2099-01-02 00:00:00 ALERT: High CPU usage: 99% [deployment 20990101T000000Z]
2099-01-02 00:00:00 ALERT: Service ollama memory usage at 95%
`;

describe("an audit", () => {
  it("tells of drift, changes, limits, leaks and alerts since a time", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "alerts"), ALERTS);
      const text = bashWithStore(
        `${MACHINE}
        printf '1\\tapplied\\tswap\\tgeneration 1\\n' >"$EVENTS"
        record_event applied swap 'generation 2'
        record_event applied swap 'generation 3'
        record_event applied zram 'generation 1'
        record_findings repaired $'zram\\tzram0\\tzram\\t8 GiB\\t\\t4 GiB\\thas 4 GiB'
        record_event failed docker $'dockerd did not\\nstart'
        audit_verb --since '1 day ago'`,
        folder,
        places(folder),
      );
      expect(text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, "TIME").replaceAll(folder, ""))
        .toBe(`Audit of goblin, TIME to TIME

Drift
  TIME  repaired  zram: zram0 zram: declared 8 GiB, kernel 4 GiB (has 4 GiB)
  now                  found     swap: /swapfile swap: declared 16 GiB, kernel off (is off)

Changes
  swap: applied 2 times
  zram: applied once
  TIME  failed    docker: dockerd did not start

Limits: 1 enforced, 1 inert, 0 unsupported
  ai.slice IOWeight 100: inert (no disk weighs IO)

Leaks
  slice ai-gone.slice belongs to no bundle: systemctl stop ai-gone.slice
  container old (exited) in ai-gone.slice belongs to no bundle: docker rm -f old
  network old-net belongs to no bundle: docker network rm old-net
  2 images without a name: docker image prune
  /state has grown to 68 MiB: du -h /state

Alerts
  2 × High CPU usage
  1 × Service ollama memory usage
`);
    });
  });

  it("says none where there is nothing, and refuses what is no time", () => {
    inFolder((folder) => {
      expect(
        bashWithStore(`${QUIET}\naudit_verb`, folder, places(folder)).match(/^ {2}none$/gm),
      ).toHaveLength(5);
      for (const since of ["the day after", ""])
        expect(
          bashWithStore(`exec 2>&1\nattempt audit_verb --since "${since}"\necho "status $STATUS"`, folder),
        ).toMatch(new RegExp(`^error: "${since}" is no time\\. Allowed: .*\nstatus 2\n$`));
    });
  });

  it("says what could not be looked at, and why, and goes on", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "alerts"), ALERTS);
      writeFileSync(join(folder, "alerts.1.gz"), Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]));
      const text = bashWithStore(
        `${QUIET}
        systemctl() {
          [[ "$*" != 'show --property=ActiveState -- docker.service' ]] || { echo ActiveState=active; return; }
          echo 'Failed to list units: Connection refused' >&2
          return 1
        }
        docker() { echo 'error during connect: EOF' >&2; return 1; }
        du() { printf '70000\\t%s\\n' "$STATE"; echo "du: cannot read directory '/x': Input/output error" >&2; return 1; }
        audit_verb`,
        folder,
        places(folder),
      ).replaceAll(folder, "");
      expect(text).toContain(`
Leaks
  /state has grown to 68 MiB: du -h /state
  the slices could not be looked at: Failed to list units: Connection refused
  the containers could not be looked at: error during connect: EOF
  the networks could not be looked at: error during connect: EOF
  the images could not be looked at: error during connect: EOF
  the sizes of some folders could not be looked at: du: cannot read directory '/x': Input/output error

Alerts
  2 × High CPU usage
  1 × Service ollama memory usage
  /alerts /alerts.1.gz could not be looked at: gzip: /alerts.1.gz: `);
    });
  });

  it("takes of the monitor's folder neither what a link leads to, nor more than a log's size", () => {
    inFolder((folder) => {
      const secret = join(folder, "secret");
      writeFileSync(secret, "2099-01-01 00:00:00 ALERT: The secret: 1\n");
      symlinkSync(secret, join(folder, "alerts"));
      execFileSync("mkfifo", [join(folder, "alerts.1")]);
      const section = () =>
        /^Alerts\n(?: {2}.*\n)*/m
          .exec(bashWithStore(`${QUIET}\naudit_verb`, folder, places(folder)))?.[0]
          .replaceAll(folder, "");
      expect(section()).toBe("Alerts\n  none\n");
      // 5 MiB of alerts in some kilobytes.
      const line = "2099-01-01 00:00:00 ALERT: High CPU usage: 95%\n";
      writeFileSync(
        join(folder, "alerts.2.gz"),
        gzipSync(line.repeat(Math.ceil((5 * 1024 ** 2) / line.length))),
      );
      expect(section()).toBe("Alerts\n  /alerts.2.gz could not be looked at: they hold more than 4 MiB\n");
    });
  });

  it("does not start dockerd to ask it, and says so", () => {
    inFolder((folder) => {
      const text = bashWithStore(
        `${QUIET}
        systemctl() { [[ $1 != show ]] || echo ActiveState=inactive; }
        docker() { echo "docker $*" >>asked; }
        audit_verb`,
        folder,
        places(folder),
      );
      expect(text).toContain(
        "\nLeaks\n  containers, networks and images could not be looked at: docker.service is not active\n",
      );
      expect(existsSync(join(folder, "asked"))).toBe(false);
    });
  });

  it("calls nothing a leak where a newer manager has stored a bundle", () => {
    inFolder((folder) => {
      mkdirSync(join(folder, "units"));
      writeFileSync(join(folder, "units", "x.service.backup.20260101T000000"), "");
      const audit = (newer: string) =>
        bashWithStore(
          `${MACHINE}\ndu() { :; }\nNEWER=(${newer})\naudit_verb`,
          folder,
          places(folder),
        ).replaceAll(folder, "");
      const leaks = (text: string) => /\nLeaks\n([^]*?)\n\n/.exec(text)?.[1]?.split("\n");
      expect(leaks(audit(""))).toEqual([
        "  slice ai-gone.slice belongs to no bundle: systemctl stop ai-gone.slice",
        "  backup /units/x.service.backup.20260101T000000 belongs to nothing: rm '/units/x.service.backup.20260101T000000'",
        "  container old (exited) in ai-gone.slice belongs to no bundle: docker rm -f old",
        "  network old-net belongs to no bundle: docker network rm old-net",
        "  2 images without a name: docker image prune",
      ]);
      expect(leaks(audit("[swap]=9.0.0 [docker]=9.0.0"))).toEqual([
        "  2 images without a name: docker image prune",
        "  what belongs to no bundle is not known: a newer manager stored docker, swap",
      ]);
    });
  });

  it("knows the copies that the originals name, also of a run that was killed", () => {
    inFolder((folder) => {
      const copy = (name: string, stamp: string) => join(folder, "units", `${name}.backup.${stamp}`);
      mkdirSync(join(folder, "units"));
      for (const path of [
        copy("a", "20260101T000000"),
        copy("b", "20260101T000000"),
        copy("b", "20260101T000000.2"),
      ])
        writeFileSync(path, "");
      const text = bashWithStore(
        `${QUIET}
        printf 'kept\\t%s\\tend\\n' '${copy("a", "20260101T000000")}' >"$STATE/originals/files%a"
        printf '%s\\n' '${copy("b", "20260101T000000.2")}' >"$STATE/originals/files%b.copy"
        audit_verb`,
        folder,
        places(folder),
      ).replaceAll(folder, "");
      expect(text.match(/backup .* belongs/g)).toEqual(["backup /units/b.backup.20260101T000000 belongs"]);
    });
  });

  it("says who was changing the host while it looked", () => {
    inFolder((folder) => {
      const text = bashWithStore(
        `${QUIET}
        exec 9<>"$LOCK_FILE"; flock 9; echo 'apply swap (pid 1)' >"$LOCK_FILE"
        audit_verb`,
        folder,
        places(folder),
      );
      expect(text.split("\n")[1]).toBe(
        "While it looked, apply swap (pid 1) was changing this host: what differs may be its work",
      );
    });
  });

  it("is saved, the last twelve of a kind, with its log of events bounded", () => {
    inFolder((folder) => {
      const reports = join(folder, "reports");
      mkdirSync(reports);
      for (let month = 10; month < 30; month++)
        writeFileSync(join(reports, `weekly-20${month}-01-01.txt`), "old");
      writeFileSync(join(reports, "monthly-2010-01-01.txt"), "old");
      // Of a run that was killed.
      writeFileSync(join(reports, ".weekly-2029-02-02.txt.goblin-new"), "ha");
      writeFileSync(join(folder, "alerts"), "");
      bashWithStore(
        `${MACHINE}
        for i in {1..9000}; do builtin printf '%s\\tapplied\\tswap\\tgeneration of some length\\n' "$i"; done >"$EVENTS"
        audit_verb --save weekly >/dev/null`,
        folder,
        { ...places(folder), REPORTS: reports },
      );
      expect(readdirSync(reports).filter((name) => name.startsWith("."))).toEqual([]);
      const weekly = readdirSync(reports).filter((name) => name.startsWith("weekly"));
      expect(weekly).toHaveLength(12);
      expect(readFileSync(join(reports, weekly.sort().at(-1) ?? ""), "utf8")).toBe("old");
      const today = new Date();
      const name = `weekly-${today.getFullYear()}-${String(today.getMonth() + 1).padStart(2, "0")}-${String(today.getDate()).padStart(2, "0")}.txt`;
      expect(readFileSync(join(reports, name), "utf8")).toMatch(/^Audit of goblin/);
      const events = readFileSync(join(folder, "state", "events.log"), "utf8");
      expect(events.length).toBeLessThanOrEqual(131_072);
      expect(events.split("\n")[0]).toMatch(/^\d+\tapplied\tswap\tgeneration of some length$/);
      expect(events).toContain("9000\tapplied");
    });
  });
});
