import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { renderZramDevice } from "./render";
import { ZramDeviceSettings } from "./schema";

/** The compressed swap's settings and the host it is made on. */
export interface ZramDeviceArgs extends ZramDeviceSettings {
  readonly host: HostConnection;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * Compressed swap in RAM (zram0), used before any disk swap. It takes over from zram-tools, whose configuration
 * is kept as /etc/default/zramswap.backup and given back on removal.
 *
 * @example
 * new ZramDevice("goblin-zram", { host, size: "8GiB", algorithm: "lz4" }, { dependsOn: manager });
 */
export class ZramDevice extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: ZramDeviceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:ZramDevice", name, {}, opts);
    const { host, settingPath = firstName(name, args.host.firstNames), ...given } = args;
    const settings = parseSettings(this, name, ZramDeviceSettings, given);
    const bundle = renderZramDevice(settings, settingPath);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
