import { spawn } from "node:child_process";
import { errorOf, explainFailure, SshError } from "./failure";
import { sshOptions, throughJump } from "./options";
import type { SshHop, SshTarget } from "./target";

export interface SshResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What ssh ends with when it failed by itself; nothing that is run here ends so. */
const OWN_FAILURE = 255;

/**
 * Runs one command on a host by the machine's own ssh, which can use every key that an agent has: those on a security
 * key, and certificates. It reads no configuration and no key file: what reaches the host here does so for Pulumi's command
 * provider, which knows an agent only.
 * @param deadline when it must have ended, as Date.now() counts
 * @throws SshError when the command was not run, or nobody knows
 */
export async function runSsh(target: SshTarget, command: string, deadline: number): Promise<SshResult> {
  const { agent = process.env["SSH_AUTH_SOCK"] ?? "" } = target;
  if (agent === "")
    throw new SshError(
      "login",
      "there is no key to log in with: no ssh-agent is running (SSH_AUTH_SOCK is not set)",
    );
  const ended = await run(sshArguments(target, command), agent, Math.max(1, deadline - Date.now()));
  if (ended === undefined) throw new SshError("unreachable", "no answer within the time limit");
  if (ended.code === OWN_FAILURE) throw await explainFailure(target, ended.stderr);
  return ended;
}

/** @returns undefined where it had to be ended */
function run(args: readonly string[], agent: string, limitMs: number): Promise<SshResult | undefined> {
  // Not by an option, in which a blank or a % in its path would mean something.
  const env = { ...process.env, SSH_AUTH_SOCK: agent };
  // A group of its own: the ssh that goes through a bastion has the same outputs, and may outlive the one that runs it.
  const child = spawn("ssh", args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) endGroup(child.pid);
      resolve(undefined);
    }, limitMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(errorOf(error));
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? OWN_FAILURE, stdout, stderr });
    });
  });
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function sshArguments(target: SshTarget, command: string): string[] {
  const { port, user, address, proxyJump } = target;
  const through = proxyJump === undefined ? [] : ["-o", throughJump(proxyJump, ownArguments(proxyJump))];
  return [...ownArguments(target), ...through, "-T", "-p", String(port), "-l", user, "--", address, command];
}

function ownArguments(hop: SshHop): string[] {
  const options = [
    // Of two the first holds. Less would not say why no connection was agreed upon.
    "LogLevel=INFO",
    ...sshOptions(hop),
    "PreferredAuthentications=publickey",
    "IdentityFile=none",
    // A host that froze in the middle of an answer is noticed by the deadline, a dead path by this.
    "ServerAliveInterval=10",
  ];
  return ["-F", "none", ...options.flatMap((option) => ["-o", option])];
}
