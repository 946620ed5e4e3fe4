import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Replaces a file in one rename, so that a reader sees the old text or the new one. The temporary lies in the same
 * folder, because a rename is atomic only within a filesystem. There is no fsync: /run is memory, and state that a
 * power cut takes is taken again at the next collection.
 */
export function writeAtomically(path: string, text: string, mode = 0o644): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.new`);
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** A folder of the monitor's own; what is there already stays as it is. */
export function ensureFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
}
