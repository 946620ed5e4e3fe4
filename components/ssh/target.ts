/** A machine that is logged in to. */
export interface SshHop {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Without it whoever answers is believed. */
  readonly hostKey?: string;
}

/** A host, and how it is reached. */
export interface SshTarget extends SshHop {
  /** The bastion that the connection goes through. Default: none. */
  readonly proxyJump?: SshHop;
  /** The socket of an ssh-agent of the run's own, which has the private key. Default: the agent at SSH_AUTH_SOCK. */
  readonly agent?: string;
}

/** `root@203.0.113.10`, with the port where it is not 22. */
export function hopText({ user, address, port }: SshHop): string {
  return `${user}@${port === 22 ? address : `${bracketed(address)}:${port}`}`;
}

/** An address before `:PORT`. */
export function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** `root@203.0.113.10`, and what it is reached through. */
export function location(target: SshTarget): string {
  return target.proxyJump === undefined
    ? hopText(target)
    : `${hopText(target)} through ${hopText(target.proxyJump)}`;
}

/** The beginning of a command that an operator runs on the host from here. */
export function sshCommand({ user, address, port, proxyJump }: SshTarget): string {
  const jump =
    proxyJump === undefined ? "" : `-J ${proxyJump.user}@${bracketed(proxyJump.address)}:${proxyJump.port} `;
  return `ssh ${jump}${port === 22 ? "" : `-p ${port} `}${user}@${address}`;
}

/**
 * The command with which an operator reaches `remote` of the host (a Unix socket's path, or `ADDRESS:PORT`) at a port of the
 * loopback here. It ends where that port is taken: another host's tunnel would answer in its place.
 */
export function tunnelCommand(target: SshTarget, port: number, remote: string): string {
  const forward = `ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:${port}:${remote} `;
  return sshCommand(target).replace(/^ssh /, forward);
}
