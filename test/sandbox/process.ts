import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Whether `pid` is still the process that was started with `argument` on its command line. A number alone says
 * nothing: after a while the system gives it to another process.
 */
export function isOurProcess(pid: number, argument: string, readCommandLine = commandLineOf): boolean {
  return readCommandLine(pid).includes(argument);
}

/** The arguments of a process; none when there is no such process, or it is a zombie (proc(5)). */
function commandLineOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

/** Ends a process by its id: politely, then after `graceMilliseconds` by force. */
export async function endProcess(pid: number, argument: string, graceMilliseconds: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!isOurProcess(pid, argument)) return;
    process.kill(pid, signal);
    const until = Date.now() + graceMilliseconds;
    while (Date.now() < until) {
      if (!isOurProcess(pid, argument)) return;
      await sleep(50);
    }
  }
}

/** A TCP port that nobody listens on at 127.0.0.1 just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}
