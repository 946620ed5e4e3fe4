import { describe, expect, it } from "vitest";
import type { Bundle } from "../../../components/host-bundle/bundle";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { managerProgram } from "../../../components/manager/program";
import { renderManager } from "../../../components/manager/render";
import { applyAll, bundles } from "../support/bundles";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { deploy, get, goTo, machine, SMALL_SIZE, tryDeploy, untilCollected } from "../support/machine";
import { Pattern } from "../support/pattern";
import { MIXED } from "../support/small-host";

const vm = machine(SMALL_SIZE);
const STORE = "/var/lib/ai-resource-manager";

const { remove } = bundleCommands("swap");
const unfinished = (): Promise<string> => vm.run(`cd ${STORE} && find removing journal -type l`);

/** Whether a job is still waiting, and how the boot's run of the manager went. */
async function expectBooted(mostSeconds: number): Promise<void> {
  await untilCollected(vm);
  expect(
    await vm.run(
      "systemctl is-system-running || { systemctl list-units --failed --plain --no-legend; journalctl -q -b -o cat -u ai-resource-manager; }; systemctl list-jobs --no-legend",
    ),
  ).toBe("running\n");
  const shown = await vm.run(
    "systemctl show -p Result,ExecMainStatus,ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic ai-resource-manager",
  );
  const of = (property: string): string => new RegExp(`^${property}=(.*)$`, "m").exec(shown)?.[1] ?? "";
  expect([of("Result"), of("ExecMainStatus")]).toEqual(["success", "0"]);
  const began = Number(of("ExecMainStartTimestampMonotonic"));
  const seconds = (Number(of("ExecMainExitTimestampMonotonic")) - began) / 1e6;
  console.log(`${await vm.run("systemd-analyze time")}the manager's run: ${seconds.toFixed(1)} s`);
  expect(began).toBeGreaterThan(0);
  expect(seconds).toBeLessThan(mostSeconds);
}

describe("a removal that fails", () => {
  const OTHER: Bundle = {
    name: "other",
    files: { "/etc/goblin-other.conf": { mode: "0644", content: "other\n" } },
  };
  const SWAP = bundles.swap({ size: "512MiB" });
  const swaps = (): Promise<string> => vm.run("awk 'NR > 1 {print $1, $3, $5}' /proc/swaps");
  const ON = `/swapfile ${512 * 1024 - 4} 10\n`;

  it("is taken over by an apply, and neither another run nor the next boot goes on with it", async () => {
    await goTo(vm, "clean");
    await applyAll(vm, [bundles.manager(), SWAP]);
    const pattern = await Pattern.start(vm, 192, { zram: false });
    const failed = await vm.ssh(remove);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(
      /^error: bundle swap: \/swapfile cannot be switched off: the cgroup \/system.slice\/pattern.service is near its memory limit/,
    );
    expect(await vm.ssh("ai-resource-manager verify")).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(
        "swap apply: declared complete, kernel interrupted (a run was interrupted; the next one heals it)",
      ) as string,
    });

    // Each run until then tries again, and says that it failed.
    const healing = await vm.ssh("ai-resource-manager apply --stored");
    expect(healing.code).toBe(1);
    expect(healing.stderr).toContain(
      "error: the interrupted removal of swap cannot be finished. Run ai-resource-manager remove swap, or apply it again\n",
    );
    const manager = await vm.ssh(bundleCommands("manager").remove);
    expect(manager.code).toBe(2);
    expect(manager.stderr).toContain("these are still applied, or not yet given back: swap.");
    expect(await swaps()).toBe(ON);

    await applyAll(vm, [SWAP]);
    expect([await swaps(), await unfinished()]).toEqual([ON, ""]);
    await pattern.expectIntact();
    await applyAll(vm, [OTHER]);
    await vm.run("systemctl stop pattern");
    await vm.run(bundleCommands("other").remove);
    expect(await vm.run("ai-resource-manager apply --stored")).toContain("swap: unchanged\n");
    expect([await swaps(), await unfinished()]).toEqual([ON, ""]);
    await vm.reboot();
    await expectBooted(120);
    expect([await swaps(), await unfinished()]).toEqual([ON, ""]);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });
});

/**
 * Holds a removal where it would start the owner's own service again, which is ordered after the manager's run at boot.
 * Where that starts by itself, once it is its own again, it is restarted.
 * Armed by what no boot survives.
 */
const TRAP = `#!/bin/bash
if [[ $* == ?(re)"start -- llamacpp.service" && -e /run/goblin-trap ]]; then
  : >/run/goblin-trapped
  sleep 900
fi
exec /usr/bin/systemctl "$@"
`;
const setTrap = (): Promise<string> =>
  vm.run("install -m 0755 /dev/stdin /usr/local/sbin/systemctl; sync -f /usr/local; : >/run/goblin-trap", {
    stdin: TRAP,
  });
const TRAPPED = "until [ -e /run/goblin-trapped ]; do sleep 1; done";

/** A service that was just started listens a moment later. */
async function expectServed(): Promise<void> {
  await vm.run("for i in $(seq 60); do { : </dev/tcp/127.0.0.1/8080; } 2>/dev/null && break; sleep 1; done", {
    timeoutSeconds: 120,
  });
  expect(await get(vm, 8080, "/health")).toBe("ok\n");
}

/** The next boot finishes the removal of that bundle, and waits for nothing. */
async function expectFinishedAtBoot(bundle: string): Promise<void> {
  await expectBooted(120);
  expect(await vm.run("journalctl -q -b -o cat -u ai-resource-manager")).toMatch(
    new RegExp(
      `^${bundle}: finishing an interrupted removal\\n[^]*^ {2}told systemd to start llamacpp\\.service again$`,
      "m",
    ),
  );
  expect(await unfinished()).toBe("");
  await expectServed();
  await vm.run("rm /usr/local/sbin/systemctl");
}

describe("a destroy that the power cut ends in the middle", () => {
  itInLong(
    "does not hold up the next boot, which finishes it, and the destroy after that ends clean",
    async () => {
      await goTo(vm, "clean");
      const before = await fingerprint(vm);
      // Its service waits for the manager's run, as every workload does.
      const manager = renderManager(managerProgram().text, { before: ["llamacpp.service"], daily: "verify" });
      const tool: Bundle = { name: "tool", replaces: { "llamacpp.service": "another takes its place" } };
      await applyAll(vm, [manager, bundles.swap({ size: "512MiB" }), tool]);
      expect((await vm.ssh("systemctl is-active llamacpp")).code).not.toBe(0);
      const destroy = ["tool", "swap", "manager"].map((name) => bundleCommands(name).remove);

      await setTrap();
      const cut = vm.ssh(destroy[0] ?? "", { fresh: true }).catch(() => undefined);
      await vm.run(TRAPPED, { timeoutSeconds: 120 });
      expect(await unfinished()).toBe("removing/tool\n");
      await vm.powerCut();
      expect((await cut)?.code).not.toBe(0);

      await expectFinishedAtBoot("tool");
      for (const command of destroy) await vm.run(command);
      expect(difference(before, await fingerprint(vm))).toEqual([]);
      expect(
        await vm.run(
          "systemctl is-system-running || { systemctl list-units --failed --plain --no-legend; journalctl -q -b -o cat -u ai-resource-manager; }; systemctl list-jobs --no-legend",
        ),
      ).toBe("running\n");
    },
  );

  itInLong("of the whole program, too", { timeout: 1_800_000 }, async () => {
    await goTo(vm, "clean");
    const before = await fingerprint(vm);
    await goTo(vm, "applied", MIXED);
    await setTrap();
    const destroying = tryDeploy(vm, "destroy", { overrides: MIXED });
    await vm.run(TRAPPED, { timeoutSeconds: 900 });
    expect(await unfinished()).toBe("removing/workload-llamacpp\n");
    await vm.powerCut();
    expect((await destroying).exitCode).toBe(1);

    // dockerd starts after the manager's run, and only it can say whether the container is gone. The owner's own service runs.
    await expectBooted(120);
    const said = (): Promise<string> => vm.run("journalctl -q -b -o cat -u ai-resource-manager");
    expect(await said()).toContain(
      "workload-llamacpp: its interrupted removal is finished once dockerd runs\n",
    );
    expect(await unfinished()).toBe("removing/workload-llamacpp\n");
    expect(await vm.run("systemctl is-active llamacpp || systemctl status --full llamacpp")).toBe("active\n");
    await expectServed();
    // As its timer does five minutes after the boot.
    await vm.run(
      "until systemctl is-active -q docker; do sleep 1; done; systemctl start ai-resource-manager; rm /usr/local/sbin/systemctl",
      { timeoutSeconds: 240 },
    );
    expect(await said()).toContain("workload-llamacpp: finishing an interrupted removal\n");
    expect(await unfinished()).toBe("");
    await expectServed();
    await deploy(vm, "destroy", { overrides: MIXED });
    const left = difference(before, await fingerprint(vm));
    expect(left.filter((line) => !/\/var\/(lib\/ai-resource-monitor|log\/ai-monitoring)/.test(line))).toEqual(
      [],
    );
    expect(
      await vm.run(
        "systemctl is-system-running || { systemctl list-units --failed --plain --no-legend; journalctl -q -b -o cat -u ai-resource-manager; }; systemctl list-jobs --no-legend",
      ),
    ).toBe("running\n");
  });
});
