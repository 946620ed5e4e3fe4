import { execFile } from "node:child_process";
import { explainFailure, noSsh, SshError } from "./failure";
import { sshOptions, throughJump } from "./options";
import type { SshHop, SshTarget } from "./target";

export interface SshResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command on a host by the machine's own ssh, which can use every key that an agent has: those on a security
 * key, and certificates. It reads no configuration and no key file: what reaches the host here does so for Pulumi's command
 * provider, which knows an agent only.
 * @param deadline when it must have ended, as Date.now() counts
 * @throws SshError when the command was not run, or nobody knows
 */
export function runSsh(target: SshTarget, command: string, deadline: number): Promise<SshResult> {
  const { agent = process.env["SSH_AUTH_SOCK"] ?? "" } = target;
  if (agent === "")
    throw new SshError(
      "login",
      "there is no key to log in with: no ssh-agent is running (SSH_AUTH_SOCK is not set)",
    );
  return new Promise((resolve, reject) => {
    const timeout = Math.max(1, deadline - Date.now());
    const options = { timeout, killSignal: "SIGKILL", maxBuffer: Infinity, encoding: "utf8" } as const;
    const child = execFile("ssh", sshArguments(target, command), options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (error.killed === true) reject(new SshError("unreachable", "no answer within the time limit"));
      else if (error.code === "ENOENT") reject(noSsh());
      // Its own failures; nothing that is run here ends so.
      else if (error.code === 255 || typeof error.code !== "number")
        explainFailure(target, stderr).then(reject, reject);
      else resolve({ code: error.code, stdout, stderr });
    });
    child.stdin?.end();
  });
}

function sshArguments(target: SshTarget, command: string): string[] {
  const jump = target.proxyJump;
  const through = jump === undefined ? [] : ["-o", throughJump(jump, ownArguments(jump, target.agent))];
  const { port, user, address } = target;
  return [
    ...ownArguments(target, target.agent),
    ...through,
    "-T",
    "-p",
    String(port),
    "-l",
    user,
    address,
    command,
  ];
}

function ownArguments(hop: SshHop, agent: string | undefined): string[] {
  const options = [
    // Of two the first holds. Less would not say why no connection was agreed upon.
    "LogLevel=INFO",
    ...sshOptions(hop, agent),
    "PreferredAuthentications=publickey",
    "IdentityFile=none",
    // A host that froze in the middle of an answer is noticed by the deadline, a dead path by this.
    "ServerAliveInterval=10",
  ];
  return ["-F", "none", ...options.flatMap((option) => ["-o", option])];
}
