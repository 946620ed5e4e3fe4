import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

/** What the machine says, and what the last look found. */
const MACHINE = `
HOSTNAME=goblin
examine() {
  EVERYTHING=([limits]=$'ai-ollama.slice\\n' [units]=$'chat.service\\n' ["units|chat.service|container"]=chat)
  FINDINGS=($'swap\\t/swapfile\\tswap\\t16 GiB\\t\\toff\\tis off')
  LIMITS=($'slices\\tai.slice\\tMemoryMax\\t18 GiB\\t18 GiB\\tenforced\\t' $'slices\\tai.slice\\tIOWeight\\t100\\t\\tinert\\tno disk weighs IO')
}
systemctl() { printf '%s loaded active active x\\n' ai-ollama.slice ai-gone.slice; }
timeout() { shift; "$@"; }
docker() {
  case "$1 $2" in
    'ps -aq') printf 'a\\nb\\n' ;;
    'images -qf') printf 'i\\nj\\n' ;;
    *) printf '/chat\\tai-chat.slice\\trunning\\t\\n/old\\tai-gone.slice\\texited\\t\\n/theirs\\t\\trunning\\t\\n/ai-resource-monitor\\tairm.slice\\trunning\\t\\n' ;;
  esac
}
du() { printf '70000\\t%s\\n' "$STATE"; }
zcat() { cat "$PWD/alerts"; }
`;

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
      const quiet = `${MACHINE}
        examine() { FINDINGS=() LIMITS=(); EVERYTHING=(); }
        systemctl() { :; }; docker() { :; }; du() { :; }; zcat() { :; }`;
      expect(bashWithStore(`${quiet}\naudit_verb`, folder).match(/^ {2}none$/gm)).toHaveLength(5);
      const refused = bashWithStore(`(audit_verb --since "the day after") 2>&1 || echo "status $?"`, folder);
      expect(refused).toMatch(/^error: "the day after" is no time\. Allowed: .*\nstatus 2\n$/);
    });
  });

  it("is saved, the last twelve of a kind, with its log of events bounded", () => {
    inFolder((folder) => {
      const reports = join(folder, "reports");
      mkdirSync(reports);
      for (let month = 10; month < 30; month++)
        writeFileSync(join(reports, `weekly-20${month}-01-01.txt`), "old");
      writeFileSync(join(reports, "monthly-2010-01-01.txt"), "old");
      writeFileSync(join(folder, "alerts"), "");
      bashWithStore(
        `${MACHINE}
        for i in {1..9000}; do builtin printf '%s\\tapplied\\tswap\\tgeneration of some length\\n' "$i"; done >"$EVENTS"
        audit_verb --save weekly >/dev/null`,
        folder,
        { REPORTS: reports },
      );
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
