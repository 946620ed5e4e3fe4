import type { HostConnection } from "../host-bundle/connection";
import { parseHostKey } from "../host-bundle/schema";

/** How the docker provider reaches a host: its inputs. */
export interface DockerHost {
  readonly host: string;
  readonly sshOpts: string[];
}

/**
 * The docker provider runs the machine's own `ssh`. The key that the host must have is given by a command, so that
 * neither a file of this machine nor its path is an input (ssh_config(5), KnownHostsCommand, OpenSSH 8.5 and later).
 * @param agent an ssh-agent's socket; `~` is the home of whoever runs Pulumi. Default: what SSH_AUTH_SOCK names
 */
export function dockerHost(
  { port = 22, user = "root", insecureSkipHostKeyCheck = false }: HostConnection,
  address: string,
  hostKey: string | undefined,
  agent?: string,
): DockerHost {
  const bracketed = address.includes(":") ? `[${address}]` : address;
  const nobody = ["UserKnownHostsFile=/dev/null", "GlobalKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  // Where it does not answer, ssh tries its user's own key files.
  const identity = agent === undefined ? [] : [`IdentityAgent=${agent}`];
  const check =
    hostKey === undefined || insecureSkipHostKeyCheck
      ? ["StrictHostKeyChecking=no"]
      : knownHost(parseHostKey(hostKey), address, port);
  const options = [...nobody, ...check, ...identity, "BatchMode=yes", "ConnectTimeout=30"];
  return {
    host: `ssh://${user}@${bracketed}:${port}`,
    sshOpts: options.flatMap((option) => ["-o", option]),
  };
}

function knownHost(hostKey: string, address: string, port: number): string[] {
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
