import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { renderMonitorTimer } from "./render";

/** How often the host's monitor is made to collect. */
export interface MonitorTimerArgs {
  readonly host: HostConnection;
  /** Seconds or minutes between collections: `60s`, `5min`. Default 60s. */
  readonly collect?: string;
  /** The monitor's version: another one has to prove that it collects. Default none. */
  readonly revision?: string;
}

/** `ai-resource-monitor.timer` and its service on a host that has the monitor's container. */
export class MonitorTimer extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: MonitorTimerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:MonitorTimer", name, {}, opts);
    const { host, collect = "60s", revision = "" } = args;
    const bundle = renderMonitorTimer(collect, revision);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
