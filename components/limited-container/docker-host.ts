import { sshOptions, throughJump } from "../ssh/options";
import { bracketed, type SshTarget } from "../ssh/target";

/** How the docker provider reaches a host, by the machine's own `ssh`: its inputs. */
export interface DockerHost {
  readonly host: string;
  readonly sshOpts: string[];
}

export function dockerHost(target: SshTarget): DockerHost {
  const { address, port, user, proxyJump, agent } = target;
  const reached = asArguments(sshOptions(target, agent));
  return {
    host: `ssh://${user}@${bracketed(address)}:${port}`,
    sshOpts:
      proxyJump === undefined
        ? reached
        : [...reached, "-o", throughJump(proxyJump, asArguments(sshOptions(proxyJump, agent)))],
  };
}

function asArguments(options: readonly string[]): string[] {
  return options.flatMap((option) => ["-o", option]);
}
