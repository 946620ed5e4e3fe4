/**
 * HTTP through `ssh ... docker system dial-stdio`, as Docker's own connection helper does it (docker/cli
 * cli/connhelper): the real ssh, so that its options, its agent and its verdict on a host key are the real ones.
 */

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import { EngineError } from "../../types";

/** Where a Docker daemon is. */
export interface DockerHost {
  /** As the program wrote it. */
  url: string;
  user: string;
  address: string;
  port: string;
  sshOpts: string[];
}

export function sshArguments({ user, address, port, sshOpts }: DockerHost): string[] {
  const hasTimeout = sshOpts.some((option) => option.includes("ConnectTimeout"));
  return [
    ...sshOpts,
    ...(hasTimeout ? [] : ["-o", "ConnectTimeout=30"]),
    "-T",
    ...(user === "" ? [] : ["-l", user]),
    ...(port === "" ? [] : ["-p", port]),
    "--",
    address,
    "docker",
    "system",
    "dial-stdio",
  ];
}

/** Connections to one daemon, kept for the next request as long as the agent lives. */
export class SshAgent extends Agent {
  private readonly connections = new Set<SshConnection>();

  constructor(
    private readonly host: DockerHost,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    // Each connection is a process and a login: sshd refuses some of more than ten logins at a time (MaxStartups).
    super({ keepAlive: true, maxSockets: 4, maxFreeSockets: 2 });
  }

  override createConnection(): Duplex {
    const child = spawn("ssh", sshArguments(this.host), { env: this.env, stdio: "pipe" });
    const connection = new SshConnection(child);
    this.connections.add(connection);
    connection.once("close", () => this.connections.delete(connection));
    return connection;
  }

  /** Ends every connection, those in use and those that were upgraded to something else than HTTP too. */
  override destroy(): void {
    super.destroy();
    for (const connection of this.connections) connection.destroy();
  }
}

/** The standard streams of one ssh, as a socket. */
class SshConnection extends Duplex {
  private stderr = "";

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    super();
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString("utf8")));
    child.stdin.on("error", () => undefined);
    child.once("error", (error) => this.destroy(error));
    // Not at the end of its output: only the exit status tells a refused login from a daemon that hung up.
    child.once("close", (code, signal) => {
      if (code === 0) this.push(null);
      else this.destroy(this.failure(code === null ? `signal ${signal ?? "?"}` : `exit status ${code}`));
    });
  }

  override _read(): void {
    this.child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // What ssh no longer reads is an error of ssh's, which its exit status names.
    this.child.stdin.write(chunk, () => {
      done();
    });
  }

  override _final(done: () => void): void {
    this.child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.child.kill();
    done(error);
  }

  /** What HTTP's agent asks of a socket and a pair of pipes does not have. */
  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  private failure(how: string): EngineError {
    const command = this.child.spawnargs.join(" ");
    return new EngineError(
      `command [${command}] has exited with ${how}, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr=${this.stderr.trim()}`,
    );
  }
}
