import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Runs `action` with files of keys that nobody has authorized. */
export async function withKeys<T>(count: number, action: (files: string[]) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-key-"));
  try {
    const files: string[] = [];
    for (let key = 0; key < count; key++) {
      const file = join(folder, `id_ed25519_${key}`);
      await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "stranger", "-f", file]);
      files.push(file);
    }
    return await action(files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
