import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { renderModelStorage } from "./render";
import { ModelsSettings } from "./schema";

/** Where models lie, and on which host. */
export interface ModelStorageArgs extends ModelsSettings {
  readonly host: HostConnection;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * The folder that models are loaded from: present, owned, on the filesystem expected, and read ahead as sequential
 * loading wants it. What is in it is never touched.
 *
 * @example
 * new ModelStorage("goblin-models", { host, path: "/srv/models", readAhead: "4MiB" }, { dependsOn: manager });
 */
export class ModelStorage extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: ModelStorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:ModelStorage", name, {}, opts);
    const { host, settingPath = firstName(name, args.host.firstNames), ...given } = args;
    const bundle = renderModelStorage(parseSettings(this, name, ModelsSettings, given), settingPath);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
