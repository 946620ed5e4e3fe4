import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { renderContainerNetwork } from "./render";

/** The host whose containers shall reach one another. */
export interface ContainerNetworkArgs {
  readonly host: HostConnection;
  /** Path of the workloads' settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * The Docker network in which the container workloads of a host reach one another by name: a bridge that the host's
 * manager makes and gives back. It needs a Docker daemon (DockerEngine).
 *
 * @example
 * const network = new ContainerNetwork("goblin-network", { host }, { dependsOn: engine });
 * new LimitedContainer("goblin-ollama", { host, provider, network, workload: "ollama", ... }, { dependsOn: slices });
 */
export class ContainerNetwork extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: ContainerNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:ContainerNetwork", name, {}, opts);
    const { host, settingPath = firstName(name, args.host.firstNames) } = args;
    const bundle = renderContainerNetwork(settingPath);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
