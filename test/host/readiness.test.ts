import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE: Sections = {};
const UNIT = "a.service";
const wants = (ready: Record<string, string>): Sections => ({
  ready: { [UNIT]: { timeout: "0", setting: "goblin-host:workloads.a", ...ready } },
});
const prove = (host: SystemdHost, want: Sections, before = ""): string[] =>
  host.attempt(NONE, want, "prove_ready", before);
const pending = `mark_pending "ready%${UNIT}"\n`;

describe("a unit that has to prove that it is well", () => {
  it("has when its check passes", () => {
    onSystemdHost((host) => {
      host.unit(UNIT, { ActiveState: "active" });
      expect(prove(host, wants({ command: "true" }), pending)).toEqual([
        "  a.service: healthy after 0 s",
        "status 0",
      ]);
      expect(host.pending).toEqual([]);
      // By systemd's word, where it has no check.
      expect(prove(host, wants({}), pending)).toEqual(["status 0"]);
      expect(host.pending).toEqual([]);
    });
  });

  it("gets its time, and a check that fails meanwhile is no failure", () => {
    onSystemdHost((host) => {
      host.unit(UNIT, { ActiveState: "active" });
      const check = { command: "echo >>tried; test $(wc -l <tried) = 3", timeout: "60" };
      expect(prove(host, wants(check), pending)[0]).toMatch(/a\.service: healthy after \d s/);
    });
  });

  it("and is not well in time ends the run with its last word; a way back goes on", () => {
    onSystemdHost((host) => {
      host.unit(UNIT, { ActiveState: "active" });
      host.write("journal.a.service", `one\n${"x".repeat(600)}\n`);
      const said = (kind: string): string[] => [
        `${kind}a.service did not become healthy within 0 s (echo no; exit 1: no). Its last lines:`,
        "one",
        "x".repeat(500),
        "To go back, give goblin-host:workloads.a the value it had before and run pulumi up",
      ];
      const want = wants({ command: "echo no; exit 1" });
      expect(prove(host, want, pending)).toEqual([...said("error: bundle app: "), "status 1"]);
      expect(host.pending).toEqual([`ready%${UNIT}`]);
      expect(prove(host, want, `${pending}ROLLING_BACK=1`)).toEqual([...said("warning: "), "status 0"]);
    });
  });

  it("is started where it must run, and asked in its container", () => {
    onSystemdHost((host) => {
      host.unit(UNIT, { ActiveState: "failed" });
      const want = wants({ start: "true", command: "true", container: "a" });
      expect(prove(host, want)).toEqual([
        "  started a.service",
        "  a.service: healthy after 0 s",
        "status 0",
      ]);
      expect(host.calls).toEqual([`systemctl reset-failed ${UNIT}`, `systemctl start ${UNIT}`]);
      const sick = prove(host, want, `${pending}docker() { echo "docker $*"; return 1; }`);
      expect(sick.slice(0, 2)).toEqual([
        "error: bundle app: a.service did not become healthy within 0 s (true: docker exec a sh -c true). Its last lines:",
        "docker logs --tail 5 a",
      ]);
    });
  });

  it("is neither started nor asked at boot, and keeps its mark for the next run", () => {
    onSystemdHost((host) => {
      const want = wants({ start: "true", command: "touch asked", container: "a" });
      expect(prove(host, want, `BOOTING=1\n${pending}`)).toEqual(["status 0"]);
      expect(host.run(NONE, want, 'BOOTING=1; containers_well; echo "well: $ANSWER"; drift ready')).toEqual([
        "well: yes",
      ]);
      expect(host.calls).toEqual([]);
      expect(host.read("asked")).toBeUndefined();
      expect(host.pending).toEqual([`ready%${UNIT}`]);
      expect(host.run(NONE, want, "drift ready")).toEqual([
        "drift a.service|active|active||inactive|is inactive",
        "drift a.service|ready|healthy||pending|it has not proven that it is well",
      ]);
    });
  });

  it("is one whose bundle says something else of it, and a container that is not well", () => {
    onSystemdHost((host) => {
      const was = wants({ revision: "1", container: "a", command: "test -e well" });
      expect(host.attempt(was, was, "plan_readiness")).toEqual(["status 0"]);
      expect(host.pending).toEqual([]);
      host.attempt(was, wants({ revision: "2" }), "plan_readiness");
      expect(host.pending).toEqual([`ready%${UNIT}`]);
      host.attempt(was, NONE, "plan_readiness");
      expect(host.pending).toEqual([]);
      const asked = (exec: string): string[] =>
        host.run(was, was, `docker() { ${exec}; }; containers_well; echo "well: $ANSWER"`);
      expect(asked("return 0")).toEqual(["well: yes"]);
      expect(asked("return 1")).toEqual(["well: "]);
      expect(host.pending).toEqual([`ready%${UNIT}`]);
    });
  });
});
