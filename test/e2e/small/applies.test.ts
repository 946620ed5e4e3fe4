import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { apply, applyAll, bundles, bundleText } from "../support/bundles";
import { install, randomNumbers, sample, stepLines, steps } from "../support/crash";
import { crashBundle, OWNERS_MACHINE } from "../support/crash-bundles";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong, LONG } from "../support/long";
import { goTo, machine, SMALL_SIZE } from "../support/machine";

const SEED = Number(process.env["GOBLIN_HOST_SEED"] ?? Date.now() % 2 ** 31);
const POWER_CUTS = LONG ? 20 : 1;
const APPLIES = 200;
const FULL_DISKS = LONG ? 8 : 1;

const vm = machine(SMALL_SIZE);
const V1 = crashBundle(1);
const { confirmSeconds, ...V2 } = crashBundle(2);

/** What of the bundle is quick to apply 200 times: a file, and a drop-in for which systemd is reloaded. */
function quick(version: 1 | 2): Bundle {
  const { name, files = {}, limits = {} } = crashBundle(version);
  const few = Object.entries(files).filter(([path]) => /keep\.conf$|ollama/.test(path));
  return { name, files: Object.fromEntries(few), limits };
}

const STORE = "/var/lib/ai-resource-manager";

const verify = () => vm.ssh("ai-resource-manager verify", { fresh: true });

describe("an apply", () => {
  let before: string[];

  beforeAll(async () => {
    expect(confirmSeconds).toBeGreaterThan(0);
    await goTo(vm, "clean");
    await vm.run(OWNERS_MACHINE);
    before = await fingerprint(vm);
    await applyAll(vm, [bundles.manager(), V1]);
    await vm.snapshot("two-bundles");
  });

  beforeEach(async () => {
    await vm.reset("two-bundles");
  });

  const expectWhole = async (): Promise<void> => {
    expect(await vm.run("ai-resource-manager verify", { fresh: true })).toContain("all holds");
    for (const bundle of ["crash", "manager"]) await vm.run(bundleCommands(bundle).remove);
    expect(difference(before, await fingerprint(vm))).toEqual([]);
  };

  const cutAfterSeconds = async (timeoutSeconds: number): Promise<void> => {
    const cut = apply(vm, V2, { fresh: true, timeoutSeconds }).catch(() => undefined);
    expect(await cut).toBeUndefined();
    await vm.run(
      `for i in $(seq 120); do grep -q 'version 2' /etc/goblin-crash/keep.conf && ! systemctl list-units --plain --no-legend 'ai-resource-manager-apply-*' | grep -q . && exit; sleep 1; done; exit 1`,
      { timeoutSeconds: 240 },
    );
    expect(await vm.run("ls -d /run/ai-resource-manager/spool.* 2>/dev/null || echo none")).toBe("none\n");
    await expectWhole();
  };

  itInLong("whose connection is cut goes on to its end", () => cutAfterSeconds(2));

  itInLong("whose connection is cut while it waits for another one has its turn all the same", async () => {
    await vm.run("setsid flock /run/ai-resource-manager/lock sleep 12 >/dev/null 2>&1 &");
    await cutAfterSeconds(6);
  });

  it("waits for another one, and both end well", async () => {
    // Whichever comes first takes seconds.
    const keep = { "/etc/goblin-crash/keep.conf": { mode: "0600", content: "version 3\n" } };
    const [first, second] = await Promise.all([
      apply(vm, V2, { fresh: true }),
      apply(vm, { ...V2, files: { ...V2.files, ...keep } }, { fresh: true }),
    ]);
    const said = [first, second].map(({ stdout, stderr }) => stdout + stderr).join("---\n");
    expect([first.code, second.code], said).toEqual([0, 0]);
    expect(said).toMatch(/waiting for apply crash .*\(at most \d+ s\)/);
    await expectWhole();
  });

  it("on a disk that fills up in the middle of it leaves nothing half, and works once there is room", async () => {
    await install(vm, { v1: bundleText(V1), v2: bundleText(V2) });
    const [, counted] = await steps(vm, ["kill:0:apply:v2", "steps"]);
    const count = counted === undefined ? 0 : stepLines(counted).length;
    expect(count).toBeGreaterThan(20);
    for (const step of sample(count, FULL_DISKS)) {
      await vm.reset("two-bundles");
      await install(vm, { v1: bundleText(V1), v2: bundleText(V2) });
      const [filled] = await steps(vm, [`fill:${step}:apply:v2`]);
      const story = `full from step ${step} of ${count} on: ${filled?.status} ${filled?.output}`;
      const [kept = ""] = (await vm.run("cat /etc/goblin-crash/keep.conf")).split("\n");
      expect(kept, story).toMatch(/^version [12]$/);
      await vm.run("rm -f /var/tmp/filler*");
      await applyAll(vm, [V2]);
      await expectWhole();
    }
  });

  it(
    `and the machine's power is cut at ${POWER_CUTS} random times: the next boot or run heals it`,
    { timeout: 3_600_000 },
    async () => {
      const random = randomNumbers(SEED);
      for (let cut = 0; cut < POWER_CUTS; cut++) {
        const wanted = cut % 2 === 0 ? V2 : V1;
        const milliseconds = Math.round(500 + random() * 7000);
        const applying = apply(vm, wanted, { fresh: true }).catch(() => undefined);
        await sleep(milliseconds);
        await vm.powerCut();
        await applying;
        const story = `power cut ${cut} after ${milliseconds} ms, seed ${SEED}`;
        console.log(`${new Date().toISOString()} ${story}`);
        // The boot itself goes back or forward; what it holds is whole either way.
        const { code, stdout } = await verify();
        expect(code, `${story}\n${stdout}`).toBe(0);
        await applyAll(vm, [wanted]);
        expect((await verify()).code, story).toBe(0);
      }
      await expectWhole();
    },
  );

  itInLong(
    `does ${APPLIES} times what it does once: nothing grows beyond its bound`,
    { timeout: 3_600_000 },
    async () => {
      await vm.run("mkdir -p /run/applies; cat >/run/applies/1", { stdin: bundleText(quick(1)) });
      await vm.run("cat >/run/applies/2", { stdin: bundleText(quick(2)) });
      const round = (count: number) =>
        vm.run(
          `for i in $(seq ${count}); do
          echo "edit $i" >>/etc/goblin-crash/keep.conf
          ai-resource-manager apply crash </run/applies/$((i % 2 + 1)) >/run/applies/out 2>&1 || { cat /run/applies/out; exit 1; }
        done
        ls ${STORE}/versions | grep -c crash; ls ${STORE}/displaced | wc -l
        systemctl list-units --all --no-legend --plain 'ai-resource-manager-*' | wc -l
        du -sk ${STORE} | cut -f 1; du -sk --exclude=/run/log /run /tmp /var/tmp | cut -f 1; awk '/VmRSS/ { print $2 }' /proc/1/status`,
          { timeoutSeconds: 590 },
        );
      const sizes = async (): Promise<number[]> => (await round(APPLIES / 10)).trim().split("\n").map(Number);
      const first = await sizes();
      let last = first;
      for (let done = 1; done < 10; done++) last = await sizes();
      const [versions, displaced, units, ...kib] = last;
      expect(versions).toBeLessThanOrEqual(11);
      expect(displaced).toBeLessThanOrEqual(50);
      expect(units).toBe(0);
      expect(kib[0]).toBeLessThan(4096);
      // The store, the folders that come and go (/run is memory), and systemd's own memory.
      const [, , , ...before] = first;
      expect(kib).toHaveLength(5);
      for (const [index, size] of kib.entries()) expect(size - (before[index] ?? 0)).toBeLessThan(1024);
      await vm.run(`rm -rf ${STORE}/displaced/*`);
      await expectWhole();
    },
  );
});
