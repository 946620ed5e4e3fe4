import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { renderEarlyOom } from "./render";
import { EarlyOomSettings } from "./schema";

/** EarlyOOM's settings and the host it guards. */
export interface EarlyOomArgs extends EarlyOomSettings {
  readonly host: HostConnection;
}

/**
 * EarlyOOM ends the largest process before the host thrashes: at 10% available memory with SIGTERM, at 5% with
 * SIGKILL, whatever swap is free. It spares sshd, systemd, dockerd and the monitor.
 *
 * @example
 * new EarlyOom("goblin-earlyoom", { host, memoryPercent: 10 }, { dependsOn: manager });
 */
export class EarlyOom extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: EarlyOomArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:EarlyOom", name, {}, opts);
    const { host, ...given } = args;
    const bundle = renderEarlyOom(parseSettings(this, name, EarlyOomSettings, given));
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
