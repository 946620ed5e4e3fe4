import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { withAgent } from "../../sandbox/agent";
import { programFolder, stack, stateFile, vmOverrides } from "../../sandbox/deploy";
import { type EngineResult, up } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";

/** Runs `pulumi up` with an agent that holds nothing but a key nobody has authorized. */
export async function upWithStrangersKey(vm: Vm): Promise<EngineResult> {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-key-"));
  try {
    const key = join(folder, "id_ed25519");
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "stranger", "-f", key]);
    return await withAgent(key, (socket) =>
      up({
        programDir: programFolder,
        stack,
        stateFile: stateFile(vm),
        overrides: vmOverrides(vm),
        env: { SSH_AUTH_SOCK: socket },
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
