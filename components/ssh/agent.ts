import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

/** In the home folder that the password file names, for that is what `~` is to ssh. */
const FOLDER = join(".cache", "goblin-host");

/**
 * Takes the key from descriptor 3, and ends with the pipe that is its standard input: when this process ends, in whatever
 * way. $1 is the agent's socket, $2 the folder of links to it.
 */
const HOLD = `
# Told at once: an agent by itself notices its end up to 10 s late.
trap 'kill "$SSH_AGENT_PID"' EXIT
ssh-add -q - <&3 || exit
exec 3<&-
echo ready
cat >/dev/null
for link in "$2"/agent-*; do [ "$(readlink "$link")" != "$1" ] || rm -f "$link"; done`;

const running = new Map<string, Promise<string>>();

/**
 * An ssh-agent with one key, for as long as this process lives: ssh reads keys from files or from an agent only, and a
 * file would outlive the run. One for each key.
 * @returns its socket
 * @throws pulumi.RunError when there is no ssh-agent, or it does not take the key
 */
export function runAgent(key: string): Promise<string> {
  const held = running.get(key) ?? start(key);
  running.set(key, held);
  return held;
}

/**
 * The same, by a name that is the same text in every run and on every machine.
 * @param identity what the key opens, of which two are never the same
 */
export async function namedAgent(identity: string, key: string): Promise<string> {
  const socket = await runAgent(key);
  const name = `agent-${createHash("sha256").update(identity).digest("hex").slice(0, 12)}`;
  const link = join(folder(), name);
  const beside = `${link}.${randomUUID()}`;
  symlinkSync(socket, beside);
  renameSync(beside, link);
  return `~/${FOLDER}/${name}`;
}

function folder(): string {
  return join(userInfo().homedir, FOLDER);
}

async function start(key: string): Promise<string> {
  // Several machines may share a home, and their processes have the same numbers. 108 characters are all that a socket has.
  const socket = join(folder(), `run.${randomUUID().slice(0, 13)}`);
  mkdirSync(folder(), { recursive: true, mode: 0o700 });
  // Earlier versions left the key there.
  rmSync(join(folder(), "ssh"), { recursive: true, force: true });
  await spawnAgent(socket, key.endsWith("\n") ? key : `${key}\n`);
  return socket;
}

function spawnAgent(socket: string, key: string): Promise<void> {
  // In a session of its own, so that Ctrl-C, after which the engine still undoes things, does not end it first.
  const agent = spawn("ssh-agent", ["-a", socket, "sh", "-c", HOLD, "sh", socket, folder()], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { ...process.env, SSH_ASKPASS_REQUIRE: "never" },
    detached: true,
  });
  const [stdin, stdout, stderr, keyPipe] = agent.stdio as unknown as [Socket, Socket, Socket, Socket];
  return new Promise((resolve, reject) => {
    let said = "";
    stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
    stdout.once("data", () => {
      // It must not keep a program alive that has said all it has to say.
      for (const part of [agent, stdin, stdout, stderr, keyPipe]) part.unref();
      resolve();
    });
    const failed = (why: string): void => {
      reject(agentError(why));
    };
    agent.once("error", (error) => {
      failed(`ssh-agent does not start (${error.message}); it comes with OpenSSH's client`);
    });
    agent.once("close", () => {
      failed(`the private key is not accepted: ${said.trim()}. It must be whole, and without a passphrase`);
    });
    // What an agent that has ended no longer reads is told by its end.
    keyPipe.on("error", () => undefined);
    keyPipe.end(key);
  });
}

function agentError(message: string): pulumi.RunError {
  const error = new pulumi.RunError(message);
  // With a stack the engine inspects the whole program (see config.ts).
  delete error.stack;
  return error;
}
