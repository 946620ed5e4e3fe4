import * as pulumi from "@pulumi/pulumi";
import { settleWorkload } from "../cgroup-service/workload";
import { WorkloadSettings } from "../cgroup-service/schema";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { MonitorSettings } from "../monitor/schema";
import { parseSettings } from "../settings/parse";
import { guardProgram } from "./guard";
import { renderSlices } from "./render";
import { ReserveSettings } from "./schema";

/** What the slices of a host are made from. */
export interface AiSliceArgs {
  readonly host: HostConnection;
  /** Every workload of the host, by name. */
  readonly workloads: Readonly<Record<string, WorkloadSettings>>;
  readonly reserve?: ReserveSettings;
  /** The monitor, whose slice is limited as these settings say. Default: no limits, only protection. */
  readonly monitor?: MonitorSettings;
  /** Where models lie. Default /srv/models. */
  readonly modelsPath?: string;
  /** Path of `reserve` in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * ai.slice, which holds all AI workloads and leaves memory and cores to the system; one slice per workload below
 * it; what protects sshd, its sessions and the system from them; and what ends a workload that stands still at its limit.
 *
 * @example
 * new AiSlice("goblin-slices", { host, reserve: { memory: "2GiB" }, workloads: { ollama } }, { dependsOn: manager });
 */
export class AiSlice extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: AiSliceArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:AiSlice", name, {}, opts);
    const { host, modelsPath = "/srv/models", settingPath = firstName(name, args.host.firstNames) } = args;
    const reserve = parseSettings(this, name, ReserveSettings, args.reserve ?? {});
    const workloads = Object.entries(args.workloads).map(([workload, settings]) =>
      settleWorkload(workload, parseSettings(this, `${name} ${workload}`, WorkloadSettings, settings)),
    );
    const monitor =
      args.monitor === undefined
        ? undefined
        : parseSettings(this, `${name} monitor`, MonitorSettings, args.monitor);
    const bundle = renderSlices(workloads, {
      reserve,
      guard: guardProgram(),
      modelsPath,
      setting: settingPath,
      ...(monitor === undefined ? {} : { monitor }),
    });
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
