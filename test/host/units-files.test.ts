import { symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE = {};
const ENABLED = { units: { "a.service": { enabled: "true" } } };

describe("a reload of systemd", () => {
  it("is said, and not pending any more, when it has been done", () => {
    onSystemdHost((host) => {
      const reload = (before = ""): string[] =>
        host.attempt(NONE, NONE, "reload_if_pending", `mark_pending reload\n${before}`);
      expect(reload("FAILS=daemon-reload:")).toEqual([
        "error: bundle app: systemd was not reloaded (systemctl daemon-reload): Failed to daemon-reload : no",
        "status 1",
      ]);
      expect(host.pending).toEqual(["reload"]);
      expect(reload()).toEqual(["  reloaded systemd", "status 0"]);
      expect(host.pending).toEqual([]);
    });
  });
});

describe("a reload for new unit files", () => {
  const LOADED = { LoadState: "loaded", NeedDaemonReload: "no" };
  const NEW = "etc/new.service";
  const DROP_IN = "etc/old.service.d/zz-goblin.conf";

  /** What is said and done for these new files, of which systemd shows what the units of the host have. */
  const settle = (host: SystemdHost, files: readonly string[], before = ""): string[] => {
    const marks = files.map((file) => `mark_reload '${host.at(file)}'`).join("\n");
    const said = host.attempt(NONE, NONE, "reload_if_pending", `${before}\n${marks}`);
    expect(host.pending).toEqual([]);
    return [...said, ...host.calls];
  };
  const RELOADED = ["  reloaded systemd", "status 0", "systemctl daemon-reload"];

  it("is left out where systemd has read them all by itself", () => {
    onSystemdHost((host) => {
      host.unit("new.service", { ...LOADED, FragmentPath: host.at(NEW), UnitFileState: "enabled" });
      host.unit("old.service", { ...LOADED, DropInPaths: `/run/x.conf ${host.at(DROP_IN)}` });
      expect(settle(host, [NEW, DROP_IN], "ENABLED=(new.service)")).toEqual(["status 0"]);
    });
  });

  it("is done where it has not, or keeps an older state", () => {
    const shown: readonly Record<string, string>[] = [
      { LoadState: "not-found" },
      { ...LOADED, LoadState: "masked" },
      { ...LOADED, NeedDaemonReload: "yes" },
      { ...LOADED, FragmentPath: "/lib/systemd/system/new.service" },
      { ...LOADED, UnitFileState: "disabled" },
    ];
    for (const properties of shown) {
      onSystemdHost((host) => {
        host.unit("new.service", { FragmentPath: host.at(NEW), UnitFileState: "enabled", ...properties });
        expect(settle(host, [NEW], "ENABLED=(new.service)")).toEqual(RELOADED);
      });
    }
    onSystemdHost((host) => {
      // Nobody needs to ask for what runs.
      host.unit("new.service", { ...LOADED, FragmentPath: host.at(NEW), UnitFileState: "enabled" });
      expect(settle(host, [NEW], 'SEEN_UNIT["new.service|ActiveState"]=active')).toEqual(RELOADED);
      host.unit("old.service", { ...LOADED, DropInPaths: "/run/x.conf" });
      expect(settle(host, [DROP_IN])).toEqual(RELOADED);
    });
  });

  it("is done for what is no one unit, for anything else that changed, and after a run that was killed", () => {
    onSystemdHost((host) => {
      host.unit("new.service", { ...LOADED, FragmentPath: host.at(NEW) });
      for (const file of ["etc/service.d/50.conf", "etc/a@.service", "etc/ai-.slice.d/50.conf"])
        expect(settle(host, [NEW, file])).toEqual(RELOADED);
      expect(settle(host, [NEW], "mark_reload")).toEqual(RELOADED);
      expect(settle(host, [NEW], "mark_pending reload")).toEqual(RELOADED);
    });
  });

  it("follows a unit file that is changed, and not only one that is made", () => {
    onSystemdHost((host) => {
      host.unit("new.service", { ...LOADED, FragmentPath: host.at(NEW) });
      const write = (content: string): string[] => {
        const want = { files: { [host.at(NEW)]: { mode: "0644", content } } };
        return host.attempt(NONE, want, "look; change_files; reload_if_pending");
      };
      expect(write("one\n")).toEqual([`  wrote /${NEW}`, "status 0"]);
      expect(write("two\n").slice(-2)).toEqual(["  reloaded systemd", "status 0"]);
    });
  });
});

describe("the unit of a swap file that another one takes the place of", () => {
  it("is forgotten by systemd before that one is made, which may take minutes", () => {
    const swap = (path: string) => ({ swapFiles: { [path]: { size: "1048576" } } });
    onSystemdHost((host) => {
      const run = (was: string, want: string): string[] =>
        host.attempt(swap(was), swap(want), "reload_for_gone_swaps", "mark_reload");
      expect(run("/old", "/old")).toEqual(["status 0"]);
      expect(run("/old", "/new")).toEqual(["  reloaded systemd", "status 0"]);
    });
  });
});

describe("a unit that shall be enabled", () => {
  const enable = (host: SystemdHost, before = "", want: typeof ENABLED = ENABLED): string[] =>
    host.attempt(NONE, want, "enable_units", before);

  it("is, and the reload follows", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { UnitFileState: "disabled" });
      expect(enable(host)).toEqual(["  enabled a.service", "status 0"]);
      expect(host.pending).toEqual(["reload"]);
      expect(enable(host)).toEqual(["status 0"]);
      host.unit("a.service", { UnitFileState: "masked" });
      expect(enable(host)).toEqual(["  enabled a.service", "status 0"]);
      expect(host.calls).toEqual([
        "systemctl enable a.service",
        "systemctl unmask a.service",
        "systemctl enable a.service",
      ]);
    });
  });

  it("is, with all others in one process, and one more says that they are", () => {
    const two = { units: { "a.service": { enabled: "true" }, "b.service": { enabled: "true" } } };
    const receipts = ["  enabled a.service", "  enabled b.service", "status 0"];
    onSystemdHost((host) => {
      for (const before of [
        "",
        // What a preloaded library says in each process is no answer.
        'eval "real_$(declare -f systemctl)"; systemctl() { echo "ld.so: noise" >&2; real_systemctl "$@"; }',
      ]) {
        host.unit("a.service", { UnitFileState: "disabled" });
        host.unit("b.service", { UnitFileState: "disabled" });
        expect(host.attempt(NONE, two, "enable_units", before)).toEqual(receipts);
        expect(host.calls).toEqual(["systemctl enable a.service b.service"]);
      }
      host.unit("a.service", { UnitFileState: "disabled" });
      host.unit("b.service", { UnitFileState: "disabled" });
      expect(host.attempt(NONE, two, "enable_units", "LIES=enable:b.service")).toEqual([
        "  enabled a.service",
        "error: bundle app: b.service is disabled after it was enabled",
        "status 1",
      ]);
      host.unit("a.service", { UnitFileState: "disabled" });
      // systemctl ends with the first that it does not know, and says nothing of the others.
      expect(
        host.attempt(
          NONE,
          two,
          "enable_units",
          'gone() { rm -f units/a.service/UnitFileState; }; eval "real_$(declare -f systemctl)"; systemctl() { [[ $1 != is-enabled ]] || gone; real_systemctl "$@"; }',
        ),
      ).toEqual(["error: bundle app: a.service is absent after it was enabled", "status 1"]);
    });
  });

  it("is, where systemd still remembers it so from before a run that ended without the reload", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { UnitFileState: "disabled" });
      const remembered = 'SEEN_UNIT["a.service|UnitFileState"]=enabled';
      const all = "see_unit_files; enable_units";
      expect(host.attempt(NONE, ENABLED, all, remembered)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
      expect(host.attempt(NONE, ENABLED, all, `${remembered}; mark_pending reload`)).toEqual([
        "  enabled a.service",
        "status 0",
      ]);
    });
  });

  it("fails where systemd refuses it, or does not do it, and no receipt says otherwise", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { UnitFileState: "disabled" });
      expect(enable(host, "FAILS=enable:a.service")).toEqual([
        "error: bundle app: a.service cannot be enabled: Failed to enable a.service: no",
        "status 1",
      ]);
      expect(enable(host, "LIES=enable:a.service")).toEqual([
        "error: bundle app: a.service is disabled after it was enabled",
        "status 1",
      ]);
      expect(
        enable(host, "systemctl() { echo 'Failed to connect to bus: Connection refused' >&2; return 1; }"),
      ).toEqual([
        "error: bundle app: a.service cannot be enabled: Failed to connect to bus: Connection refused",
        "status 1",
      ]);
      host.unit("a.service", { UnitFileState: "masked" });
      expect(enable(host, "FAILS=unmask:a.service")).toEqual([
        "error: bundle app: a.service is masked and cannot be unmasked: Failed to unmask a.service: no",
        "status 1",
      ]);
    });
  });

  it("that a generator made is enabled by its own file", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { UnitFileState: "generated" });
      expect(enable(host)).toEqual(["status 0"]);
      const files = { [host.at("etc/a.service")]: { mode: "0644", content: "" } };
      expect(host.attempt(NONE, { ...ENABLED, files }, "enable_units")).toEqual([
        "  enabled a.service",
        "status 0",
      ]);
    });
  });
});

describe("a unit of an older tool", () => {
  const want = { replaces: { "old.service": { "": "old tools" } } };
  const retire = (host: SystemdHost, before = ""): string[] =>
    host.attempt(NONE, want, "retire_units", before);

  it("is stopped and disabled, and said", () => {
    onSystemdHost((host) => {
      expect(retire(host)).toEqual(["status 0"]);
      host.unit("old.service", { ActiveState: "active", UnitFileState: "enabled" });
      expect(retire(host)).toEqual([
        "  stopped old.service (old tools), which this bundle replaces",
        "  disabled old.service (old tools)",
        "status 0",
      ]);
      expect(host.calls).toEqual(["systemctl stop old.service", "systemctl disable old.service"]);
      expect(retire(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("that does not stop, or stays enabled, ends the run", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "active", UnitFileState: "enabled" });
      expect(retire(host, "FAILS=stop:old.service")).toEqual([
        "error: bundle app: old.service cannot be stopped: Failed to stop old.service: no",
        "status 1",
      ]);
      expect(retire(host, "LIES=stop:old.service")).toEqual([
        "error: bundle app: old.service is active after it was stopped: something starts it again (systemctl status old.service)",
        "status 1",
      ]);
      host.unit("old.service", { ActiveState: "inactive" });
      expect(retire(host, "FAILS=disable:old.service")).toEqual([
        "error: bundle app: old.service cannot be disabled: Failed to disable old.service: no",
        "status 1",
      ]);
      expect(retire(host, "LIES=disable:old.service")).toEqual([
        "error: bundle app: old.service is still enabled after it was disabled",
        "status 1",
      ]);
    });
  });

  it("is not waited for at boot", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "active", UnitFileState: "disabled" });
      expect(retire(host, "BOOTING=1 BUSY=1")).toEqual([
        "  told systemd to stop old.service (old tools), which this bundle replaces",
        "status 0",
      ]);
      expect(host.calls).toEqual(["systemctl --no-block stop old.service"]);
      expect(retire(host, "BOOTING=1")).toEqual([
        "  stopped old.service (old tools), which this bundle replaces",
        "status 0",
      ]);
    });
  });
});

describe("a unit that is not wanted enabled any more", () => {
  it("loses what enabled it, also when somebody has deleted its file", () => {
    onSystemdHost((host) => {
      symlinkSync("/nowhere/a.service", host.at("etc/a.target.wants/a.service"));
      expect(host.attempt(NONE, NONE, "disable_unit a.service")).toEqual(["status 0"]);
      expect(host.attempt(NONE, NONE, "ls etc/a.target.wants")).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is asked for by what systemd says of it, and by nothing else", () => {
    onSystemdHost((host) => {
      const says = "systemctl() { echo 'Failed to connect to bus: Host is down' >&2; return 1; }";
      expect(host.attempt(NONE, NONE, "disable_unit a.service", says)).toEqual([
        "error: bundle app: systemd does not say whether a.service is enabled (it ended with 1): Failed to connect to bus: Host is down",
        "status 1",
      ]);
    });
  });
});

describe("changed unit files", () => {
  /** What becomes of them when systemd-analyze says this and ends with that. */
  const validate = (host: SystemdHost, said: string, status: number): string[] => {
    const written = `WRITTEN=("${host.at("etc/a.service.d/zz-goblin.conf")}" "${host.at("etc/ai.slice")}" /etc/hosts)`;
    return host.attempt(
      NONE,
      NONE,
      "validate_units",
      `${written}
      systemd-analyze() { printf '%s' "\${*: -2}" >analyzed; printf '%b' "${said.replaceAll("@", host.folder)}"; return ${status}; }`,
    );
  };

  it("are accepted where systemd finds nothing in them, whatever it finds in others", () => {
    onSystemdHost((host) => {
      for (const [said, status] of [
        ["", 0],
        ["/usr/lib/systemd/system/b.service:7: Unknown key, ignoring.\n", 1],
        ["Unit a.service not found.\n", 1],
        ["a.service: Command /usr/bin/a is not executable: No such file or directory\n", 1],
        ["@/etc/a.service.d/zz-goblin.conf:3: Unit uses MemoryLimit=; please use MemoryMax= instead.\n", 0],
        [
          "@/etc/a.service.d/zz-goblin.conf:3: Unknown key 'MemoryPressureWatch' in section [Service], ignoring.\n",
          0,
        ],
      ] as const)
        expect(validate(host, said, status), said).toEqual(["status 0"]);
      expect(host.read("analyzed")).toBe("a.service ai.slice");
    });
  });

  it("are refused with systemd's word", () => {
    onSystemdHost((host) => {
      expect(validate(host, "@/etc/ai.slice:4: Unknown section, ignoring.\n", 0)).toEqual([
        "error: bundle app: systemd does not accept /etc/ai.slice:4: Unknown section, ignoring.",
        "status 1",
      ]);
    });
  });

  it("are not accepted by a check that could not be done", () => {
    onSystemdHost((host) => {
      for (const [said, status] of [
        ["", 1],
        ["Failed to initialize manager: Too many open files\n", 1],
        ["bash: systemd-analyze: command not found\n", 127],
        ["/usr/lib/systemd/system/b.service:7: Unknown key, ignoring.\n", 137],
      ] as const) {
        expect(validate(host, said, status), said).toEqual([
          `error: bundle app: systemd-analyze cannot check the unit files (it ended with ${status}): ${said.trim() || "it said nothing"}`,
          "status 1",
        ]);
      }
    });
  });
});
