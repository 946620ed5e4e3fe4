import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const APP: Sections = { units: { "a.service": { active: "true", restartOn: "/etc/a.conf" } } };
const RUNS_IF_STARTED: Sections = { units: { "a.service": { restartOn: "/etc/a.conf" } } };

const change = (host: SystemdHost, before = "", want = APP): string[] =>
  host.attempt(want, want, "change_units", before);
const mark = (...names: readonly string[]): string =>
  names.map((name) => `mark_pending "${name}"\n`).join("");

describe("a unit that must run", () => {
  it("is started, and one that had failed before, too", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "failed" });
      expect(change(host)).toEqual(["  started a.service", "status 0"]);
      expect(host.calls).toEqual(["systemctl reset-failed a.service", "systemctl start a.service"]);
      expect(change(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("and does not start ends the run with what its process said last, or systemd", () => {
    onSystemdHost((host) => {
      host.unit("a.service", {});
      expect(change(host, "FAILS=start:a.service")).toEqual([
        "error: bundle app: a.service did not start: Failed to start a.service: no",
        "status 1",
      ]);
      host.write(
        "journal.a.service",
        "Starting a...\na: port 80 is taken\na.service: Main process exited\nFailed to start a.\n",
      );
      expect(change(host, "FAILS=start:a.service")).toEqual([
        "error: bundle app: a.service did not start: a: port 80 is taken",
        "status 1",
      ]);
    });
  });

  it("and ends right after its start ends the run, and so does systemd that does not say", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { SubState: "auto-restart" });
      expect(change(host)).toEqual([
        "error: bundle app: a.service ended right after its start: see journalctl -u a.service",
        "status 1",
      ]);
      host.unit("a.service", { SubState: "running", ActiveState: "inactive" });
      const silent = (looks: number): string =>
        `eval "real_$(declare -f systemctl)"
        systemctl() {
          if [[ $1 == show && $2 == *SubState* && $4 == a.service && $# == 4 ]]; then
            echo look >>looks
            mapfile -t looks <looks
            ((\${#looks[@]} > ${looks})) || { echo 'no answer'; return 1; }
          fi
          real_systemctl "$@"
        }
        rm -f looks`;
      expect(change(host, silent(2))).toEqual(["  started a.service", "status 0"]);
      host.unit("a.service", { ActiveState: "inactive" });
      expect(change(host, silent(3))).toEqual([
        "error: bundle app: a.service may have ended right after its start: systemd does not say (no answer)",
        "status 1",
      ]);
    });
  });
});

describe("a unit whose files have changed", () => {
  it("restarts if it runs or must, and its mark goes when it has", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active" });
      const marks = mark("restart%a.service", "reload%a.service");
      expect(change(host, `${marks}FAILS=restart:a.service`, RUNS_IF_STARTED).at(-1)).toBe("status 1");
      expect(host.pending).toEqual(["reload%a.service", "restart%a.service", "watch%a.service"]);
      expect(change(host, "", RUNS_IF_STARTED)).toEqual(["  restarted a.service", "status 0"]);
      // prove_ready watches it.
      expect(host.pending).toEqual(["watch%a.service"]);
      host.unit("a.service", { ActiveState: "inactive" });
      host.write("calls");
      expect(change(host, marks, RUNS_IF_STARTED)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
      expect(host.pending).toEqual(["watch%a.service"]);
      expect(change(host, marks)).toEqual(["  restarted a.service", "status 0"]);
    });
  });

  it("reloads where that is enough, and one that does not keeps its mark", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active" });
      expect(change(host, `${mark("reload%a.service")}FAILS=reload:a.service`)).toEqual([
        "error: bundle app: a.service does not reload: Failed to reload a.service: no",
        "status 1",
      ]);
      expect(host.pending).toEqual(["reload%a.service"]);
      expect(change(host)).toEqual(["  reloaded a.service", "status 0"]);
      expect(host.pending).toEqual([]);
    });
  });

  it("has to prove that it is well after its start", () => {
    onSystemdHost((host) => {
      host.unit("a.service", {});
      const want = { ...APP, ready: { "a.service": { command: "true" } } };
      expect(change(host, "", want)).toEqual(["  started a.service", "status 0"]);
      expect(host.pending).toEqual(["ready%a.service", "watch%a.service"]);
    });
  });
});

describe("at boot", () => {
  it("no unit is waited for, and what starts later starts with the new files", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "inactive" });
      const marks = mark("restart%a.service", "reload%a.service", "start%a.service");
      expect(change(host, `BOOTING=1 BUSY=1\n${marks}`)).toEqual(["status 0"]);
      expect(host.calls).toEqual(["systemctl --no-block start a.service"]);
      // Told, not proven: drift until it runs.
      expect(host.pending).toEqual(["start%a.service"]);
      host.unit("a.service", { ActiveState: "active" });
      expect(change(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
      expect(host.pending).toEqual([]);
    });
  });

  it("one that has started already is told to restart, and the next run sees whether it has", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", InvocationID: "one" });
      expect(change(host, `BOOTING=1 BUSY=1\n${mark("restart%a.service")}`)).toEqual([
        "  told systemd to restart a.service",
        "status 0",
      ]);
      expect(host.calls).toEqual(["systemctl --no-block try-restart a.service"]);
      expect(host.pending).toEqual(["restarting%a.service"]);
      expect(change(host)).toEqual(["  restarted a.service", "status 0"]);
      expect(host.calls).toEqual(["systemctl restart a.service"]);
      expect(host.pending).toEqual(["watch%a.service"]);
      host.write("state/pending/restarting%a.service", "the one before\n");
      expect(change(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
      expect(host.pending).toEqual(["watch%a.service"]);
    });
  });

  it("one that must take something over first is left to the next run, and a reload is not waited for", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active" });
      const held = { ...APP, json: { "/etc/a.conf": { restartWith: '{"live": true}' } } };
      expect(change(host, `BOOTING=1\n${mark("restart%a.service")}`, held)).toEqual([
        "  a.service has started already; its restart is left to the next run",
        "status 0",
      ]);
      expect(host.pending).toEqual(["restart%a.service"]);
      expect(
        change(host, `BOOTING=1 BUSY=1\n${mark("reload%a.service")}done_pending restart%a.service`),
      ).toEqual(["status 0"]);
      expect(host.calls).toEqual(["systemctl --no-block reload a.service"]);
      expect(host.pending).toEqual(["reload%a.service"]);
    });
  });

  it("a unit that systemd does not take is told all the same", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active" });
      const before = `BOOTING=1 FAILS=try-restart:a.service\n${mark("restart%a.service")}`;
      expect(change(host, before)).toEqual([
        "error: bundle app: systemd does not try-restart a.service: Failed to try-restart a.service: no",
        "status 1",
      ]);
      expect(host.pending).toEqual(["restart%a.service", "restarting%a.service"]);
      expect(existsSync(host.at("state/pending/restart%a.service"))).toBe(true);
    });
  });
});
