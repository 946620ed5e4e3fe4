import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { sshArguments } from "../../sandbox/ssh";
import { bundleText } from "../support/bundles";
import { killPoints, randomNumbers, stepLines, steps } from "../support/crash";
import { crashBundle } from "../support/crash-bundles";
import { CrashSweep, told } from "../support/crash-sweep";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong, LONG } from "../support/long";

const SEED = Number(process.env["GOBLIN_HOST_SEED"] ?? Date.now() % 2 ** 31);

let sweep: CrashSweep;

beforeAll(async () => {
  sweep = await CrashSweep.boot("crash");
});

afterAll(() => sweep.end());

describe("a run that is killed", () => {
  beforeEach(async () => {
    await sweep.reset();
  });

  it(
    "at every step of apply and remove is healed by the next, in whichever direction",
    { timeout: LONG ? 4 * 3600_000 : 600_000 },
    () => sweep.killAtSteps(LONG ? "again" : "both"),
  );

  itInLong(
    "at 20 random times, detached and with all its processes, is healed by the next",
    { timeout: 3600_000 },
    async () => {
      console.log(`seed ${SEED} (GOBLIN_HOST_SEED=${SEED} repeats it)`);
      const random = randomNumbers(SEED);
      // The unit's own start takes a part of it; what is killed after the run's end is a run like any other.
      const seconds = (most: number): string => (random() * most).toFixed(2);
      for (let run = 0; run < 7; run++) {
        await sweep.expectHealed(
          ...[`unit:${seconds(10)}:apply:v1`, "interrupted", "verify", "apply:v1", "verify"],
          ...[`unit:${seconds(8)}:apply:v2`, "interrupted", "status", "apply:v2", "verify"],
          ...[`unit:${seconds(6)}:remove`, "interrupted", "verify", "remove", "fingerprint"],
        );
      }
    },
  );

  itInLong(
    "at every step of the manager's own removal is healed by the next",
    { timeout: 2 * 3600_000 },
    async () => {
      const counted = await steps(sweep.vm, ["manager:0", "steps"]);
      const taken = counted.slice(1).flatMap(stepLines);
      console.log(`the manager's removal: ${taken.length} steps`);
      for (const k of killPoints(taken)) {
        await sweep.reset();
        const results = await steps(sweep.vm, [`manager:${k}`]);
        expect(results[0]?.status, told(results)).not.toBe(0);
        await sweep.vm.run(bundleCommands("manager").remove);
        await sweep.vm.run(bundleCommands("manager").remove);
        expect(difference(sweep.bare, await fingerprint(sweep.vm)), `killed at ${k}`).toEqual([]);
        expect(await sweep.vm.run("ls -d /run/ai-resource-manager 2>/dev/null || echo none")).toBe("none\n");
      }
    },
  );

  itInLong("while dpkg unpacks is healed by the next, and the package goes with the bundle", async () => {
    const [, , status] = await sweep.expectHealed(
      ...["apt:apply:package", "interrupted", "status", "apply:package", "verify", "remove"],
    );
    expect(status?.output).toContain(`"interrupted":["crash"]`);
    expect(
      await sweep.vm.run(
        "dpkg --audit; dpkg-query -W -f '${db:Status-Status}' bc 2>/dev/null || echo absent",
      ),
    ).toBe("absent\n");
    expect(difference(sweep.prepared, await fingerprint(sweep.vm))).toEqual([]);
  });
});

describe("a connection that is cut in the middle of an apply", () => {
  it("does not stop it: it runs on to its end", async () => {
    await sweep.reset();
    const client = execa(
      "ssh",
      [...sshArguments(sweep.vm.files.sshConfig, "root", true), "ai-resource-manager apply crash"],
      {
        input: bundleText(crashBundle(1)),
        reject: false,
      },
    );
    const store = "/var/lib/ai-resource-manager";
    await sweep.vm.run(`until [ -L ${store}/journal/crash@1 ]; do sleep 0.05; done`);
    client.kill("SIGKILL");
    await client;
    // Not over when the connection went: nothing is in force yet.
    expect(await sweep.vm.run(`ls ${store}/bundles ${store}/journal`)).toMatch(/journal:\ncrash@1\n$/);
    await sweep.vm.run(`until [ ! -L ${store}/journal/crash@1 ]; do sleep 0.2; done`);
    const deadline = Date.now() + 60_000;
    while ((await sweep.vm.run("systemctl list-units --no-legend 'ai-resource-manager-apply-*'")) !== "") {
      expect(Date.now(), "the unit does not end").toBeLessThan(deadline);
      await sleep(200);
    }
    expect(await sweep.vm.run("ai-resource-manager verify")).toContain("all holds");
    expect(await sweep.vm.run(`readlink ${store}/bundles/crash`)).toContain("crash@1");
  });
});
