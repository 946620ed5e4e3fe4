import { quoteShell } from "../render/shell";
import type { SshHop } from "./target";

/**
 * Options (ssh_config(5), `NAME=VALUE`) with which the machine's own ssh logs in to a machine. The key that it must have is
 * given by a command, so that neither a file of this machine nor its path is among them (KnownHostsCommand, OpenSSH 8.5 and
 * later).
 * @param agent an ssh-agent's socket; `~` is the home of whoever runs ssh. Default: what SSH_AUTH_SOCK names
 */
export function sshOptions(hop: SshHop, agent?: string): string[] {
  const nobody = ["UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  // Where it does not answer, ssh tries its user's own key files.
  const identity = agent === undefined ? [] : [`IdentityAgent=${agent}`];
  const check = hop.hostKey === undefined ? ["StrictHostKeyChecking=no"] : knownHost(hop, hop.hostKey);
  return [...nobody, ...check, ...identity, "BatchMode=yes", "ConnectTimeout=30"];
}

/**
 * The option with which ssh goes through a bastion. `ProxyJump` would log in to it without these options, and so believe
 * whoever this machine's known hosts believe.
 * @param own arguments of the ssh that logs in to it
 */
export function throughJump(jump: SshHop, own: readonly string[]): string {
  const words = [
    "ssh",
    ...own,
    "-W",
    FORWARDED,
    "-p",
    String(jump.port),
    "-l",
    jump.user,
    "--",
    jump.address,
  ];
  return `ProxyCommand=${words.map((word) => quoteShell(word === FORWARDED ? word : word.replaceAll("%", "%%"))).join(" ")}`;
}

/** Host and port of the connection that goes through, as the outer ssh fills them in. */
const FORWARDED = "[%h]:%p";

function knownHost({ address, port }: SshHop, hostKey: string): string[] {
  const [algorithm = ""] = hostKey.split(" ");
  // A port other than 22 is part of the name (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
  const name = port === 22 ? address : `[${address}]:${port}`;
  return [
    "StrictHostKeyChecking=yes",
    // A server has keys of several types; only this one is known.
    `HostKeyAlgorithms=${algorithm}`,
    `KnownHostsCommand=/bin/echo ${name} ${hostKey}`,
  ];
}
