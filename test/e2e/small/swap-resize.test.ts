import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { apply, applyAll, bundles, installManager } from "../support/bundles";
import { itInLong } from "../support/long";
import { bootOwn, endOwn } from "../support/machine";
import { Pattern, ZRAM_OFF, ZRAM_ON } from "../support/pattern";

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

/**
 * Of this much at most 48 MiB are in memory. It is more than what is ever available on a machine with 768 MiB, and less
 * than twice as much: where memory alone must not do and where memory and zram must, neither depends on the moment.
 */
const HELD_MIB = 640;
const MEMORY_MIB = 768;

let vm: Vm;

interface Swap {
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly priority: number;
}

/** What the kernel swaps to, by path. */
async function swaps(): Promise<Record<string, Swap>> {
  const lines = (await vm.run("cat /proc/swaps")).trim().split("\n").slice(1);
  return Object.fromEntries(
    lines
      .map((line) => line.split(/\s+/))
      .map(([path = "", , size, used, priority]) => [
        path,
        { sizeBytes: Number(size) * 1024, usedBytes: Number(used) * 1024, priority: Number(priority) },
      ]),
  );
}

/** Our two swaps and nothing else: no bridge, no old file, neither on nor on the disk. */
async function expectSwapFile(sizeBytes: number): Promise<void> {
  const found = await swaps();
  expect(Object.keys(found).sort()).toEqual(["/dev/zram0", "/swapfile"]);
  expect(found["/swapfile"]).toMatchObject({ sizeBytes: sizeBytes - 4096, priority: 10 });
  expect(found["/dev/zram0"]).toMatchObject({ sizeBytes: 8 * GiB - 4096, priority: 100 });
  expect(await vm.run("ls -d /swapfile*; stat -c '%a %s' /swapfile; systemctl is-active swapfile.swap")).toBe(
    `/swapfile\n600 ${sizeBytes}\nactive\n`,
  );
}

const freeBytes = async (): Promise<number> => Number(await vm.run("df -B1 --output=avail / | tail -n 1"));

/** Takes what is free on the disk but for this much; nothing is written, so it costs no time. */
const leaveFree = (bytes: number): Promise<string> =>
  vm.run(
    `rm -f /filler; fallocate -l $(($(df -B1 --output=avail / | tail -n 1) - ${bytes})) /filler; df -B1 --output=avail / | tail -n 1`,
  );

let pattern: Pattern;

beforeAll(async () => {
  vm = await bootOwn("swap-resize", MEMORY_MIB);
  await installManager(vm, ["systemd-zram-generator", "earlyoom"]);
  await applyAll(vm, [bundles.zram({ size: "8GiB" }), bundles.swap({ size: "16GiB" }), bundles.earlyOom()]);
  pattern = await Pattern.start(vm, HELD_MIB);
});

afterAll(() => endOwn(vm));

describe("a swap file in use", () => {
  it("is resized from 16 to 8 GiB and back, and nothing is lost", async () => {
    await expectSwapFile(16 * GiB);
    const used = (await swaps())["/swapfile"]?.usedBytes ?? 0;
    expect(used, "pages in /swapfile").toBeGreaterThan((HELD_MIB - 64) * MiB);
    const free = await freeBytes();

    await applyAll(vm, [bundles.swap({ size: "8GiB" })]);
    await expectSwapFile(8 * GiB);
    await pattern.expectIntact();
    expect(Math.abs((await freeBytes()) - free - 8 * GiB)).toBeLessThan(64 * MiB);

    await applyAll(vm, [bundles.swap({ size: "16GiB" })]);
    await expectSwapFile(16 * GiB);
    await pattern.expectIntact();
    expect(Math.abs((await freeBytes()) - free)).toBeLessThan(64 * MiB);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  itInLong(
    "is resized on a disk that cannot hold both files, by way of a file as large as what is in use",
    async () => {
      await leaveFree(2 * GiB);
      const { code, stdout, stderr } = await apply(vm, bundles.swap({ size: "15GiB" }));
      expect(code, stdout + stderr).toBe(0);
      await expectSwapFile(15 * GiB);
      await pattern.expectIntact();
    },
  );

  itInLong("is resized on a disk without any room, by way of memory and zram", async () => {
    await leaveFree(GiB);
    const { code, stdout, stderr } = await apply(vm, bundles.swap({ size: "14GiB" }));
    expect(code, stdout + stderr).toBe(0);
    await expectSwapFile(14 * GiB);
    await pattern.expectIntact();
    await vm.run("rm /filler");
  });

  itInLong("is not made smaller than what it holds when that fits nowhere else", async () => {
    await vm.run(`systemctl stop earlyoom; ${ZRAM_OFF}`);
    try {
      // Its memory limit keeps the process's pages in the swap file.
      const held = (await swaps())["/swapfile"];
      expect(held?.usedBytes).toBeGreaterThan((HELD_MIB - 64) * MiB);
      const file =
        "stat -c '%i %s %Y' /swapfile; ls -d /swapfile*; systemctl show -p ActiveEnterTimestamp swapfile.swap";
      const earlier = await vm.run(file);
      const { code, stderr } = await apply(vm, bundles.swap({ size: "8MiB" }));
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error: bundle swap: \/swapfile holds .* that fits into neither memory nor the other swaps: stop a workload/,
      );
      expect(await vm.run(file)).toBe(earlier);
      expect((await swaps())["/swapfile"]).toMatchObject({ sizeBytes: 14 * GiB - 4096, priority: 10 });
      expect(await vm.ssh("ai-resource-manager verify swap")).toMatchObject({ code: 0 });
    } finally {
      await vm.run(`${ZRAM_ON}; systemctl start earlyoom`);
    }
    await pattern.expectIntact();
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });
});
