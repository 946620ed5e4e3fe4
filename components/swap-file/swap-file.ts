import * as pulumi from "@pulumi/pulumi";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { parseSettings } from "../settings/parse";
import { renderSwapFile } from "./render";
import { SwapFileSettings } from "./schema";

/** The swapfile's settings and the host it is made on. */
export interface SwapFileArgs extends SwapFileSettings {
  readonly host: HostConnection;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * A swapfile with a fixed priority, and the host's swappiness: a safety net behind RAM and zram.
 *
 * @example
 * new SwapFile("goblin-swap", { host, size: "16GiB" }, { dependsOn: manager });
 */
export class SwapFile extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: SwapFileArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:SwapFile", name, {}, opts);
    const { host, settingPath = firstName(name, args.host.firstNames), ...given } = args;
    const settings = parseSettings(this, name, SwapFileSettings, given);
    const bundle = renderSwapFile(settings, settingPath);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
