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

/** The first of these TCP ports that nobody listens on at 127.0.0.1 just now, else any such port. */
export async function firstFreePort(preferred: readonly (number | undefined)[]): Promise<number> {
  for (const wanted of [...preferred, 0]) {
    const port = wanted === undefined ? undefined : await bind(wanted);
    if (port !== undefined) return port;
  }
  throw new Error("the system gave no TCP port on 127.0.0.1");
}

/** Takes a port for a moment; undefined when somebody else has it. 0 is any. */
function bind(wanted: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(undefined);
    });
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        resolve(address === null || typeof address === "string" ? undefined : address.port);
      });
    });
  });
}
