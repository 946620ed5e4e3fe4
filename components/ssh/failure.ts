import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { hopText, type SshHop, type SshTarget } from "./target";

/**
 * Why nobody could be asked. `unreachable` may be otherwise in a minute; no waiting mends the others: a key that is not the
 * host's, a login that is not accepted (by `too many keys` before the right one), a bastion that forwards nothing, and this
 * machine's own ssh.
 */
export type SshFailure = "unreachable" | "host key" | "login" | "too many keys" | "forwarding" | "program";

export class SshError extends Error {
  constructor(
    readonly kind: SshFailure,
    message: string,
    /** The bastion, where it was not the host that refused. */
    readonly jump?: SshHop,
  ) {
    super(message);
  }

  get isRefused(): boolean {
    return this.kind !== "unreachable";
  }
}

export function noSsh(): SshError {
  return new SshError("program", "there is no program ssh here: install OpenSSH's client (8.5 or later)");
}

/** @param said what ssh printed before it ended with a failure of its own */
export async function explainFailure(target: SshTarget, said: string): Promise<SshError> {
  const jump = refusedByJump(target, said);
  const hop = jump ?? target;
  const failed = (kind: SshFailure, message: string): SshError =>
    new SshError(kind, jump === undefined ? message : `${hopText(jump)}: ${message}`, jump);
  if (/Bad configuration option: knownhostscommand/i.test(said))
    return failed("program", "this machine's ssh cannot check the host's key: it is older than OpenSSH 8.5");
  if (/administratively prohibited/.test(said))
    return new SshError("forwarding", `${hopText(hop)} lets no connection through`, target.proxyJump);
  const key = wrongKey(hop, said);
  if (key !== undefined) return failed("host key", key);
  if (/Too many authentication failures/.test(said))
    return failed(
      "too many keys",
      `the login as ${hop.user} was refused: ${await tooManyKeys(target.agent)}`,
    );
  if (/Permission denied \(/.test(said))
    return failed("login", `the login as ${hop.user} was refused: ${await refusedKeys(target.agent)}`);
  return new SshError("unreachable", lastWords(said));
}

/** The connection through a bastion ends before it began where the ssh that makes it was refused. */
function refusedByJump({ proxyJump }: SshTarget, said: string): SshHop | undefined {
  return /closed by (remote host|UNKNOWN)/.test(said) || /stdio forwarding failed/.test(said)
    ? proxyJump
    : undefined;
}

function wrongKey({ hostKey }: SshHop, said: string): string | undefined {
  if (hostKey === undefined) return undefined;
  const [type = "", base64 = ""] = hostKey.split(" ");
  if (/no matching host key type found/.test(said)) return `it has no host key of the type ${type}`;
  if (!/Host key verification failed/.test(said)) return undefined;
  const [sent = "another"] = /SHA256:[A-Za-z0-9+/]+/.exec(said) ?? [];
  const expected = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64");
  return `its host key is ${sent}, not SHA256:${expected.replace(/=+$/, "")}`;
}

async function refusedKeys(agent: string | undefined): Promise<string> {
  const keys = await keysOf(agent);
  if (keys === undefined) return "no ssh-agent answers";
  if (keys.length === 0) return "the ssh-agent has no key";
  return `none of the ssh-agent's ${keys.length === 1 ? "one key" : `${keys.length} keys`} is accepted (${kindsOf(keys)})`;
}

async function tooManyKeys(agent: string | undefined): Promise<string> {
  const keys = (await keysOf(agent)) ?? [];
  return `too many keys were tried (MaxAuthTries), and the ssh-agent has ${keys.length}`;
}

/** `ED25519, RSA`, as ssh-add calls them. */
function kindsOf(keys: readonly string[]): string {
  return [...new Set(keys.map((key) => /\(([A-Z0-9-]+)\)$/.exec(key)?.[1] ?? "unknown"))].join(", ");
}

/** A line for each key; undefined where nobody answers. */
function keysOf(agent: string | undefined): Promise<string[] | undefined> {
  const env = agent === undefined ? process.env : { ...process.env, SSH_AUTH_SOCK: agent };
  return new Promise((resolve) => {
    execFile("ssh-add", ["-l"], { env, timeout: 10_000, encoding: "utf8" }, (error, stdout) => {
      // 1: it has none (ssh-add(1)).
      if (error === null) resolve(stdout.trim().split("\n"));
      else resolve(error.code === 1 ? [] : undefined);
    });
  });
}

/** Its last two lines: the last alone may only say that a connection was closed. */
function lastWords(said: string): string {
  const lines = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.slice(-2).join("; ") || "the connection was lost without a word";
}
