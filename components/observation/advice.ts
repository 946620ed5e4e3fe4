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
 * What to do where the host was not let in, or did not let us in.
 * @param message of the SshError
 */
export function whenRefused(message: string, { address }: SshTarget): string {
  return message.includes("host key")
    ? `either it is another machine, or it was reinstalled: compare ssh-keyscan -t ed25519 ${address} with the provider's console, then set hostKey`
    : "load the key that it accepts: ssh-add KEY (ssh-add -l lists them)";
}
