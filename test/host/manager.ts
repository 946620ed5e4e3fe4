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
  return execFileSync("bash", ["-c", `${functions}\n${text}`], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Reads a bundle's text as the host does, into `folder`/out. */
export function readBundle(text: string, folder: string): { status: number | null; stderr: string } {
  writeFileSync(join(folder, "bundle.yaml"), text);
  const { status, stderr } = spawnSync("bash", ["-c", `${functions}\nread_bundle bundle.yaml out`], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stderr };
}

/** Runs bash text with a store of its own in the folder, in which it starts; standard output. */
export function bashWithStore(text: string, folder: string): string {
  const local = functions.replace(/^readonly STATE=.*$/m, `readonly STATE=${folder}/state`);
  return execFileSync("bash", ["-c", `${local}\ninit_store\n${text}`], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}
