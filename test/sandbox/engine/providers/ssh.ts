/** Dialling a host the way the command provider does. */

import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientChannel, type ConnectConfig } from "ssh2";
import { EngineError } from "../types";
import type { Operation } from "./provider";

/** The `connection` of a remote.Command. */
export interface Connection extends Hop {
  /** A bastion. What its schema has defaults for is filled in (proxyConnection.go). */
  proxy?: Partial<Hop> & { host: string };
}

interface Hop {
  host: string;
  port: number;
  user: string;
  password?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  agentSocketPath?: string;
  hostKey?: string;
  dialErrorLimit: number;
  perDialTimeout: number;
}

/** The SDK fills in the same ones. */
export const HOP_DEFAULTS = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

const FIRST_DELAY_MS = 100;
const BACKOFF = 1.5;
const MAX_DELAY_MS = 5000;
/**
 * A host that lost its power answers no more, and a command on it would be waited for for ever. The provider's dialler
 * has TCP ask (Go's defaults, which these are); SSH asks here, because a VM's forwarded port answers TCP by itself.
 */
const KEEPALIVE = { keepaliveInterval: 15_000, keepaliveCountMax: 9 };

/**
 * Connects, by way of the bastion if there is one. A connection to it is kept for as long as what goes through it: both
 * end together.
 */
export async function dial(connection: Connection, operation: Operation): Promise<Client> {
  const { proxy, ...host } = connection;
  const { env } = operation;
  if (proxy === undefined) return repeat("Dial", host.dialErrorLimit, operation, () => connect(host, env));
  const bastion = { ...HOP_DEFAULTS, ...proxy };
  try {
    const jump = await repeat("Dial proxy", bastion.dialErrorLimit, operation, () => connect(bastion, env));
    try {
      const channel = await repeat("Dial from proxy", host.dialErrorLimit, operation, () =>
        through(jump, host),
      );
      let isUsed = false;
      const client = await repeat("Dial", host.dialErrorLimit, operation, () => {
        // The provider tries again on what its first try has closed.
        if (isUsed) throw new EngineError("ssh: handshake failed: EOF");
        isUsed = true;
        return connect(host, env, channel);
      });
      client.once("close", () => jump.end());
      return client;
    } catch (error) {
      jump.end();
      throw error;
    }
  } catch (error) {
    throw new EngineError(`proxy: ${(error as Error).message}`, { cause: error });
  }
}

/** Tries again as often as `dialErrorLimit` says (-1: for ever). */
async function repeat<T>(
  what: string,
  limit: number,
  operation: Operation,
  action: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0, delay = FIRST_DELAY_MS; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      if (limit >= 0 && attempt + 1 > limit) {
        throw new EngineError(`after ${attempt} failed attempts: ${(error as Error).message}`, {
          cause: error,
        });
      }
      operation.log("debug", `${what} ${attempt + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
    }
    await sleep(delay);
    delay = Math.min(delay * BACKOFF, MAX_DELAY_MS);
  }
}

function through(jump: Client, { host, port }: Hop): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    jump.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(new EngineError(`dial ${host}:${port}: ${error.message}`, { cause: error }));
    });
  });
}

/** @param sock what to connect over. Default: TCP */
function connect(connection: Hop, env: NodeJS.ProcessEnv, sock?: ClientChannel): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new Client();
    let mismatch: string | undefined;
    const config: ConnectConfig = {
      ...KEEPALIVE,
      host: connection.host,
      port: connection.port,
      username: connection.user,
      readyTimeout: connection.perDialTimeout * 1000,
      tryKeyboard: connection.password !== undefined,
      ...(sock === undefined ? {} : { sock }),
    };
    if (connection.privateKey !== undefined) config.privateKey = connection.privateKey;
    if (connection.privateKeyPassword !== undefined) config.passphrase = connection.privateKeyPassword;
    if (connection.password !== undefined) config.password = connection.password;
    const agent = connection.agentSocketPath ?? env["SSH_AUTH_SOCK"];
    if (agent !== undefined && agent !== "") config.agent = agent;
    if (connection.hostKey !== undefined) {
      const expected = parseHostKey(connection.hostKey);
      // Only this algorithm is offered, as by the provider: an RSA key thus never works (it offers plain ssh-rsa).
      config.algorithms = { serverHostKey: [expected.type as "ssh-ed25519"] };
      config.hostVerifier = (key: Buffer): boolean => {
        if (key.equals(expected.key)) return true;
        mismatch = `host key mismatch: expected ${fingerprint(expected.key)}, the host has ${fingerprint(key)}`;
        return false;
      };
    }
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map(() => connection.password ?? ""));
    });
    client.once("ready", () => {
      resolve(client);
    });
    client.on("error", (error) => {
      const at = `${connection.host}:${connection.port}`;
      reject(new EngineError(`dial ${at}: ${mismatch ?? error.message}`, { cause: error }));
    });
    client.connect(config);
  });
}

function parseHostKey(text: string): { type: string; key: Buffer } {
  const [type = "", base64 = ""] = text.trim().split(/\s+/);
  const key = Buffer.from(base64, "base64");
  if (key.length === 0) throw new EngineError(`failed to parse host key: ${text}`);
  return { type, key };
}

function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}
