import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { apply, bundles } from "../support/bundles";
import { activity, difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { goTo, machine } from "../support/machine";

const vm = machine();
const MiB = 1024 ** 2;
const OWNERS_MACHINE = readFileSync(join(import.meta.dirname, "..", "support", "take-over.sh"), "utf8");
const DROP_IN = "/etc/systemd/system/ollama.service.d/zz-goblin.conf";

/** The order in which the program applies them; removed in the opposite one. */
const WANTED: readonly Bundle[] = [
  bundles.manager(),
  bundles.zram({ size: "128MiB", memoryLimit: "64MiB" }),
  bundles.swap({ size: "512MiB" }),
  bundles.earlyOom(),
  bundles.workload("ollama", { memory: { max: "2GiB" }, io: "high" }),
];

const read = (path: string): Promise<string> => vm.run(`cat ${path}`);

/** What the kernel swaps to: path, size in bytes, priority. */
async function swaps(): Promise<[string, number, number][]> {
  const lines = (await read("/proc/swaps")).trim().split("\n").slice(1);
  return lines
    .map((line) => line.split(/\s+/))
    .map(([path = "", , size, , priority]): [string, number, number] => [
      path,
      Number(size) * 1024,
      Number(priority),
    ])
    .sort();
}

const earlyoomCommand = (): Promise<string> =>
  vm.run("tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value earlyoom)/cmdline");

const zramToolsState = (): Promise<string> =>
  vm.run(
    "systemctl show -p ActiveState,UnitFileState --value zramswap; dpkg-query -W -f '${db:Status-Status}' zram-tools",
  );

let before: string[];
let fstab: string;
let owners: { swaps: [string, number, number][]; earlyoom: string; algorithm: string };
let receipts: string;

beforeAll(async () => {
  await goTo(vm, "clean");
  await vm.run("bash -s", { stdin: OWNERS_MACHINE });
  before = await fingerprint(vm);
  fstab = await read("/etc/fstab");
  owners = {
    swaps: await swaps(),
    earlyoom: await earlyoomCommand(),
    algorithm: await read("/sys/block/zram0/comp_algorithm"),
  };
});

describe("a machine that had swap files, zram-tools, earlyoom and drop-ins of its owner", () => {
  it("is what this test takes it for", async () => {
    expect(owners.swaps).toEqual([
      ["/dev/zram0", 96 * MiB - 4096, 50],
      ["/swap.img", 256 * MiB - 4096, -2],
      ["/swap\\0402.img", 64 * MiB - 4096, 1],
      ["/swapfile", 1024 * MiB - 4096, 5],
    ]);
    expect(owners.algorithm).toContain("[zstd]");
    expect(owners.earlyoom).toBe("/usr/bin/earlyoom -m 3 -r 7200 ");
    expect(await zramToolsState()).toBe("active\nenabled\ninstalled");
    expect((await vm.run("systemctl show -p MemoryMax --value ollama")).trim()).toBe(String(3 * 1024 * MiB));
  });

  it("gets our swap and nobody else's, and the receipts say what was taken over", async () => {
    receipts = "";
    for (const bundle of WANTED) {
      const { code, stdout, stderr } = await apply(vm, bundle);
      expect(code, `${stdout}${stderr}`).toBe(0);
      receipts += stdout;
    }
    expect(await swaps()).toEqual([
      ["/dev/zram0", 128 * MiB - 4096, 100],
      ["/swapfile", 512 * MiB - 4096, 10],
    ]);
    expect(await read("/sys/block/zram0/comp_algorithm")).toContain("[lz4]");
    expect(await earlyoomCommand()).toMatch(/^\/usr\/bin\/earlyoom -m 10,5 -s 100,100 /);
    for (const line of [
      "stopped zramswap.service (zram-tools), which this bundle replaces",
      "disabled zramswap.service (zram-tools)",
      "backed up /etc/default/zramswap as /etc/default/zramswap.backup",
      "took over the swap file /swapfile (off now; given back on removal)",
      "took over the swap file /swap.img (off now; given back on removal)",
      "took over the swap file /swap 2.img (off now; given back on removal)",
      `backed up ${DROP_IN} as ${DROP_IN}.backup.`,
    ]) {
      expect(receipts).toContain(`  ${line}`);
    }
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  it("keeps copies of what was the owner's, and zram-tools beside systemd-zram-generator", async () => {
    expect(await read("/etc/default/zramswap.backup")).toBe(await read("/etc/default/zramswap"));
    expect(await read("/etc/default/zramswap")).toContain("# tuned by the owner");
    expect(await vm.run(`cat ${DROP_IN}.backup.*; stat -c %a ${DROP_IN}.backup.*`)).toBe(
      "# the owner's own\n[Service]\nMemoryMax=3G\n640\n",
    );
    // Debian 12's two packages do not conflict: nothing of the owner's is uninstalled.
    expect(await zramToolsState()).toBe("inactive\ndisabled\ninstalled");
    expect(await vm.run("dpkg-query -W -f '${db:Status-Status}' systemd-zram-generator earlyoom")).toBe(
      "installedinstalled",
    );
    // The owner's other drop-in still counts.
    expect(await vm.run("systemctl show -p Environment --value ollama")).toContain("OLLAMA_KEEP_ALIVE=1h");
    expect(await read("/etc/default/earlyoom")).toContain("# tuned by the owner");
  });

  it("a second apply changes nothing", async () => {
    const earlier = await activity(vm);
    for (const bundle of WANTED) {
      expect(await apply(vm, bundle)).toMatchObject({ code: 0, stdout: `${bundle.name}: unchanged\n` });
    }
    expect(await activity(vm)).toBe(earlier);
  });

  itInLong("the same holds after a reboot: the owner's tools stay off", async () => {
    await vm.reboot();
    await vm.run("systemctl is-system-running --wait >/dev/null; true");
    expect(await swaps()).toEqual([
      ["/dev/zram0", 128 * MiB - 4096, 100],
      ["/swapfile", 512 * MiB - 4096, 10],
    ]);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  it("removal gives everything back, with what the owner wrote into fstab meanwhile", async () => {
    const written = "tmpfs /srv/scratch tmpfs noauto,size=1m 0 0\n";
    await vm.run(
      "sed -i 's/^# swap of the owner/# swap of the owner, do not touch/' /etc/fstab; cat >>/etc/fstab",
      {
        stdin: written,
      },
    );
    for (const { name } of [...WANTED].reverse()) {
      const { code, stdout, stderr } = await vm.ssh(bundleCommands(name).remove);
      expect(code, `${stdout}${stderr}`).toBe(0);
    }
    expect(await read("/etc/fstab")).toBe(
      fstab.replace("# swap of the owner\n", "# swap of the owner, do not touch\n") + written,
    );
    // What this test wrote goes, so that the rest can be compared to the letter.
    await vm.run("cat >/etc/fstab", { stdin: fstab });
    // Swaps are compared whole: the kernel numbers those without a priority downwards from -2, and there is one.
    expect(await swaps()).toEqual(owners.swaps);
    expect(await read("/sys/block/zram0/comp_algorithm")).toBe(owners.algorithm);
    expect(await earlyoomCommand()).toBe(owners.earlyoom);
    expect(await zramToolsState()).toBe("active\nenabled\ninstalled");
    expect((await vm.run("systemctl show -p MemoryMax --value ollama")).trim()).toBe(String(3 * 1024 * MiB));
    expect(difference(before, await fingerprint(vm))).toEqual([]);
  });
});
