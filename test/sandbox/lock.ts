import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { execa } from "execa";
import { SandboxError } from "./errors";

/**
 * Runs `action` while this process alone holds `file`. The kernel releases the lock when this process ends in
 * whatever way: flock(1) holds it for as long as the pipe to its child is open.
 */
export async function withLock<T>(file: string, waitSeconds: number, action: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  const holder = execa("flock", ["--wait", `${waitSeconds}`, file, "sh", "-c", "echo locked; exec cat >&2"], {
    stdin: "pipe",
    reject: false,
  });
  try {
    await new Promise<void>((locked, refused) => {
      holder.stdout.once("data", () => {
        locked();
      });
      void holder.then((result) => {
        if (result.exitCode === 1) {
          refused(
            new SandboxError(
              `${file} is still locked after ${waitSeconds} s`,
              "wait for the other run, or end it",
            ),
          );
        } else {
          refused(new SandboxError(`cannot lock ${file}: ${result.stderr}`));
        }
      });
    });
    return await action();
  } finally {
    holder.stdin.end();
    await holder;
  }
}
