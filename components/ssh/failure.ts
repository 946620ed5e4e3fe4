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

/** Of a program that did not start. */
export function errorOf(error: NodeJS.ErrnoException): SshError {
  const why = error.code === "ENOENT" ? "there is no such program" : error.message;
  return new SshError("program", `ssh does not start: ${why}. It is OpenSSH's client, 8.5 or later`);
}

/** Its own words for what is wrong on this machine. */
const PROGRAM: readonly RegExp[] = [
  /^command-line.* line 0: .*/im,
  /^No user exists for uid .*/m,
  /^.*KnownHostsCommand.*/m,
  // What the command for known hosts prints did not reach it, or by another name.
  /^No .* host key is known for .*/m,
  /^.*percent_(dollar_)?expand.*/m,
];

/** @param said what ssh printed before it ended with a failure of its own: its words begin lines, after what a host may say */
export async function explainFailure(target: SshTarget, said: string): Promise<SshError> {
  const text = said.replaceAll("\r", "");
  const jump = refusedByJump(target, text);
  const hop = jump ?? target;
  const failed = (kind: SshFailure, message: string): SshError =>
    new SshError(kind, jump === undefined ? message : `${hopText(jump)}: ${message}`, jump);
  const key = wrongKey(hop, text);
  if (key !== undefined) return failed("host key", key);
  if (/^command-line.*knownhostscommand/im.test(text))
    return failed("program", "this machine's ssh cannot check the host's key: it is older than OpenSSH 8.5");
  const [own] = PROGRAM.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
  if (own !== undefined) return failed("program", `this machine's ssh says: ${own.trim()}`);
  if (/^channel [0-9]+: open failed: administratively prohibited/m.test(text))
    return new SshError("forwarding", `${hopText(hop)} lets no connection through`, target.proxyJump);
  const login = await refusedLogin(target, text);
  if (login !== undefined) return failed(login.kind, `the login as ${hop.user} was refused: ${login.why}`);
  return new SshError("unreachable", lastWords(text));
}

/** The connection through a bastion ends before it began where the ssh that makes it was refused. */
function refusedByJump({ proxyJump }: SshTarget, text: string): SshHop | undefined {
  return /^(kex_exchange_identification: Connection|Connection) (closed|reset) by (remote host|UNKNOWN)/m.test(
    text,
  )
    ? proxyJump
    : undefined;
}

function wrongKey({ hostKey }: SshHop, text: string): string | undefined {
  if (hostKey === undefined) return undefined;
  const [type = "", base64 = ""] = hostKey.split(" ");
  if (/^Unable to negotiate .* no matching host key type found/m.test(text))
    return `it has no host key of the type ${type}`;
  const [, sent] =
    /^The fingerprint for the .* key sent by the remote host is\n(SHA256:[A-Za-z0-9+/]+)/m.exec(text) ?? [];
  if (sent === undefined) return undefined;
  const expected = createHash("sha256").update(Buffer.from(base64, "base64")).digest("base64");
  return `its host key is ${sent}, not SHA256:${expected.replace(/=+$/, "")}`;
}

async function refusedLogin(
  { agent }: SshTarget,
  text: string,
): Promise<{ kind: "login" | "too many keys"; why: string } | undefined> {
  if (/^Received disconnect from .* Too many authentication failures/m.test(text)) {
    const count = (await keysOf(agent))?.length ?? 0;
    const why = `too many keys were tried (MaxAuthTries), and the ssh-agent has ${count}`;
    return { kind: "too many keys", why };
  }
  const [, methods] = /^[^ ]+: Permission denied \((.*)\)\.$/m.exec(text) ?? [];
  if (methods === undefined) return undefined;
  const [signing] = /^.*signing failed for .*/m.exec(text) ?? [];
  if (signing !== undefined) return { kind: "login", why: `the key is accepted, but ${signing.trim()}` };
  if (!methods.split(",").includes("publickey"))
    return { kind: "login", why: `it wants more than a key (${methods})` };
  return { kind: "login", why: await refusedKeys(agent) };
}

async function refusedKeys(agent: string | undefined): Promise<string> {
  const keys = await keysOf(agent);
  if (keys === undefined) return "no ssh-agent answers";
  if (keys.length === 0) return "the ssh-agent has no key";
  if (agent !== undefined) return `the private key is not accepted (${kindsOf(keys)})`;
  return `none of the ssh-agent's ${keys.length === 1 ? "one key" : `${keys.length} keys`} is accepted (${kindsOf(keys)})`;
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

/** Of a connection through a bastion they say that it ended, and not why. */
const SAYS_NOTHING =
  /^(kex_exchange_identification: Connection|Connection) (closed|reset) by (remote host|UNKNOWN)|^stdio forwarding failed/;

/** What it said last of why. */
function lastWords(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const telling = lines.filter((line) => !SAYS_NOTHING.test(line));
  return telling.at(-1) ?? lines.at(-1) ?? "the connection was lost without a word";
}
