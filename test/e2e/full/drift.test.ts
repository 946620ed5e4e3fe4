import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { driftCommand, driftWithKey } from "../support/drift-command";
import { itInLong } from "../support/long";
import { CONFIRMED, drifted, expectFoundAndRepaired, watchedPreview } from "../support/drift";
import { deploy, goTo, machine } from "../support/machine";

const vm = machine();
const OLLAMA = "/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service";

beforeAll(() => goTo(vm, "applied"));

describe("drift", () => {
  it("is not seen where there is none, and not while all cores compute", async () => {
    expect(await drifted(vm)).toEqual({});
    const { code, stdout } = await driftCommand(vm);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^sandbox \(root@127\.0\.0\.1:\d+\): in sync, 12 bundles$/),
    ]);
    await vm.run("for i in 1 2 3 4; do timeout 40 sh -c 'while :; do :; done' >/dev/null 2>&1 & done");
    expect(await drifted(vm)).toEqual({});
  });

  it("shows in a plain preview as an update of exactly what drifted; up repairs that, and the next preview is empty", async () => {
    await vm.run(
      "systemctl set-property --runtime ollama MemoryMax=4G; swapoff /swapfile; sysctl -qw vm.swappiness=60;" +
        "systemctl stop earlyoom",
    );
    const command = await driftCommand(vm, "--json");
    expect(command.code).toBe(7);
    const { hosts } = JSON.parse(command.stdout) as {
      hosts: { state: string; bundles: { bundle: string; drift: string[] }[] }[];
    };
    expect(hosts[0]?.state).toBe("drift");
    expect(hosts[0]?.bundles.filter(({ drift }) => drift.length > 0).map(({ bundle }) => bundle)).toEqual([
      "swap",
      "earlyoom",
      "workload-ollama",
    ]);
    await expectFoundAndRepaired(vm, {
      inject: "true",
      found: {
        ollama:
          /^ollama\.service MemoryMax: declared 8 GiB, kernel 4 GiB \(runtime override \/run\/systemd\/system\.control\//,
        swap: /^swapfile\.swap active: declared active, kernel inactive \(is inactive\); vm\.swappiness sysctl: declared 10, kernel 60 \(changed at run time\); \/swapfile swap: declared 16 GiB, priority 10, kernel .*off/,
        earlyoom: /^earlyoom\.service active: declared active, kernel inactive \(is inactive\)/,
      },
    });
    expect(await vm.run(`cat ${OLLAMA}/memory.max`)).toBe(`${8 * 1024 ** 3}\n`);
  });

  it("is looked for with a key that may do nothing else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "goblin-host-key-"));
    const key = join(folder, "ci");
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ci", "-f", key]);
    // As docs/ci.md says.
    const options = 'restrict,command="/usr/local/sbin/ai-resource-manager status --json"';
    const line = `${options} ${readFileSync(`${key}.pub`, "utf8")}`;
    await vm.run("cat >>/root/.ssh/authorized_keys", { stdin: line });
    const { code, stdout } = await driftWithKey(vm, key);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/: in sync, 12 bundles$/)]);
    rmSync(folder, { recursive: true });
  });

  itInLong("is not seen in 50 runs, nor right after a reboot", async () => {
    await goTo(vm, "applied");
    for (let run = 1; run <= 50; run++) {
      const { code, stdout } = await driftCommand(vm);
      expect(code, `run ${run}: ${stdout}`).toBe(0);
    }
    await vm.reboot();
    expect(await drifted(vm)).toEqual({});
    expect((await driftCommand(vm)).code).toBe(0);
  });

  itInLong("is a host that lost its manager, and one that holds what another stack declared", async () => {
    await goTo(vm, "applied");
    await vm.run("rm /usr/local/sbin/ai-resource-manager");
    const lost = await watchedPreview(vm);
    expect(lost.exitCode).toBe(7);
    const updates = lost.steps.filter(({ op }) => op === "update");
    expect(updates).toHaveLength(12 + CONFIRMED.length);
    for (const { diff } of updates) expect(diff).toMatch(/# drift: not on the host \(boot [0-9a-f]{8}\)/);
    expect((await driftCommand(vm)).stdout).toContain("the host has no manager");
    await goTo(vm, "applied");
    const other = { "goblin-host:workloads.ollama.tasks": 99 };
    await deploy(vm, "up", { overrides: other });
    expect((await driftCommand(vm)).stdout).toMatch(
      /drift in 1 of 12 bundles\n {2}workload-ollama\n {4}the host holds another version than this stack declares\n/,
    );
  });
});
