import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { joinManager } from "../../components/manager/program";

/** The manager's functions without its last line, which would run it. */
const functions = joinManager().replace(/^main "\$@"; exit\n/m, "");

/** A folder of its own for one test. */
export function inFolder<T>(action: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "goblin-host-manager-"));
  try {
    return action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs bash text with the manager's functions loaded; its standard output. */
export function bash(text: string, folder = tmpdir()): string {
  return inFolder((own) => run(`${functions}\n${text}`, own, folder));
}

/** Runs bash text with a store of its own in the folder, in which it starts; its standard output. */
export function bashWithStore(text: string, folder: string): string {
  const local = functions.replace(/^readonly STATE=.*$/m, `readonly STATE=${folder}/state`);
  return inFolder((own) => run(`${local}\ninit_store\n${text}`, own, folder));
}

/** From a file, because the kernel takes no argument as long as the manager (MAX_ARG_STRLEN, 128 KiB). */
function run(script: string, own: string, folder: string): string {
  writeFileSync(join(own, "script"), script);
  return execFileSync("bash", [join(own, "script")], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Reads a bundle's text as the host does, into `folder`/out. */
export function readBundle(text: string, folder: string): { status: number | null; stderr: string } {
  writeFileSync(join(folder, "bundle.yaml"), text);
  writeFileSync(join(folder, "script"), `${functions}\nread_bundle bundle.yaml out`);
  const { status, stderr } = spawnSync("bash", ["script"], { cwd: folder, encoding: "utf8" });
  return { status, stderr };
}
