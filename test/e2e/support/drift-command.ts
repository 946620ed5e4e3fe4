import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import { withAgent } from "../../sandbox/agent";
import { programFolder, stack, vmOverrides } from "../../sandbox/deploy";
import { readProject, stackConfig } from "../../sandbox/engine/config";
import type { Vm } from "../../sandbox/vm";
import { USUAL } from "./machine";

export interface Ended {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Of the command alone, npm's own time in it. */
  readonly milliseconds: number;
}

/** `npm run drift`, in a folder with the VM's stack. */
export function driftCommand(vm: Vm, ...args: string[]): Promise<Ended> {
  return driftWithKey(vm, vm.files.clientKey, ...args);
}

export function driftWithKey(vm: Vm, key: string, ...args: string[]): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-drift-"));
  const overrides = { ...vmOverrides(vm), ...USUAL };
  const config = stackConfig(readProject(programFolder), stack, overrides, "refuse secure");
  writeFileSync(join(folder, `Pulumi.${stack}.yaml`), stringify({ config }));
  return withAgent(key, async (socket) => {
    const started = performance.now();
    const { exitCode, stdout, stderr } = await execa(
      "npm",
      ["run", "-s", "drift", "--", "--stack", stack, "--folder", folder, ...args],
      { cwd: programFolder, env: { SSH_AUTH_SOCK: socket }, reject: false },
    );
    const milliseconds = Math.round(performance.now() - started);
    rmSync(folder, { recursive: true });
    return { code: exitCode, stdout, stderr, milliseconds };
  });
}
