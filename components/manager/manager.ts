import * as pulumi from "@pulumi/pulumi";
import type { PackageAhead } from "../host-bundle/bundle";
import type { HostConnection } from "../host-bundle/connection";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { managerProgram } from "./program";
import { renderManager } from "./render";

/** The host that gets the manager. */
export interface ManagerArgs {
  readonly host: HostConnection;
  /** Units that start only after the boot-time run: the workloads. Default none. */
  readonly before?: readonly string[];
  /** What the daily timer does with drift: report it (verify), or repair it too, which hides it from CI. Default verify. */
  readonly daily?: "verify" | "repair";
  /** Packages of the components that follow, so that one run of apt brings all. Default none: each brings its own. */
  readonly ahead?: readonly PackageAhead[];
}

/** `ai-resource-manager` on a host. Every other component of the host depends on it. */
export class Manager extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: ManagerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:Manager", name, {}, opts);
    const bundle = renderManager(managerProgram().text, {
      before: args.before ?? [],
      daily: args.daily ?? "verify",
      ahead: args.ahead ?? [],
    });
    this.hostBundle = new HostBundle(`${name}-bundle`, { host: args.host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
