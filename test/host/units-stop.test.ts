import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE: Sections = {};
const OURS: Sections = {
  units: { "a.service": { active: "true", enabled: "true", restartOn: "/etc/a.conf" } },
};
const REPLACES: Sections = { replaces: { "old.service": { "": "old tools" } } };

/** A record of how a unit stood before. */
const record = (section: string, unit: string, file: string, active: string): string =>
  `record_original ${section} ${unit} ${file} ${active}\n`;
const stop = (host: SystemdHost, before: string, was = OURS): string[] =>
  host.attempt(was, NONE, "stop_gone_units", before);
const giveBack = (host: SystemdHost, before = "", was = OURS): string[] =>
  host.attempt(was, NONE, "give_back_units", before);

describe("a unit that the bundle brought", () => {
  it("stops and is disabled before its files go", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      const brought = record("units", "a.service", "none", "inactive");
      expect(stop(host, `${brought}FAILS=stop:a.service`)).toEqual([
        "error: bundle app: a.service cannot be stopped: Failed to stop a.service: no",
        "status 1",
      ]);
      expect(stop(host, `${brought}FAILS=disable:a.service`)).toEqual([
        "  stopped a.service",
        "error: bundle app: a.service cannot be disabled: Failed to disable a.service: no",
        "status 1",
      ]);
      host.write("calls");
      // Nothing to stop is no receipt.
      expect(stop(host, brought)).toEqual(["status 0"]);
      expect(host.calls).toEqual(["systemctl disable a.service"]);
      expect(stop(host, brought)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("stops, too, where it runs without being wanted active and its file is ours", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "activating", UnitFileState: "static" });
      const files = { [host.at("etc/a.service")]: { mode: "0644", content: "" } };
      const brought = record("units", "a.service", "none", "inactive");
      expect(stop(host, brought, { units: { "a.service": { "": "" } } })).toEqual(["status 0"]);
      expect(stop(host, brought, { units: { "a.service": { "": "" } }, files })).toEqual([
        "  stopped a.service",
        "status 0",
      ]);
    });
  });

  it("does not stop where the owner's own ran before, or was about to", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      for (const state of ["active", "activating", "reloading"])
        expect(stop(host, record("units", "a.service", "enabled", state))).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is not waited for at boot, and does not start any more", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "disabled" });
      const before = `BOOTING=1 BUSY=1\n${record("units", "a.service", "none", "inactive")}`;
      expect(stop(host, before)).toEqual(["  told systemd to stop a.service", "status 0"]);
      host.unit("a.service", { ActiveState: "inactive" });
      expect(stop(host, before)).toEqual(["status 0"]);
      expect(host.calls).toEqual([
        "systemctl --no-block stop a.service",
        "systemctl --no-block stop a.service",
      ]);
    });
  });
});

describe("a unit that is given back", () => {
  it("restarts without our files, and its marks and record go", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      const before = `${record("units", "a.service", "enabled", "active")}
        mark_pending "restart%a.service"; mark_pending "stop%a.service%a"`;
      expect(giveBack(host, before)).toEqual(["  restarted a.service", "status 0"]);
      expect(host.calls).toEqual(["systemctl restart a.service"]);
      expect(host.pending).toEqual([]);
      expect(host.list("originals")).toEqual([]);
    });
  });

  it("that does not run any more is told, and there is no receipt", () => {
    onSystemdHost((host) => {
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      const before = `${record("units", "a.service", "enabled", "active")} mark_pending "restart%a.service"`;
      expect(giveBack(host, `${before}; FAILS=restart:a.service`)).toEqual([
        "warning: a.service did not restart: Failed to restart a.service: no; it is tried once more",
        "warning: a.service does not run without its drop-ins: it did not restart: Failed to restart a.service: no",
        "status 0",
      ]);
    });
  });

  it("keeps the stamp of a timer that is its owner's", () => {
    onSystemdHost((host) => {
      const was = { units: { "a.timer": { "": "" }, "b.timer": { "": "" } } };
      host.write("stamps/stamp-a.timer");
      host.write("stamps/stamp-b.timer");
      const before =
        record("units", "a.timer", "enabled", "active") + record("units", "b.timer", "none", "inactive");
      expect(giveBack(host, before, was)).toEqual(["status 0"]);
      expect(host.run(NONE, NONE, "ls stamps")).toEqual(["stamp-a.timer"]);
    });
  });

  it("that was masked is masked again, unless somebody has made a file of its own", () => {
    onSystemdHost((host) => {
      const before = record("units", "a.service", "masked", "inactive");
      host.unit("a.service", { UnitFileState: "disabled" });
      expect(giveBack(host, `${before}FAILS=mask:a.service`)).toEqual([
        "error: bundle app: a.service cannot be masked again: Failed to mask a.service: no",
        "status 1",
      ]);
      expect(giveBack(host, `${before}LIES=mask:a.service`)).toEqual([
        "error: bundle app: a.service is disabled after it was masked again",
        "status 1",
      ]);
      expect(host.list("originals")).toEqual(["units%a.service"]);
      expect(giveBack(host, before)).toEqual(["status 0"]);
      expect(host.read("units/a.service/UnitFileState")).toBe("masked");
      host.unit("a.service", { UnitFileState: "disabled" });
      host.write("etc/a.service");
      expect(giveBack(host, before)).toEqual([
        "warning: a.service was masked before; somebody has made /etc/a.service since, which stays",
        "status 0",
      ]);
    });
  });
});

describe("a unit of an older tool that is given back", () => {
  const before = record("replaces", "old.service", "enabled", "active");

  it("is enabled and runs again", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "inactive", UnitFileState: "disabled" });
      expect(giveBack(host, before, REPLACES)).toEqual(["  started old.service again", "status 0"]);
      expect(host.calls).toEqual(["systemctl enable old.service", "systemctl start old.service"]);
      expect(giveBack(host, before, REPLACES)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("whose start fails once is started once more", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "inactive", UnitFileState: "enabled" });
      const onceFailing = `try_start() {
        [[ -z \${FAILED-} ]] || { systemctl "$1" -- "$2"; REPLY=; return; }
        FAILED=yes REPLY="did not $1: no"
      }
      `;
      expect(giveBack(host, onceFailing + before, REPLACES)).toEqual([
        "warning: old.service did not start: no; it is tried once more",
        "  started old.service again",
        "status 0",
      ]);
      expect(host.calls).toEqual(["systemctl start old.service"]);
    });
  });

  it("that does not start is told, after all else is given back, and never said to run", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "inactive", UnitFileState: "disabled" });
      expect(giveBack(host, `${before}FAILS=start:old.service`, REPLACES)).toEqual([
        "warning: old.service did not start: Failed to start old.service: no; it is tried once more",
        "warning: old.service ran before and does not start again: it did not start: Failed to start old.service: no",
        "status 0",
      ]);
      expect(host.read("units/old.service/UnitFileState")).toBe("enabled");
      expect(host.list("originals")).toEqual([]);
      expect(giveBack(host, `${before}LIES=start:old.service`, REPLACES)).toEqual([
        "warning: old.service ran before and does not start again: it is inactive after its start",
        "status 0",
      ]);
    });
  });

  it("that cannot be enabled ends the run with its record kept", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "inactive", UnitFileState: "disabled" });
      expect(giveBack(host, `${before}FAILS=enable:old.service`, REPLACES)).toEqual([
        "error: bundle app: old.service cannot be enabled: Failed to enable old.service: no",
        "status 1",
      ]);
      expect(giveBack(host, `${before}LIES=enable:old.service`, REPLACES)).toEqual([
        "error: bundle app: old.service is disabled after it was enabled again",
        "status 1",
      ]);
      expect(host.list("originals")).toEqual(["replaces%old.service"]);
    });
  });

  it("stays what its owner has made of it since", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "active", UnitFileState: "masked" });
      expect(giveBack(host, before, REPLACES)).toEqual([
        "warning: old.service was enabled before and is masked now, which it stays",
        "status 0",
      ]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is not waited for at boot", () => {
    onSystemdHost((host) => {
      host.unit("old.service", { ActiveState: "inactive", UnitFileState: "enabled" });
      expect(giveBack(host, `BOOTING=1 BUSY=1\n${before}`, REPLACES)).toEqual([
        "  told systemd to start old.service again",
        "status 0",
      ]);
      host.unit("a.service", { ActiveState: "active", UnitFileState: "enabled" });
      const restart = `${record("units", "a.service", "enabled", "active")} mark_pending "restart%a.service"`;
      expect(giveBack(host, `BOOTING=1 BUSY=1\n${restart}`)).toEqual([
        "  told systemd to restart a.service",
        "status 0",
      ]);
      expect(host.calls).toEqual([
        "systemctl --no-block start old.service",
        "systemctl --no-block try-restart a.service",
      ]);
    });
  });
});

describe("an empty slice that nobody declares any more", () => {
  const stopSlice = (host: SystemdHost, before = ""): string[] =>
    host.attempt(NONE, NONE, "stop_empty_slice 'ai-x\\x2dy.slice'", before);
  const events = "cgroups/ai.slice/ai-x\\x2dy.slice/cgroup.events";

  it("is stopped, and one with processes or units is not, nor one at boot", () => {
    onSystemdHost((host) => {
      expect(stopSlice(host)).toEqual(["status 0"]);
      host.unit("ai-x\\x2dy.slice", { ActiveState: "active", RequiredBy: "ended.service once.service" });
      host.write(events, "populated 1\nfrozen 0\n");
      expect(stopSlice(host)).toEqual(["status 0"]);
      host.write(events, "populated 0\nfrozen 0\n");
      expect(stopSlice(host, "BOOTING=1")).toEqual(["status 0"]);
      // It ran, ended, and remains active.
      host.unit("once.service", { ActiveState: "active" });
      expect(stopSlice(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
      host.unit("once.service", { ActiveState: "inactive" });
      expect(stopSlice(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual(["systemctl stop ai-x\\x2dy.slice"]);
      host.unit("ai-x\\x2dy.slice", { ActiveState: "active" });
      expect(stopSlice(host, "FAILS='stop:ai-x\\x2dy.slice'")).toEqual([
        "warning: the slice ai-x\\x2dy.slice is empty and cannot be stopped: Failed to stop ai-x\\x2dy.slice: no",
        "status 0",
      ]);
    });
  });

  it("is found by its file, and by the units that were in it", () => {
    onSystemdHost((host) => {
      for (const slice of ["ai.slice", "ai.slice/ai-a.slice", "ai.slice/ai-b.slice"]) {
        host.write(`cgroups/${slice}/cgroup.events`, "populated 0\n");
        host.unit(basename(slice), { ActiveState: "active" });
      }
      host.write("etc/ai.slice");
      host.unit("a.service", { Slice: "ai-a.slice" });
      const files = { [host.at("etc/ai-b.slice")]: { mode: "0644", content: "" } };
      const was = { files, limits: { "a.service": { TasksMax: "1" } }, units: { "a.service": { "": "" } } };
      // What was asked when the unit was given back is not where it is now.
      const before = record("units", "a.service", "enabled", "active");
      expect(host.attempt(was, NONE, "give_back_units; stop_gone_slices", before)).toEqual(["status 0"]);
      expect(host.calls).toEqual(["systemctl stop ai-b.slice", "systemctl stop ai-a.slice"]);
    });
  });
});
