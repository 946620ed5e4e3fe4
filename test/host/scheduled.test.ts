import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

/** The boot's run ends as the file says; systemd is asked for the look after it. */
const MACHINE = `
exec 2>&1
main() { echo "main $*"; [[ ! -e leaves ]] || echo >"$RUN/settled"; STATUS=$(<boot); }
systemd-run() { echo "look later: \${*: -4}"; }
systemctl() { echo "systemctl $*"; }
examine() { EXAMINED=(swap) LIMITS=() FINDINGS=(); [[ ! -e drift ]] || FINDINGS=($'swap\t/swapfile\tswap\t16 GiB\t\toff\tis off'); }
`;
const LATER = "look later: systemctl start --no-block ai-resource-manager.service";
const RETRY = (attempt: number) =>
  `warning: the limits could not all be put in force (attempt ${attempt} of 3): the next is in five minutes`;

/** What a run of the unit says, and how it ends. */
function run(folder: string, before = "", mode = "verify"): string[] {
  const text = `${MACHINE}\n${before}\nscheduled ${mode}\necho "status $STATUS"`;
  return bashWithStore(text, folder, { TRANSIENT_UNITS: join(folder, "transient") })
    .trim()
    .split("\n");
}

describe("the unit's run", () => {
  it("repairs at boot, and looks later and every day", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "boot"), "0");
      writeFileSync(join(folder, "leaves"), "");
      expect(run(folder)).toEqual(["main apply --boot", LATER, "status 0"]);
      expect(existsSync(join(folder, "run", "boot-attempts"))).toBe(false);
      expect(run(folder)).toEqual(["1 bundles, 0 limits: all holds", "status 0"]);
      writeFileSync(join(folder, "drift"), "");
      const found = "swap: /swapfile swap: declared 16 GiB, kernel off (is off)";
      expect(run(folder)).toEqual([found, "status 3"]);
      expect(JSON.parse(readFileSync(join(folder, "run", "last-verify.json"), "utf8"))).toMatchObject({
        exitCode: 3,
        findings: 1,
      });
      expect(readFileSync(join(folder, "state", "events.log"), "utf8")).toMatch(
        /^\d+\tfound\tswap\t\/swapfile/,
      );
      expect(run(folder, "", "repair")).toEqual([
        found,
        "systemctl start --no-block ai-resource-manager-repair.service",
        "repairing: journalctl -u ai-resource-manager-repair",
        "status 3",
      ]);
    });
  });

  it("comes three times for what has to wait until dockerd runs, and then looks every day all the same", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "boot"), "0");
      for (const attempt of ["1", "2", "3"]) {
        expect(run(folder)).toEqual(["main apply --boot", LATER, "status 0"]);
        expect(readFileSync(join(folder, "run", "boot-attempts"), "utf8").trim()).toBe(attempt);
      }
      expect(run(folder)).toEqual(["1 bundles, 0 limits: all holds", "status 0"]);
    });
  });

  it("tries three times what fails at boot, then reports it, and looks every day all the same", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "boot"), "1");
      writeFileSync(join(folder, "drift"), "");
      expect(run(folder)).toEqual(["main apply --boot", RETRY(1), LATER, "status 1"]);
      expect(run(folder)).toEqual(["main apply --boot", RETRY(2), LATER, "status 1"]);
      const last = run(folder);
      expect(last[1]).toMatch(/^error: the limits could not all be put in force in 3 attempts\. From now on/);
      expect(last.slice(2)).toEqual([LATER, "status 1"]);
      for (let day = 0; day < 2; day++)
        expect(run(folder)).toEqual([
          "swap: /swapfile swap: declared 16 GiB, kernel off (is off)",
          "status 3",
        ]);
      expect(readFileSync(join(folder, "state", "events.log"), "utf8")).toContain("\tfailed\tmanager\t");
    });
  });

  it("counts one that was killed, and none that waited for another run in vain", () => {
    inFolder((folder) => {
      const tries = () => readFileSync(join(folder, "run", "boot-attempts"), "utf8");
      writeFileSync(join(folder, "boot"), "4");
      expect(run(folder)).toEqual(["main apply --boot", LATER, "status 4"]);
      expect(tries()).toBe("0\n");
      run(folder, 'main() { cp "$RUN/boot-attempts" killed; }');
      expect(readFileSync(join(folder, "killed"), "utf8")).toBe("1\n");
    });
  });

  it("tells the monitor of a look that failed", () => {
    inFolder((folder) => {
      const failing = `: >"$RUN/settled"; examine() { FINDINGS=(x); echo 'systemctl fails' >&2; false; }`;
      const said = run(folder, failing);
      expect(said[0]).toBe("systemctl fails");
      expect(said[1]).toMatch(/^error: false ended with 1/);
      expect(said.at(-1)).toBe("status 1");
      const told = JSON.parse(readFileSync(join(folder, "run", "last-verify.json"), "utf8")) as object;
      expect(told).toMatchObject({ exitCode: 1, findings: 0 });
    });
  });

  it("shortens the events when the look is over, and is a failed one where it cannot", () => {
    inFolder((folder) => {
      const settled = `: >"$RUN/settled"; exec 9<>"$LOCK_FILE"; exec 9>&-`;
      const many = `for i in {1..9000}; do printf '%s\\tapplied\\tswap\\tgeneration of some length\\n' "$i"; done >"$EVENTS"`;
      const events = () => readFileSync(join(folder, "state", "events.log"), "utf8").split("\n").length - 1;
      expect(run(folder, `${settled}; ${many}; tail() { return 1; }`)).toEqual([
        "1 bundles, 0 limits: all holds",
        expect.stringMatching(/^error: .* ended with 1 \(in bound_events\)$/),
        "status 1",
      ]);
      expect(events()).toBe(9000);
      const told = JSON.parse(readFileSync(join(folder, "run", "last-verify.json"), "utf8")) as object;
      expect(told).toMatchObject({ exitCode: 1, findings: 0 });
      expect(run(folder, settled)).toEqual(["1 bundles, 0 limits: all holds", "status 0"]);
      expect(events()).toBeLessThan(4500);
    });
  });

  it("does not ask twice for the look after the boot", () => {
    inFolder((folder) => {
      writeFileSync(join(folder, "boot"), "0");
      const asked = "mkdir transient; : >transient/ai-resource-manager-after-boot.timer";
      expect(run(folder, asked)).toEqual(["main apply --boot", "status 0"]);
    });
  });

  it("has the look after the boot no more once nothing is applied", () => {
    inFolder((folder) => {
      const text = `${MACHINE}
        mkdir transient; : >transient/ai-resource-manager-after-boot.timer
        leave_when_last`;
      const said = bashWithStore(text, folder, { TRANSIENT_UNITS: join(folder, "transient") });
      expect(said).toBe("systemctl stop -- ai-resource-manager-after-boot.timer\n");
      expect(readdirSync(folder)).toEqual(["transient"]);
    });
  });

  it("leaves the host to a run that is changing it", () => {
    inFolder((folder) => {
      const locked = `: >"$RUN/settled"; exec 9<>"$LOCK_FILE"; flock 9; echo 'apply swap (pid 1)' >"$LOCK_FILE"`;
      expect(run(folder, locked)).toEqual([
        "apply swap (pid 1) is changing this host; the next look is tomorrow",
        "status 0",
      ]);
      expect(existsSync(join(folder, "run", "last-verify.json"))).toBe(false);
    });
  });
});
