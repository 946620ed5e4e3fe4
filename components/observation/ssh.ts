import { createHash } from "node:crypto";
import { Client, type ConnectConfig } from "ssh2";

/** Where to look, and as whom. */
export interface SshTarget {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Without it whoever answers is believed. */
  readonly hostKey?: string;
  /** Default: the agent at SSH_AUTH_SOCK. */
  readonly privateKey?: string;
}

export interface SshResult {
  /** Undefined when a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Nobody could be asked: `unreachable` may be otherwise in a minute; `refused` is a wrong host key or a login that is not
 * accepted, which no waiting mends.
 */
export class SshError extends Error {
  constructor(
    readonly kind: "unreachable" | "refused",
    message: string,
  ) {
    super(message);
  }
}

/** One connection, for any number of commands one after the other. */
export class SshConnection {
  private constructor(
    private readonly client: Client,
    private readonly deadline: number,
  ) {}

  /**
   * @param deadline when everything must have ended, as Date.now() counts
   * @throws SshError
   */
  static open(target: SshTarget, deadline: number): Promise<SshConnection> {
    const client = new Client();
    return new Promise((resolve, reject) => {
      let mismatch: string | undefined;
      const config = connectConfig(target, deadline, (text) => (mismatch = text));
      client.once("ready", () => {
        resolve(new SshConnection(client, deadline));
      });
      client.on("error", (error) => {
        client.destroy();
        reject(explain(error, mismatch, target));
      });
      if (config.privateKey === undefined && config.agent === undefined) {
        const message = "there is no key to log in with: no ssh-agent is running (SSH_AUTH_SOCK is not set)";
        reject(new SshError("refused", message));
        return;
      }
      try {
        client.connect(config);
      } catch (error) {
        reject(new SshError("refused", (error as Error).message));
      }
    });
  }

  run(command: string): Promise<SshResult> {
    return new Promise((resolve, reject) => {
      const lost = (why: string): void => {
        ended();
        reject(new SshError("unreachable", why));
      };
      const timer = setTimeout(() => {
        lost("no answer within the time limit");
        this.client.destroy();
      }, this.deadline - Date.now());
      const closed = (): void => {
        lost("the connection was lost");
      };
      const ended = (): void => {
        clearTimeout(timer);
        this.client.off("close", closed);
      };
      this.client.once("close", closed);
      this.client.exec(command, (error, channel) => {
        if (error !== undefined) {
          lost(error.message);
          return;
        }
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        let code: number | undefined;
        channel.on("data", (data: Buffer) => stdout.push(data));
        channel.stderr.on("data", (data: Buffer) => stderr.push(data));
        channel.on("exit", (status: number | null) => (code = status ?? undefined));
        channel.on("close", () => {
          ended();
          resolve({
            code,
            stdout: Buffer.concat(stdout).toString("utf8"),
            stderr: Buffer.concat(stderr).toString("utf8"),
          });
        });
        channel.end();
      });
    });
  }

  close(): void {
    this.client.end();
  }
}

function connectConfig(
  { address, port, user, hostKey, privateKey }: SshTarget,
  deadline: number,
  mismatch: (text: string) => void,
): ConnectConfig {
  const agent = process.env["SSH_AUTH_SOCK"];
  const config: ConnectConfig = {
    host: address,
    port,
    username: user,
    readyTimeout: Math.max(1, deadline - Date.now()),
    // A host that froze in the middle of an answer is noticed by the deadline, a dead path by this.
    keepaliveInterval: 10_000,
  };
  // No other login is tried: each one is a question more, and one of those that a server counts.
  if (privateKey !== undefined) {
    config.privateKey = privateKey;
    config.authHandler = ["publickey"];
  } else if (agent !== undefined && agent !== "") {
    config.agent = agent;
    config.authHandler = ["agent"];
  }
  if (hostKey !== undefined) {
    const [type = "", base64 = ""] = hostKey.trim().split(/\s+/);
    const expected = Buffer.from(base64, "base64");
    config.algorithms = { serverHostKey: [type as "ssh-ed25519"] };
    config.hostVerifier = (key: Buffer): boolean => {
      if (key.equals(expected)) return true;
      mismatch(`its host key is ${fingerprint(key)}, not ${fingerprint(expected)}`);
      return false;
    };
  }
  return config;
}

function explain(
  error: Error & { level?: string },
  mismatch: string | undefined,
  target: SshTarget,
): SshError {
  if (mismatch !== undefined) return new SshError("refused", mismatch);
  if (error.level === "client-authentication")
    return new SshError("refused", `the login as ${target.user} was refused`);
  if (/no matching host key/i.test(error.message)) {
    const type = target.hostKey?.split(" ")[0] ?? "";
    return new SshError("refused", `it has no host key of the type ${type}`);
  }
  return new SshError("unreachable", error.message);
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
