import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const UNIT = "a.service";
const APP: Sections = { units: { [UNIT]: { restartOn: "/etc/a.conf" } } };
const RESTART = `mark_pending "restart%${UNIT}"\n`;
const RUN = {
  ActiveState: "active",
  SubState: "running",
  Type: "simple",
  InvocationID: "one",
  NRestarts: "0",
};

/** Restarts the unit, if that is asked for, and has it prove itself; what it says, and how often it has waited. */
const prove = (host: SystemdHost, before = RESTART, want = APP): string[] => {
  host.write("waited");
  return host.attempt(APP, want, "change_units; see; prove_ready", before);
};
const waits = (host: SystemdHost): number => (host.read("waited") ?? "").length;

/** Each wait is counted; behind the so-manieth one this happens. */
const after = (count: number, what: string): string =>
  `sleep() { printf . >>waited; [[ $(<waited) != ${".".repeat(count)} ]] || { ${what}; }; }
  export -f sleep
  ${RESTART}`;
/** systemd has started it again. */
const AGAIN = `put ${UNIT} InvocationID other; put ${UNIT} NRestarts 1`;
/** The process has ended with 1, and systemd waits for RestartSec=. */
const ENDED = `put ${UNIT} ActiveState activating; put ${UNIT} SubState auto-restart; put ${UNIT} Result exit-code`;
/** The same without Restart=. */
const FAILED = `put ${UNIT} ActiveState failed; put ${UNIT} SubState failed; put ${UNIT} Result exit-code`;

const onHost = (action: (host: SystemdHost) => void): void => {
  onSystemdHost((host) => {
    host.unit(UNIT, RUN);
    host.write(`journal.${UNIT}`, "loading\nout of memory\n");
    action(host);
  });
};
const LINES = ["loading", "out of memory"];

describe("a service that was started", () => {
  it("is proven by running on, 6 s after its start", () => {
    onHost((host) => {
      expect(prove(host, after(99, ":"))).toEqual([
        "  restarted a.service",
        "  a.service: still running after 6 s",
        "status 0",
      ]);
      // Two times 0.5 s and five times 1 s.
      expect(waits(host)).toBe(7);
      expect(host.pending).toEqual([]);
    });
  });

  it.each([
    [
      "has ended at its end and runs again, with RestartSec= of a moment",
      7,
      AGAIN,
      "ended, and systemd has started it again",
    ],
    [
      "waits for its next start, with RestartSec= of more",
      3,
      ENDED,
      "ended, and systemd is about to start it again",
    ],
    ["has failed", 5, FAILED, "is failed (exit-code)"],
    [
      "has ended by itself",
      4,
      `put ${UNIT} ActiveState inactive; put ${UNIT} Result success`,
      "is inactive (success)",
    ],
  ])("and %s ends the run with its last lines", (_, wait, what, why) => {
    onHost((host) => {
      const want = { ...APP, hardening: { [UNIT]: { setting: "goblin-host:workloads.a" } } };
      expect(prove(host, after(wait, what), want)).toEqual([
        "  restarted a.service",
        `error: bundle app: a.service ${why}, within 6 s of its start. Its last lines:`,
        ...LINES,
        "To go back, give goblin-host:workloads.a the value it had before and run pulumi up",
        "status 1",
      ]);
      expect(waits(host)).toBe(wait);
      expect(host.pending).toEqual([`watch%${UNIT}`]);
    });
  });

  it("and ends within its first second ends the run at once", () => {
    onHost((host) => {
      expect(prove(host, after(2, AGAIN))).toEqual([
        "error: bundle app: a.service ended right after its restart: out of memory",
        "status 1",
      ]);
    });
  });

  it("and ends goes back all the same where the run goes back", () => {
    onHost((host) => {
      expect(prove(host, `${after(4, ENDED)}ROLLING_BACK=1`)).toEqual([
        "  restarted a.service",
        "warning: a.service ended, and systemd is about to start it again, within 6 s of its start. Its last lines:",
        ...LINES,
        "status 0",
      ]);
      expect(host.pending).toEqual([]);
    });
  });

  it("is asked again where systemd does not answer, and the last answer counts", () => {
    const silent = (from: number, to: number): string =>
      `eval "real_$(declare -f systemctl)"
      systemctl() {
        if [[ $1 == show && $2 == *NRestarts* ]]; then
          echo look >>looks
          mapfile -t looks <looks
          if ((\${#looks[@]} >= ${from} && \${#looks[@]} <= ${to})); then echo 'no answer'; return 1; fi
        fi
        real_systemctl "$@"
      }
      rm -f looks
      ${RESTART}`;
    onHost((host) => {
      expect(prove(host, silent(4, 7)).at(-1)).toBe("status 0");
      expect(prove(host, silent(8, 8))).toEqual([
        "  restarted a.service",
        "error: bundle app: a.service may have ended: systemd does not say (no answer)",
        "status 1",
      ]);
    });
  });

  it("by a run that was killed is watched by the next one, if it runs, and is drift until then", () => {
    onHost((host) => {
      const mark = `sleep() { printf . >>waited; }\nmark_pending "watch%${UNIT}"\n`;
      expect(host.run(APP, APP, `${mark}drift unit`)).toEqual([
        "drift a.service|watch|running on||pending|it has not proven that it runs on",
      ]);
      expect(prove(host, mark)).toEqual(["  a.service: still running after 6 s", "status 0"]);
      expect(waits(host)).toBe(5);
      host.unit(UNIT, { ActiveState: "inactive" });
      expect(prove(host, mark)).toEqual(["status 0"]);
      expect(host.pending).toEqual([]);
      // That run of it ended with the boot before.
      expect(prove(host, `BOOTING=1\n${mark}`)).toEqual(["status 0"]);
      expect(host.pending).toEqual([]);
      expect(host.calls).toEqual([]);
    });
  });

  it("and whose start lasts until its program has ended has nothing to prove, like what was not started", () => {
    onHost((host) => {
      host.unit(UNIT, { Type: "oneshot" });
      expect(prove(host, after(99, ":"))).toEqual(["  restarted a.service", "status 0"]);
      expect(waits(host)).toBe(2);
      expect(prove(host, "")).toEqual(["status 0"]);
      expect(waits(host)).toBe(0);
      expect(host.pending).toEqual([]);
    });
  });

  it("is watched together with the others of its bundle", () => {
    onHost((host) => {
      host.unit("b.service", { ...RUN, InvocationID: "b" });
      const both = { units: { ...APP["units"], "b.service": { restartOn: "/etc/a.conf" } } };
      const marks = `${after(99, ":")}mark_pending restart%b.service\n`;
      expect(prove(host, marks, both)).toEqual([
        "  restarted a.service",
        "  restarted b.service",
        "  a.service: still running after 6 s",
        "  b.service: still running after 6 s",
        "status 0",
      ]);
      expect(waits(host)).toBe(9);
    });
  });
});

describe("a service with a check of its own", () => {
  const checked = (command: string): Sections => ({
    ...APP,
    ready: { [UNIT]: { timeout: "60", command, setting: "goblin-host:workloads.a" } },
  });

  it("is proven by that, without a watch", () => {
    onHost((host) => {
      expect(prove(host, after(99, ":"), checked("true"))).toEqual([
        "  restarted a.service",
        "  a.service: healthy after 0 s",
        "status 0",
      ]);
      expect(waits(host)).toBe(2);
      expect(host.pending).toEqual([]);
    });
  });

  it("is not, if systemd starts it again meanwhile, however well it is then", () => {
    onHost((host) => {
      const check = "echo >>tried; test $(wc -l <tried) = 3 || { echo not yet; false; }";
      expect(prove(host, after(4, AGAIN), checked(check))).toEqual([
        "  restarted a.service",
        "error: bundle app: a.service ended, and systemd has started it again, before it was healthy. Its last lines:",
        ...LINES,
        "To go back, give goblin-host:workloads.a the value it had before and run pulumi up",
        "status 1",
      ]);
      host.write("tried");
      host.unit(UNIT, RUN);
      expect(prove(host, after(3, ENDED), checked(check))[1]).toBe(
        `error: bundle app: a.service ended, and systemd is about to start it again, before it was healthy (${check}: not yet). Its last lines:`,
      );
    });
  });
});
