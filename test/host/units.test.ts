import { describe, expect, it } from "vitest";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE = {};
const APP = { units: { "a.service": { active: "true", enabled: "true", restartOn: "/etc/a.conf" } } };

describe("what systemd says of units", () => {
  it("is asked once for all of them, and one that there is not is told, too", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active" });
      host.unit("ai.slice", { MemoryMax: "1" });
      const want = {
        units: { "a.service": { active: "true" }, "gone.service": { "": "" } },
        limits: { "ai.slice": { MemoryMax: "1" }, "a.service": { TasksMax: "1" } },
        zram: { zram0: { size: "1" } },
      };
      const shown = host.run(
        NONE,
        want,
        `for key in a.service\\|ActiveState gone.service\\|LoadState ai.slice\\|MemoryMax dev-zram0.swap\\|ActiveState; do
          echo "$key \${SEEN_UNIT[$key]}"
        done`,
      );
      expect(shown).toEqual([
        "a.service|ActiveState active",
        "gone.service|LoadState not-found",
        "ai.slice|MemoryMax 1",
        "dev-zram0.swap|ActiveState inactive",
      ]);
    });
  });

  it("ends the run where it says nothing, or not of all", () => {
    onSystemdHost((host) => {
      const want = { units: { "a.service": { "": "" }, "b.service": { "": "" } } };
      const observe = (systemctl: string): string[] =>
        host.attempt(NONE, want, "observe_units WANT; echo on", `systemctl() { ${systemctl}; }`);
      expect(observe("echo ActiveState=active; echo; echo ActiveState=failed")).toEqual(["on", "status 0"]);
      expect(observe("echo 'Connection reset by peer' >&2; return 1")).toEqual([
        "Connection reset by peer",
        "error: bundle app: systemd does not say how its units are (systemctl show a.service b.service)",
        "status 1",
      ]);
      for (const short of [":", "echo ActiveState=active"])
        expect(observe(short)).toEqual([
          "error: bundle app: systemd was asked for 2 units and has not answered for each (systemctl show a.service b.service)",
          "status 1",
        ]);
    });
  });
});

const drift = (host: SystemdHost, before = ""): string[] => host.run(APP, APP, `${before}\ndrift unit`);

describe("drift of units", () => {
  it("is none of one that runs and is enabled, and each difference of another", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      expect(drift(host)).toEqual([]);
      expect(drift(host, 'mark_pending "restart%a.service"; mark_pending "reload%a.service"')).toEqual([
        "drift a.service|restart|restarted||pending|its restart is still to come",
        "drift a.service|reload|reloaded||pending|its reload is still to come",
      ]);
      host.unit("a.service", { ActiveState: "failed", UnitFileState: "disabled" });
      expect(drift(host, "BOOTING=1")).toEqual(["drift a.service|enabled|yes|disabled||is disabled"]);
      expect(
        drift(host, 'done_pending restart%a.service reload%a.service; mark_pending "start%a.service"'),
      ).toEqual([
        "drift a.service|enabled|yes|disabled||is disabled",
        "drift a.service|active|active||failed|is failed",
        "drift a.service|start|started||pending|its start is still to come",
      ]);
    });
  });

  it("is a restart asked for at boot until another run of the unit has begun", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled", InvocationID: "one" });
      const asked = 'echo one >"$PENDING/restarting%a.service"';
      expect(drift(host, asked)).toHaveLength(1);
      host.unit("a.service", { InvocationID: "two" });
      expect(drift(host, asked)).toEqual([]);
    });
  });

  it("is a tool that is replaced and runs again, but not at boot, when nobody waits for its end", () => {
    onSystemdHost((host) => {
      const want = { replaces: { "old.service": { "": "old tools" } } };
      host.unit("old.service", { ActiveState: "active" });
      expect(host.run(NONE, want, "drift unit")).toEqual([
        "drift old.service|active|inactive||active|is active again (old tools)",
      ]);
      expect(host.run(NONE, want, "BOOTING=1\ndrift unit")).toEqual([]);
    });
  });
});
