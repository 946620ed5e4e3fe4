import { createConnection } from "node:net";
import { execa } from "execa";
import { SandboxError } from "./errors";

export interface SshResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The command's exit code; 255 is ssh's own, when there was no connection. */
  readonly code: number;
}

export interface SshOptions {
  readonly stdin?: string | Uint8Array;
  /** After this many seconds ssh is ended (the command itself may run on) and the call throws. Default 300. */
  readonly timeoutSeconds?: number;
  /** A connection of its own instead of the shared one. */
  readonly fresh?: boolean;
  /** `root` (default), `operator` (sudo without a password) or `nosudo`. */
  readonly user?: "root" | "operator" | "nosudo";
}

/** Runs a command line in the guest's shell. */
export async function ssh(configFile: string, command: string, options: SshOptions = {}): Promise<SshResult> {
  const { stdin = "", timeoutSeconds = 300, fresh = false, user = "root" } = options;
  const result = await execa("ssh", [...sshArguments(configFile, user, fresh), command], {
    input: stdin,
    timeout: timeoutSeconds * 1000,
    reject: false,
    stripFinalNewline: false,
  });
  if (result.timedOut) throw new SandboxError(`no end after ${timeoutSeconds} s in the guest: ${command}`);
  if (result.exitCode === undefined) throw new SandboxError(`ssh could not run: ${result.message}`);
  return { stdout: result.stdout, stderr: result.stderr, code: result.exitCode };
}

/** The arguments of ssh(1) up to the command. */
export function sshArguments(configFile: string, user = "root", fresh = false): string[] {
  return ["-F", configFile, "-l", user, ...(fresh ? ["-o", "ControlPath=none"] : []), "vm"];
}

/** Ends the shared connection, if there is one; the next command makes a new one. */
export async function closeConnections(configFile: string): Promise<void> {
  for (const user of ["root", "operator", "nosudo"]) {
    await execa("ssh", ["-F", configFile, "-l", user, "-O", "exit", "vm"], { reject: false, timeout: 5000 });
  }
}

/**
 * Whether an SSH server greets on this port. Cheaper than a login, and needed besides: QEMU accepts a forwarded
 * connection long before anyone in the guest listens.
 */
export function greets(port: number, waitMilliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(waitMilliseconds, () => {
      end(false);
    });
    socket.once("error", () => {
      end(false);
    });
    socket.once("close", () => {
      end(false);
    });
    socket.once("data", (data) => {
      end(data.toString("latin1").startsWith("SSH-"));
    });
  });
}
