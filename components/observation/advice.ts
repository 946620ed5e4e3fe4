import { MANAGER } from "../host-bundle/commands";
import type { SshError } from "../ssh/failure";
import { sshCommand, type SshTarget } from "../ssh/target";

/** The manager of a host, as it is called from here. */
export function managerOn(target: SshTarget): string {
  return `${sshCommand(target)} ${MANAGER}`;
}

/** What to try where nobody could look. */
export function whenUnseen(target: SshTarget): string {
  return `try: ${managerOn(target)} status --json`;
}

/**
 * What is wrong with a login shell that prints, and what to do: docker's client, which speaks HTTP over SSH, would end in
 * "HTTP/1.x transport connection broken" after half of a deployment.
 * @param preamble what it printed
 */
export function whenPrinting(preamble: string, { user }: SshTarget): string {
  const first = preamble.split("\n").find((line) => line.trim() !== "") ?? "";
  return [
    `the login shell of ${user} prints ${JSON.stringify(first.slice(0, 80))} when a command is run over SSH, which breaks docker's connection`,
    `print only where somebody reads it: in the shell's start-up file (.bashrc, /etc/bash.bashrc, .zshenv, config.fish), or take the line out; in bash, \`case $- in *i*) ;; *) return ;; esac\` before it does that`,
  ].join("\n    ");
}

/** What to do where the host, or its bastion, was not let in, or did not let us in. */
export function whenRefused({ kind, jump }: SshError, target: SshTarget): string {
  const other = jump ?? target;
  switch (kind) {
    case "host key":
      return `either it is another machine, or it was reinstalled: compare ${scanOf(target, jump !== undefined)} with the provider's console, then set ${jump === undefined ? "hostKey" : "proxyJump.hostKey"}`;
    case "too many keys":
      return 'load the one that it accepts, in an agent of its own: eval "$(ssh-agent)"; ssh-add KEY';
    case "forwarding":
      return `allow it in the bastion's sshd_config: AllowTcpForwarding yes, and PermitOpen ${target.address}:${target.port}`;
    case "login":
      return target.agent === undefined
        ? "load the key that it accepts: ssh-add KEY (ssh-add -l lists them)"
        : `allow that key in ~${other.user}/.ssh/authorized_keys, or give another: pulumi config set --secret goblin-host:privateKey`;
    case "program":
      return "see what it does: ssh -V; the look needs OpenSSH 8.5 or later";
    default:
      return `try: ${sshCommand(target)} true`;
  }
}

/** An address behind a bastion is asked there. */
function scanOf({ address, port, proxyJump }: SshTarget, isJump: boolean): string {
  const { address: at, port: on } = isJump && proxyJump !== undefined ? proxyJump : { address, port };
  const scan = `ssh-keyscan -t ed25519 ${on === 22 ? "" : `-p ${on} `}${at}`;
  return isJump || proxyJump === undefined ? scan : `${sshCommand(proxyJump)} ${scan}`;
}
