import { MANAGER } from "../host-bundle/commands";
import type { SshTarget } from "./ssh";

/** `root@203.0.113.10`, with the port where it is not 22. */
export function location({ user, address, port }: SshTarget): string {
  return `${user}@${address}${port === 22 ? "" : `:${port}`}`;
}

/** The manager of a host, as it is called from here. */
export function managerOn({ user, address, port }: SshTarget): string {
  return `ssh ${port === 22 ? "" : `-p ${port} `}${user}@${address} ${MANAGER}`;
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

/**
 * What to do where the host was not let in, or did not let us in.
 * @param message of the SshError
 */
export function whenRefused(message: string, { address }: SshTarget): string {
  return message.includes("host key")
    ? `either it is another machine, or it was reinstalled: compare ssh-keyscan -t ed25519 ${address} with the provider's console, then set hostKey`
    : "load the key that it accepts: ssh-add KEY (ssh-add -l lists them)";
}
