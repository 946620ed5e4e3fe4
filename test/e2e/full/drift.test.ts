import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { withAgent } from "../../sandbox/agent";
import { programFolder, stack, vmOverrides } from "../../sandbox/deploy";
import type { EngineResult } from "../../sandbox/engine";
import { readProject, stackConfig } from "../../sandbox/engine/config";
import { itInLong } from "../support/long";
import { deploy, goTo, machine, ran, tryDeploy, USUAL } from "../support/machine";

const vm = machine();
const WATCHED = { "goblin-host:observe": "required" };
const OLLAMA = "/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service";

/** The components whose changes must be confirmed. */
const CONFIRMED = ["docker", "slices", "swap", "zram"];

/** A plain preview, which looks at the host. */
const preview = (): Promise<EngineResult> =>
  tryDeploy(vm, "preview", { overrides: WATCHED, expectNoChanges: true });

/** What the preview shows of each component that drifted: its name, and what was found. */
async function drifted(): Promise<Record<string, string>> {
  const result = await preview();
  const changed = result.steps.filter(({ op }) => op !== "same");
  expect(changed.map(({ op }) => op)).toEqual(changed.map(() => "update"));
  expect(result.exitCode).toBe(changed.length === 0 ? 0 : 7);
  const component = (name: string): string => name.replace(/^sandbox-|-bundle-(apply|confirm)$/g, "");
  const found = Object.fromEntries(
    changed.map(({ name, diff }) => [
      component(name),
      /# drift: (.*) \(since apply \d+, boot [0-9a-f]{8}\)/.exec(diff)?.[1] ?? diff,
    ]),
  );
  // A repair that could cut the operator off is confirmed like every other change.
  const confirmed = changed
    .filter(({ name }) => name.endsWith("-confirm"))
    .map(({ name }) => component(name));
  expect(confirmed.sort()).toEqual(
    Object.keys(found)
      .filter((name) => CONFIRMED.includes(name))
      .sort(),
  );
  return found;
}

/** `npm run drift` in a folder with this VM's stack. */
function driftCommand(
  ...args: string[]
): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-drift-"));
  const overrides = { ...vmOverrides(vm), ...USUAL };
  const config = stackConfig(readProject(programFolder), stack, overrides, "refuse secure");
  writeFileSync(join(folder, "Pulumi.vm.yaml"), stringify({ config }));
  return withAgent(vm.files.clientKey, async (socket) => {
    const { exitCode, stdout, stderr } = await execa(
      join(programFolder, "node_modules/.bin/tsx"),
      [join(programFolder, "cli/drift.ts"), "--stack", "vm", ...args],
      { cwd: folder, env: { SSH_AUTH_SOCK: socket }, reject: false },
    );
    rmSync(folder, { recursive: true });
    return { code: exitCode, stdout, stderr };
  });
}

beforeAll(() => goTo(vm, "applied"));

describe("drift", () => {
  it("is not seen where there is none, and not while all cores compute", async () => {
    expect(await drifted()).toEqual({});
    const { code, stdout } = await driftCommand();
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^sandbox \(root@127\.0\.0\.1:\d+\): in sync, 12 bundles$/),
    ]);
    await vm.run("for i in 1 2 3 4; do timeout 40 sh -c 'while :; do :; done' >/dev/null 2>&1 & done");
    expect(await drifted()).toEqual({});
  });

  it("shows in a plain preview as an update of exactly what drifted; up repairs that, and the next preview is empty", async () => {
    await vm.run(
      "systemctl set-property --runtime ollama MemoryMax=4G; swapoff /swapfile; sysctl -qw vm.swappiness=60;" +
        "systemctl stop earlyoom",
    );
    const found = await drifted();
    const expected: Record<string, RegExp> = {
      ollama:
        /^ollama\.service MemoryMax: declared 8 GiB, kernel 4 GiB \(runtime override \/run\/systemd\/system\.control\//,
      swap: /^swapfile\.swap active: declared active, kernel inactive \(is inactive\); vm\.swappiness sysctl: declared 10, kernel 60 \(changed at run time\); \/swapfile swap: declared 16 GiB, priority 10, kernel .*off/,
      earlyoom: /^earlyoom\.service active: declared active, kernel inactive \(is inactive\)/,
    };
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [component, finding] of Object.entries(expected)) expect(found[component]).toMatch(finding);
    const command = await driftCommand("--json");
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
    const repaired = await deploy(vm, "up", { overrides: WATCHED });
    expect(ran(repaired).sort()).toEqual(["earlyoom", "swap", "workload-ollama"]);
    expect(await vm.run(`cat ${OLLAMA}/memory.max`)).toBe(`${8 * 1024 ** 3}\n`);
    expect(await drifted()).toEqual({});
  });

  itInLong("is a host that lost its manager, and one that holds what another stack declared", async () => {
    await goTo(vm, "applied");
    await vm.run("rm /usr/local/sbin/ai-resource-manager");
    const lost = await preview();
    expect(lost.exitCode).toBe(7);
    const updates = lost.steps.filter(({ op }) => op === "update");
    expect(updates).toHaveLength(12 + CONFIRMED.length);
    for (const { diff } of updates) expect(diff).toMatch(/# drift: not on the host \(boot [0-9a-f]{8}\)/);
    expect((await driftCommand()).stdout).toContain("the host has no manager");
    await goTo(vm, "applied");
    const other = { "goblin-host:workloads.ollama.tasks": 99 };
    await deploy(vm, "up", { overrides: other });
    expect((await driftCommand()).stdout).toMatch(
      /drift in 1 of 12 bundles\n {2}workload-ollama\n {4}the host holds another version than this stack declares\n/,
    );
  });
});
