import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { z } from "zod";
import { SandboxError } from "./errors";

/** How long one command may take; saving 20 GiB of guest memory takes tens of seconds. */
const commandMilliseconds = 300_000;

interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

/**
 * Sends one command to QEMU's monitor (QMP) and returns its result. A connection for each command: the monitor
 * serves one client at a time, and several processes may look after the same VM.
 */
export async function qmp(
  socketPath: string,
  command: string,
  args: Record<string, unknown> = {},
): Promise<unknown> {
  const socket = createConnection(socketPath);
  const failure = new Promise<never>((_resolve, reject) => {
    socket.once("error", (error) => {
      reject(new SandboxError(`QEMU's monitor cannot be reached: ${error.message}`));
    });
    socket.once("close", () => {
      reject(new SandboxError(`QEMU ended during ${command}`));
    });
    socket.setTimeout(commandMilliseconds, () => {
      reject(new SandboxError(`QEMU gave no answer to ${command} within ${commandMilliseconds / 1000} s`));
    });
  });
  failure.catch(() => undefined);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    for (;;) {
      const next = await Promise.race([lines.next(), failure]);
      if (next.done === true) return failure;
      const reply = JSON.parse(next.value) as Reply;
      if (reply.error !== undefined) throw new SandboxError(`QEMU refused ${command}: ${reply.error.desc}`);
      // Everything else is the greeting or an event.
      if ("return" in reply) return reply.return;
    }
  };
  try {
    socket.write(`${JSON.stringify({ execute: "qmp_capabilities" })}\n`);
    await answer();
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return await answer();
  } finally {
    socket.destroy();
  }
}

/** What QEMU does when the guest restarts itself: go on with it (its default), or end. */
export async function setRebootAction(socketPath: string, action: "reset" | "shutdown"): Promise<void> {
  await qmp(socketPath, "set-action", { reboot: action });
}

/** Saves disk, memory and devices under a label; a snapshot of that label is replaced. */
export async function saveSnapshot(socketPath: string, label: string): Promise<void> {
  await humanMonitor(socketPath, `savevm ${label}`);
}

/** Puts disk, memory and devices back to what was saved under the label. */
export async function loadSnapshot(socketPath: string, label: string): Promise<void> {
  // QEMU stops the machine before it looks for the snapshot, and leaves it stopped when there is none.
  const known = snapshotLabels(await qmp(socketPath, "query-block"));
  if (!known.includes(label)) {
    throw new SandboxError(`there is no snapshot "${label}"; there is: ${known.join(", ") || "none"}`);
  }
  await humanMonitor(socketPath, `loadvm ${label}`);
}

/** The part of `query-block`'s answer that is read here (QAPI, BlockInfo): a disk without snapshots has no list. */
const BlockDevices = z.array(
  z.object({
    inserted: z
      .object({ image: z.object({ snapshots: z.array(z.object({ name: z.string() })).default([]) }) })
      .optional(),
  }),
);

/** The snapshots' labels. `info snapshots` is for people: it prints a size of 1010 MiB as "1.01e+03 MiB". */
export const snapshotLabels = (queryBlock: unknown): string[] =>
  BlockDevices.parse(queryBlock).flatMap(
    ({ inserted }) => inserted?.image.snapshots.map(({ name }) => name) ?? [],
  );

/** Runs a command of the human monitor. It reports failure as text, and says nothing when savevm or loadvm work. */
async function humanMonitor(socketPath: string, commandLine: string): Promise<void> {
  const answer = await qmp(socketPath, "human-monitor-command", { "command-line": commandLine });
  const text = typeof answer === "string" ? answer.trim() : "";
  if (text !== "") throw new SandboxError(`QEMU: ${commandLine}: ${text}`);
}
