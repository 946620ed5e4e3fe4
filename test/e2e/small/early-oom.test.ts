import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { applyAll, bundles, installManager } from "../support/bundles";
import { goTo, machine, SMALL_SIZE } from "../support/machine";
import { mainPids, reachableDuring } from "../support/reach";

const WORKLOADS = ["ollama", "llamacpp", "local-llm-proxy"];

describe("EarlyOOM on a small host", () => {
  let vm: Vm;

  beforeAll(async () => {
    vm = machine(SMALL_SIZE);
    await goTo(vm, "clean");
    await installManager(vm, ["systemd-zram-generator", "earlyoom"]);
    await applyAll(vm, [
      bundles.zram({ size: "256MiB", memoryLimit: "128MiB" }),
      bundles.swap({ size: "512MiB" }),
      bundles.earlyOom(),
    ]);
  });

  it("kills a hog that ignores SIGTERM while swap is free, and nothing else", async () => {
    const units = ["ssh", "earlyoom", "systemd-journald", "dbus", ...WORKLOADS];
    const before = await mainPids(vm, units);
    const { result, looks } = await reachableDuring(vm, () =>
      // A shell around it: ssh says 255 of a command that a signal ended.
      vm.ssh("/opt/goblin-sandbox/hog 4096 120 100; exit $?"),
    );
    expect(result.code).toBe(128 + 9);
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(await mainPids(vm, units)).toBe(before);

    const journal = await vm.run("journalctl -q -o cat -u earlyoom");
    const said = journal.slice(journal.indexOf("low memory!"));
    expect(
      [...said.matchAll(/sending (SIG\w+) to process \d+ uid 0 "([^"]*)"/g)].map(([, ...m]) => m),
    ).toEqual([["SIGTERM", "hog"]]);
    expect(said).toContain("escalating to SIGKILL after");
    // Both swaps were there and hardly touched: with -s 100 alone it would have waited for them to fill.
    const swapFree = [...journal.matchAll(/swap free: +\d+ of +(\d+) MiB \( *([0-9.]+)%\)/g)].at(-1);
    expect(Number(swapFree?.[1])).toBe(256 + 512 - 1);
    expect(Number(swapFree?.[2])).toBeGreaterThan(50);
    expect(await vm.run("journalctl -q -k -o cat -g 'Out of memory' || true")).toBe("");
  });
});
