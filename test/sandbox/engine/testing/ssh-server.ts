/** An SSH server on the loopback interface that records what it is asked to run, and answers as it is told. */

import ssh2, { type Connection, type ServerChannel, type Session } from "ssh2";
import { type AddressInfo, connect } from "node:net";

export interface Executed {
  command: string;
  stdin: string;
  env: Record<string, string>;
  /** The address the client came to. */
  address: string;
}

export interface Answer {
  status?: number;
  stdout?: string;
  stderr?: string;
  delayMs?: number;
}

export interface SshServer {
  port: number;
  /** As in an authorized_keys line. */
  hostKey: string;
  /** A private key that may log in. */
  privateKey: string;
  executed: Executed[];
  /** Takes and empties what was executed so far. */
  take(): Executed[];
  /** What to answer; default: success with `<command>` on standard output. */
  answer: (executed: Executed) => Answer;
  /** The environment variables it accepts. */
  acceptEnv: Set<string>;
  /** Connections made so far. */
  connections: number;
  /** Whether it is a bastion: what a client asks it to connect to is connected. Default: it is not. */
  forwards: boolean;
  close(): Promise<void>;
}

/**
 * A key pair in the forms that ssh2 and the command provider read. ssh2 1.17.0 writes 3 of 1000 without a leading zero
 * (measured), which it then cannot read itself: such a one is thrown away.
 */
export function makeKey(): { privateKey: string; publicKey: string } {
  for (;;) {
    const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync("ed25519");
    if (!(ssh2.utils.parseKey(publicKey) instanceof Error)) return { privateKey, publicKey };
  }
}

/** Listens on every given address, with one port for all. */
export async function startSshServer(addresses: string[] = ["127.0.0.1"]): Promise<SshServer> {
  const host = makeKey();
  const client = makeKey();
  const state: SshServer = {
    port: 0,
    hostKey: host.publicKey,
    privateKey: client.privateKey,
    executed: [],
    take: () => state.executed.splice(0),
    answer: () => ({}),
    acceptEnv: new Set(),
    connections: 0,
    forwards: false,
    close: async () => {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
  const allowed = ssh2.utils.parseKey(client.publicKey);
  if (allowed instanceof Error) throw allowed;
  const servers = addresses.map(
    (address) =>
      new ssh2.Server({ hostKeys: [host.privateKey] }, (connection) => {
        state.connections++;
        serve(connection, state, address, allowed.getPublicSSH());
      }),
  );
  for (const [i, server] of servers.entries()) {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(state.port, addresses[i], resolve);
    });
    state.port = (server.address() as AddressInfo).port;
  }
  return state;
}

function serve(connection: Connection, state: SshServer, address: string, allowed: Buffer): void {
  connection.on("error", () => undefined);
  connection.on("authentication", (context) => {
    if (context.method === "publickey" && context.key.data.equals(allowed)) context.accept();
    else context.reject(["publickey"]);
  });
  connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
    if (!state.forwards) {
      reject();
      return;
    }
    const socket = connect(destPort, destIP, () => {
      const channel = accept();
      socket.pipe(channel).pipe(socket);
      channel.on("error", () => socket.destroy());
    });
    socket.on("error", () => {
      reject();
    });
  });
  connection.on("session", (accept) => {
    serveSession(accept(), state, address);
  });
}

function serveSession(session: Session, state: SshServer, address: string): void {
  const env: Record<string, string> = {};
  session.on("env", (accept, reject, { key, val }) => {
    if (!state.acceptEnv.has(key)) {
      (reject as (() => boolean) | undefined)?.();
      return;
    }
    env[key] = val;
    (accept as (() => boolean) | undefined)?.();
  });
  session.on("exec", (accept, _, { command }) => {
    void run(accept(), { command, stdin: "", env, address }, state);
  });
}

async function run(channel: ServerChannel, executed: Executed, state: SshServer): Promise<void> {
  // Not `for await`, which would destroy the channel at the end of its input.
  await new Promise<void>((resolve) => {
    channel.on("data", (chunk: Buffer) => (executed.stdin += chunk.toString("utf8")));
    channel.once("end", resolve);
  });
  state.executed.push(executed);
  const { status = 0, stdout = `${executed.command}\n`, stderr = "", delayMs = 0 } = state.answer(executed);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  channel.write(stdout);
  channel.stderr.write(stderr);
  channel.exit(status);
  channel.end();
}
