import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const CONTAINER: Sections = { units: { "a.service": { container: "a" } } };
const SERVICE: Sections = { units: { "a.service": { active: "true" } } };

/** A unit that runs, as docker's client or as something else. */
function running(host: SystemdHost, ...words: readonly string[]): void {
  host.unit("a.service", { ActiveState: "active", MainPID: "7" });
  host.write("proc/7/cmdline", words.map((word) => `${word}\0`).join(""));
}
const client = ["/usr/bin/docker", "start", "--attach", "a"];
const toContainer = (host: SystemdHost, before = ""): string[] =>
  host.attempt(SERVICE, CONTAINER, "stop_switched_units", before);
const toService = (host: SystemdHost, before = "", was = CONTAINER): string[] =>
  host.attempt(was, SERVICE, "stop_switched_units", before);

describe("a service that becomes a container", () => {
  it("stops before its unit is another's", () => {
    onSystemdHost((host) => {
      running(host, "/usr/bin/llama");
      expect(toContainer(host, "FAILS=stop:a.service")).toEqual([
        "error: bundle app: a.service cannot be stopped: Failed to stop a.service: no",
        "status 1",
      ]);
      expect(toContainer(host)).toEqual(["  stopped a.service: the container a takes its place", "status 0"]);
      expect(host.pending).toEqual(["service%a.service"]);
      running(host, ...client);
      expect(toContainer(host)).toEqual(["status 0"]);
    });
  });
});

describe("a container that becomes a service", () => {
  it("stops with its unit, which starts again as a service", () => {
    onSystemdHost((host) => {
      running(host, ...client);
      host.unit("docker.service", { ActiveState: "active" });
      host.write("containers", "b\n");
      expect(toService(host)).toEqual(["  stopped the container a: a.service takes its place", "status 0"]);
      expect(host.calls).toEqual(["systemctl stop a.service"]);
      expect(host.pending).toEqual(["start%a.service"]);
    });
  });

  it("stops, too, where it runs without its unit", () => {
    onSystemdHost((host) => {
      host.unit("docker.service", { ActiveState: "active" });
      host.write("containers", "a2\nb,b/a\na\n");
      expect(toService(host)).toEqual(["  stopped the container a: a.service takes its place", "status 0"]);
      expect(host.calls).toEqual(["docker stop a"]);
      expect(toService(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("ends the run where docker does not stop it, or does not say", () => {
    onSystemdHost((host) => {
      host.unit("docker.socket", { ActiveState: "active" });
      host.write("containers", "a\n");
      expect(toService(host, "FAILS=docker:stop")).toEqual([
        "error: bundle app: the container a cannot be stopped: context deadline exceeded",
        "status 1",
      ]);
      expect(toService(host, "LIES=docker:stop")).toEqual([
        "error: bundle app: the container a runs again after it was stopped. Stop it (docker stop a), then run this again",
        "status 1",
      ]);
      expect(toService(host, "FAILS=docker:ps")).toEqual([
        "error: bundle app: docker does not say which containers run: permission denied",
        "status 1",
      ]);
      expect(host.pending).toEqual(["stop%a.service%a"]);
    });
  });

  it("is left to the next run where dockerd does not run, or would be started by the question at boot", () => {
    onSystemdHost((host) => {
      host.write("containers", "a\n");
      const later = "  the container a will be stopped by the next run in which dockerd runs";
      expect(toService(host)).toEqual([later, "status 0"]);
      // Nothing starts it, so that it is no drift.
      expect(host.run(SERVICE, CONTAINER, "drift unit")).toEqual([]);
      host.unit("docker.socket", { ActiveState: "active" });
      expect(toService(host, "BOOTING=1")).toEqual([later, "status 0"]);
      expect(host.run(SERVICE, CONTAINER, "drift unit")).toEqual([
        "drift a.service|container|stopped||pending|the container a is still to be stopped",
      ]);
      // That run knows the service only, which runs meanwhile.
      running(host, "/usr/bin/llama");
      host.write("calls");
      expect(toService(host, "", SERVICE)).toEqual([
        "  stopped the container a: a.service takes its place",
        "status 0",
      ]);
      expect(host.calls).toEqual(["docker stop a"]);
      expect(host.pending).toEqual([]);
    });
  });

  it("is not waited for at boot", () => {
    onSystemdHost((host) => {
      running(host, ...client);
      expect(toService(host, "BOOTING=1 BUSY=1")[0]).toBe(
        "  told systemd to stop the container a: a.service takes its place",
      );
      host.unit("a.service", { ActiveState: "inactive" });
      toService(host, "BOOTING=1 BUSY=1");
      expect(host.calls).toEqual([
        "systemctl --no-block stop a.service",
        "systemctl --no-block stop a.service",
      ]);
    });
  });

  it("and a container again is not stopped any more", () => {
    onSystemdHost((host) => {
      host.write("state/pending/stop%a.service%a");
      expect(toContainer(host)).toEqual(["status 0"]);
      expect(host.pending).toEqual([]);
    });
  });
});
