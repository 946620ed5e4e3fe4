import { beforeEach, describe, expect, it } from "vitest";
import { bundleCommands } from "../../../components/host-bundle/commands";
import { apply, applyAll, bundles } from "../support/bundles";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { goTo, machine, SMALL_SIZE } from "../support/machine";
import { mainPids } from "../support/reach";

const vm = machine(SMALL_SIZE);
const MODEL = "/home/me/models/x.gguf";
const SMALL = { memory: { max: "128MiB" } };
const SETTING = "goblin-host:workloads.frail";

/** A service that somebody has made by hand, and that runs. */
async function make(command: string): Promise<void> {
  await vm.run(
    `mkdir -p ${MODEL.replace(/\/[^/]*$/, "")} && echo weights >${MODEL} && echo key >/home/me/key`,
  );
  await vm.run("cat >/etc/systemd/system/frail.service && systemctl daemon-reload", {
    stdin: `[Service]\nExecStart=/bin/sh -c '${command}' ${MODEL}\nRestart=always\nRestartSec=100ms\n[Install]\nWantedBy=multi-user.target\n`,
  });
  await vm.run("systemctl enable --quiet --now frail.service");
}

/** What differs from before on the host, but for what the manager remembers. */
const differs = async (before: readonly string[]): Promise<string[]> =>
  difference(before, await fingerprint(vm)).filter((line) => !line.includes("/var/lib/ai-resource-manager"));
const verified = (): Promise<string> => vm.run("ai-resource-manager verify", { fresh: true });

describe("a service as it is", () => {
  beforeEach(async () => {
    await goTo(vm, "clean");
    await applyAll(vm, [bundles.manager()]);
  });

  it("with its model in /home is refused by name, and nothing is changed; once that is opened, it sees nothing else there", async () => {
    await make('test -r "$$0" || exit 1; exec sleep infinity');
    const before = await fingerprint(vm);
    const pid = await mainPids(vm, ["frail"]);

    const refused = await apply(vm, bundles.workload("frail", SMALL));
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toContain(
      `error: ${SETTING}: frail.service needs ${MODEL} (ExecStart=), and ProtectHome=yes hides it from the service. To show it, read-only: pulumi config set --path '${SETTING}.readablePaths[0]' ${MODEL}. Or leave ProtectHome out (hardening.except)\n`,
    );
    expect(refused.stderr).toContain("bundle workload-frail was not applied; nothing was changed");
    expect(await mainPids(vm, ["frail"])).toBe(pid);
    expect(await differs(before)).toEqual([]);

    const opened = bundles.workload("frail", { ...SMALL, readablePaths: [MODEL] });
    const applied = await apply(vm, opened);
    expect(applied.code, applied.stderr).toBe(0);
    expect(applied.stdout).toContain("  frail.service: still running after 6 s\n");
    const [, now = ""] = /MainPID=(\d+)/.exec(await mainPids(vm, ["frail"])) ?? [];
    expect(await vm.run(`nsenter -t ${now} -m find /home /root`)).toBe(
      `/home\n/home/me\n/home/me/models\n${MODEL}\n/root\n`,
    );
    expect(
      await vm.run(`nsenter -t ${now} -m sh -c 'cat ${MODEL}; echo x >>${MODEL} || echo read-only' 2>&1`),
    ).toMatch(/^weights\n[^]*Read-only file system\n[^]*read-only\n$/);
    expect(await verified()).toContain("all holds");
    expect((await apply(vm, opened)).stdout).toBe("workload-frail: unchanged\n");

    await vm.run(bundleCommands("workload-frail").remove);
    expect(await differs(before)).toEqual([]);
    expect(await vm.run("systemctl is-active frail")).toBe("active\n");
  });

  itInLong("that ends 3 s after its start, again and again, is rolled back", async () => {
    await make('test -z "$$BREAKS" || { sleep 3; echo out of memory; exit 1; }; exec sleep infinity');
    const wanted = { ...SMALL, readablePaths: [MODEL] };
    await applyAll(vm, [bundles.workload("frail", wanted)]);
    const broken = { ...wanted, environment: { BREAKS: "1" } };
    const { code, stdout, stderr } = await apply(vm, bundles.workload("frail", broken));
    expect(code, stdout + stderr).toBe(1);
    expect(stderr).toMatch(
      /frail\.service ended, and systemd (has started|is about to start) it again, within 6 s of its start\. Its last lines:\n[^]*out of memory\n[^]*To go back, give goblin-host:workloads\.frail the value it had before/,
    );
    expect(stdout).toContain("workload-frail: rolling back to generation 1\n");
    expect(stdout).toContain("  frail.service: still running after 6 s\n");
    expect(stderr).toContain("error: bundle workload-frail was rolled back");
    expect(await vm.run("systemctl show -p Environment,NRestarts,ActiveState frail | sort")).toBe(
      "ActiveState=active\nEnvironment=\nNRestarts=0\n",
    );
    expect(await verified()).toContain("all holds");

    // Its own check sees it no sooner, and is not believed in the time between two ends.
    const health = {
      command: "systemctl show -p NRestarts --value frail | grep -q '^[1-9]'",
      timeout: "60s",
    };
    const checked = await apply(vm, bundles.workload("frail", { ...broken, health }));
    expect(checked.code, checked.stdout + checked.stderr).toBe(1);
    expect(checked.stderr).toMatch(/frail\.service ended, and systemd .* again, before it was healthy/);
  });
});
