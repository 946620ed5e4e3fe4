import type * as pulumi from "@pulumi/pulumi";
import type { Observation } from "../observation/observe";
import type { FirstNames } from "./identity";

/** A bastion: the machine that the connections to a host go through. */
export interface ProxyJump {
  readonly address: pulumi.Input<string>;
  /** Default 22. */
  readonly port?: number;
  /** Default root. It needs no rights there but to log in. */
  readonly user?: string;
  /** The bastion's public key, ed25519 or ecdsa. Required unless the check is switched off. */
  readonly hostKey?: pulumi.Input<string> | undefined;
  /** DANGER: connects to whoever answers. */
  readonly insecureSkipHostKeyCheck?: boolean;
}

/** One host and how it is reached. Its settings are described in schema.ts. */
export interface HostConnection {
  /** The host's identity in resource names. Moving to another machine is another name. */
  readonly name: string;
  /**
   * The first names of what was renamed: of this host (`{ vps: "goblin" }`), or of a component on it
   * (`{ "goblin-disk": "goblin-swap" }`), beside Pulumi's own `aliases`. They are kept for ever: the host knows by them
   * whose its bundles are. Default: nothing was renamed.
   */
  readonly firstNames?: FirstNames;
  readonly address: pulumi.Input<string>;
  /** Default 22. */
  readonly port?: number;
  /** Default root; any other needs `sudo -n`. */
  readonly user?: string;
  /** The host's public key, ed25519 or ecdsa. Required unless the check is switched off. */
  readonly hostKey?: pulumi.Input<string>;
  /** DANGER: connects to whoever answers. */
  readonly insecureSkipHostKeyCheck?: boolean;
  /** What the host is reached through, as by OpenSSH's ProxyJump; by the same keys. Default: directly. */
  readonly proxyJump?: ProxyJump;
  /** A private key for where there is no ssh-agent, such as CI. Default: the agent at SSH_AUTH_SOCK. */
  readonly privateKey?: pulumi.Input<string>;
  /** What a look at the host came to (`observeHosts`): a bundle that differs there is updated. Default: nobody looked. */
  readonly observation?: Observation;
}
