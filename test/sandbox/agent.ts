import { rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { SandboxError } from "./errors";
import { socketFolder } from "./paths";

let agents = 0;

/**
 * Runs `action` with the socket of an ssh-agent that holds this one key, or these in this order, and their certificates. An agent of our own: the user's may ask
 * for a touch or a passphrase, and must not be offered keys of a disposable VM. It ends with this process, in
 * whatever way, because the pipe to the command it runs is then closed.
 */
export async function withAgent<T>(
  keyFiles: string | readonly string[],
  action: (socket: string) => Promise<T>,
): Promise<T> {
  // A name of its own each time: an agent notices its end up to 10 s late, and then removes whatever has its name.
  const socket = join(socketFolder(), `agent-${process.pid}-${agents++}`);
  const script = 'ssh-add -q "$@" && echo ready && exec cat >&2';
  const agent = execa("ssh-agent", ["-a", socket, "sh", "-c", script, "sh", ...[keyFiles].flat()], {
    stdin: "pipe",
    reject: false,
  });
  try {
    await new Promise<void>((ready, failed) => {
      agent.stdout.once("data", () => {
        ready();
      });
      void agent.then((result) => {
        failed(
          new SandboxError(
            `no ssh-agent with ${[keyFiles].flat().join(", ")}: ${result.stderr || result.message || "it ended"}`,
          ),
        );
      });
    });
    return await action(socket);
  } finally {
    agent.stdin.end();
    await agent;
    rmSync(socket, { force: true });
  }
}
