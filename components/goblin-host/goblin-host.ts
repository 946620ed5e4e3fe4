import type * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { AiSlice } from "../ai-slice/ai-slice";
import { CgroupService } from "../cgroup-service/cgroup-service";
import { ContainerNetwork } from "../container-network/container-network";
import type { Credentials } from "../credentials/credentials";
import { DockerEngine } from "../docker-engine/docker-engine";
import { EarlyOom } from "../early-oom/early-oom";
import type { Limits } from "../host-bundle/bundle";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { reachedAs } from "../host-bundle/reached";
import { dockerProvider } from "../limited-container/docker-provider";
import { LimitedContainer } from "../limited-container/limited-container";
import { Manager } from "../manager/manager";
import { ModelStorage } from "../model-storage/model-storage";
import type { MonitorAddresses } from "../monitor-credentials/schema";
import { Monitor } from "../monitor/monitor";
import type { Observation } from "../observation/observe";
import { PrometheusStack } from "../prometheus-stack/prometheus-stack";
import type { PrometheusReceivers } from "../prometheus-stack/receiver";
import { parseSettings } from "../settings/parse";
import { SwapFile } from "../swap-file/swap-file";
import { ZramDevice } from "../zram-device/zram-device";
import { PACKAGES_AHEAD } from "./ahead";
import { type DeclaredWorkload, declareHost } from "./declare";
import { knownAsBefore } from "./former-names";
import { nextSteps } from "./next-steps";
import { GoblinHostSettings } from "./schema";

/** The settings of one host, and what only the program can give. */
export interface GoblinHostArgs extends Omit<GoblinHostSettings, "address"> {
  readonly address: pulumi.Input<string>;
  /** A private key for where there is no ssh-agent. Default: the agent. */
  readonly privateKey?: pulumi.Input<string>;
  /** By workload: secret variables of its environment. Default: none. */
  readonly credentials?: Readonly<Record<string, Credentials>> | undefined;
  /** Addresses of those whom the monitor tells that are secrets. Default: none. */
  readonly monitorCredentials?: MonitorAddresses<pulumi.Input<string>> | undefined;
  /** Who is told by the host's Alertmanager, by an address that is a secret. Default: nobody. */
  readonly prometheusCredentials?: PrometheusReceivers<pulumi.Input<string>> | undefined;
  /** What a look at the host came to (`observeHosts`). Default: nobody looked, and drift does not show. */
  readonly observation?: Observation | undefined;
  /** Where a setting of this host stands in the configuration, for the host's error messages. Default: its path. */
  readonly settingPath?: (path: string) => string;
}

/**
 * One AI host inside its resources: the manager, zram, a swapfile, EarlyOOM, slices, Docker, the models' folder, the
 * monitor, Prometheus where it is wanted, the network of the containers, and the limits of every workload, applied in
 * this order and removed in the opposite one.
 *
 * @example
 * new GoblinHost("goblin", {
 *   address: "203.0.113.10",
 *   hostKey: "ssh-ed25519 AAAA...",
 *   workloads: { ollama: { memory: { max: "8GiB" }, cpu: { quota: "200%", cores: "0-7" }, io: "high" } },
 * });
 */
export class GoblinHost extends pulumi.ComponentResource {
  /** The first name that the host had: a rename does not change it. */
  readonly identity: string;
  /** The limits declared for every unit, in the canonical form of docs/bundle.md. */
  readonly limits: Readonly<Record<string, Limits>>;
  /** Commands that show what is in force. */
  readonly nextSteps: pulumi.Output<string[]>;

  constructor(name: string, args: GoblinHostArgs, opts?: pulumi.ComponentResourceOptions) {
    const transformations = [...(opts?.transformations ?? []), knownAsBefore(name, args.formerly ?? [])];
    super("goblin-host:index:GoblinHost", name, {}, { ...opts, transformations });
    const { address, privateKey, observation, ...others } = args;
    const { credentials = {}, monitorCredentials, prometheusCredentials, ...rest } = others;
    const { settingPath = (path: string) => path, ...given } = rest;
    // The address may be known only later; its own form is checked where it is written down.
    parseSettings(this, name, GoblinHostSettings, {
      ...given,
      address: typeof address === "string" ? address : "host",
    });
    const { swap = {}, zram = {}, earlyOom = {}, reserve = {}, monitor = {}, workloads = {} } = given;
    const declared = declareHost(name, given);
    const { path: modelsPath, mount: modelsMount } = declared.models;
    for (const workload of Object.keys(credentials).filter((key) => !Object.hasOwn(workloads, key)))
      throw new pulumi.ResourceError(
        `host "${name}" has credentials for "${workload}", which is no workload of it`,
        this,
        true,
      );
    this.identity = firstName(name, declared.connection.firstNames);
    const host: HostConnection = {
      ...declared.connection,
      address,
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(observation === undefined ? {} : { observation }),
    };
    const after = (previous: pulumi.Resource) => ({ parent: this, dependsOn: previous });

    const manager = new Manager(
      `${name}-manager`,
      {
        host,
        before: declared.workloads.map(({ unit }) => unit),
        daily: declared.daily,
        ahead: PACKAGES_AHEAD,
      },
      { parent: this },
    );
    const compressed = new ZramDevice(
      `${name}-zram`,
      { ...zram, host, settingPath: settingPath("zram") },
      after(manager),
    );
    const disk = new SwapFile(
      `${name}-swap`,
      { ...swap, host, settingPath: settingPath("swap") },
      after(compressed),
    );
    const killer = new EarlyOom(`${name}-earlyoom`, { ...earlyOom, host }, after(disk));
    const slices = new AiSlice(
      `${name}-slices`,
      { host, reserve, workloads, monitor, modelsPath, settingPath: settingPath("reserve") },
      after(killer),
    );
    const engine = new DockerEngine(
      `${name}-docker`,
      { ...given.docker, host, settingPath: settingPath("docker") },
      after(slices),
    );
    const storage = new ModelStorage(
      `${name}-models`,
      { ...given.models, host, settingPath: settingPath("models") },
      after(engine),
    );
    const provider = dockerProvider(`${name}-docker-provider`, host, { parent: this });
    const watcher = new Monitor(
      `${name}-monitor`,
      {
        ...monitor,
        host,
        provider,
        thresholds: given.thresholds ?? {},
        workloads: declared.workloads.map(({ settled }) => settled),
        modelsPath,
        modelsMount,
        credentials: monitorCredentials,
        settingPath: settingPath("monitor"),
      },
      after(storage),
    );
    const metrics = declared.hasPrometheus
      ? new PrometheusStack(
          `${name}-prometheus`,
          {
            ...given.prometheus,
            host,
            monitor,
            reserve,
            credentials: prometheusCredentials,
            settingPath: settingPath("prometheus"),
            monitorSettingPath: settingPath("monitor"),
          },
          after(watcher.timer),
        )
      : undefined;
    const network = declared.hasNetwork
      ? new ContainerNetwork(
          `${name}-network`,
          { host, settingPath: settingPath("workloads") },
          after(metrics ?? watcher.timer),
        )
      : undefined;
    const services = this.workloads(name, declared.workloads, network ?? metrics ?? watcher.timer, {
      host,
      provider,
      network,
      modelsPath,
      credentials,
      settingPath,
    });

    const parts = [manager, compressed, disk, killer, slices, engine, storage, watcher];
    const bundles = [...parts, ...(metrics === undefined ? [] : [metrics]), ...services].map(
      ({ hostBundle }) => hostBundle.bundle,
    );
    this.limits = Object.assign({}, ...bundles.map(({ limits }) => limits ?? {})) as Record<string, Limits>;
    const page = { listen: watcher.listen, setting: settingPath("monitor.listen") };
    this.nextSteps = reachedAs(host).apply((target) => nextSteps(target, page, metrics?.listen));
    this.registerOutputs({ limits: this.limits, nextSteps: this.nextSteps });
  }

  /** One after the other, the most important first: they restart one at a time. */
  private workloads(
    name: string,
    workloads: readonly DeclaredWorkload[],
    after: pulumi.Resource,
    { host, provider, network, modelsPath, credentials, settingPath }: WorkloadsContext,
  ): (CgroupService | LimitedContainer)[] {
    let previous = after;
    return workloads.map(({ name: workload, settled, as }) => {
      const child = `${name}-${workload}`;
      const options = { parent: this, dependsOn: previous };
      const context = {
        host,
        workload,
        credentials: Object.hasOwn(credentials, workload) ? credentials[workload] : undefined,
        settingPath: settingPath(`workloads.${workload}`),
      };
      const made =
        "service" in as
          ? new CgroupService(child, { ...as.service, ...context, modelsPath }, options)
          : new LimitedContainer(
              child,
              {
                ...as.container,
                ...context,
                provider,
                network: settled.network === "shared" ? network : undefined,
              },
              options,
            );
      previous = "ready" in made ? made.ready : made;
      return made;
    });
  }
}

/** What every workload of a host is made with. */
interface WorkloadsContext {
  readonly host: HostConnection;
  readonly provider: docker.Provider;
  readonly network: ContainerNetwork | undefined;
  readonly modelsPath: string;
  readonly credentials: Readonly<Record<string, Credentials>>;
  readonly settingPath: (path: string) => string;
}
