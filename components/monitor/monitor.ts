import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import type { SettledWorkload } from "../cgroup-service/workload";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { secretBundle } from "../credentials/credentials";
import { renderMonitorCredentials } from "../monitor-credentials/render";
import { type MonitorAddresses, SECRET_SINKS, type SecretSink } from "../monitor-credentials/schema";
import { makeWay } from "../limited-container/make-way";
import { OWNER_LABEL, ownedBy } from "../limited-container/owned";
import { MonitorTimer } from "../monitor-timer/monitor-timer";
import { parseSettings } from "../settings/parse";
import { monitorConfig, needsNetwork, watchesGpus, type Watched } from "./config";
import type { ListenAddress } from "./listen";
import { monitorCommand, monitorImage, monitorRevision, shortDigest } from "./image";
import { MONITOR_USER, renderMonitorHost } from "./render";
import { MonitorSettings, ThresholdSettings } from "./schema";
import { monitorSpec } from "./spec";

/** The monitor's settings, the host it watches, and what is watched there. */
export interface MonitorArgs extends MonitorSettings {
  readonly host: HostConnection;
  readonly provider: docker.Provider;
  /** Alert thresholds in percent. Defaults 85, 90, 90, 70, 95, 20. */
  readonly thresholds?: ThresholdSettings;
  readonly workloads: readonly SettledWorkload[];
  /** Where models lie. Default /srv/models. */
  readonly modelsPath?: string;
  /** required: that it is no mount of its own is an alert. Default any. */
  readonly modelsMount?: "any" | "required";
  /**
   * Addresses of those who are told that are secrets, whether Pulumi knows them as such or not: `webhook`, `sentry`, `heartbeat`,
   * `alertmanager`. Default: none.
   */
  readonly credentials?: MonitorAddresses<pulumi.Input<string>> | undefined;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * The monitor of a host: its image, built by the host's own daemon; its container in airm.slice; the host's command
 * `ai-resource-monitor`; and the timer. It needs a Docker daemon (DockerEngine) and its slice (AiSlice).
 */
export class Monitor extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;
  readonly container: docker.Container;
  readonly timer: MonitorTimer;
  /** Its TCP address; undefined: it is reached by its socket alone. */
  readonly listen: ListenAddress | undefined;

  constructor(name: string, args: MonitorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:Monitor", name, {}, opts);
    const {
      host,
      provider,
      thresholds = {},
      workloads,
      modelsPath = "/srv/models",
      modelsMount = "any",
      credentials = {},
      settingPath = firstName(name, args.host.firstNames),
      ...given
    } = args;
    const addresses = givenOf(credentials);
    const watched = {
      // Renaming a host changes nothing on it.
      host: firstName(args.host.name, args.host.firstNames),
      monitor: parseSettings(this, name, MonitorSettings, given),
      thresholds: parseSettings(this, `${name} thresholds`, ThresholdSettings, thresholds),
      workloads,
      models: { path: modelsPath, mount: modelsMount },
      credentials: Object.keys(addresses) as SecretSink[],
    };
    refuseTwice(this, name, watched);
    const { baseImage, collect, listen } = watched.monitor;
    this.listen = listen;
    const config = monitorConfig(watched);
    const files = monitorImage();
    const { context, hash } = files;
    const gpu = watchesGpus(watched);
    const revision = monitorRevision(files, baseImage, config);

    const options = childOptions(this, opts);
    const render = (values: MonitorAddresses) => renderMonitorCredentials(values, MONITOR_USER);
    const secrets =
      watched.credentials.length > 0
        ? new HostBundle(`${name}-credentials`, { host, ...secretBundle(addresses, render) }, options)
        : undefined;
    this.hostBundle = new HostBundle(
      `${name}-bundle`,
      { host, bundle: renderMonitorHost(config, monitorCommand(), { gpu, setting: settingPath }) },
      secrets === undefined ? options : { ...options, dependsOn: secrets },
    );
    const image = new docker.RemoteImage(
      `${name}-image`,
      {
        // Its tag names its contents and whose it is, so that an image that goes takes no other one along.
        name: `goblin-host/monitor:${shortDigest(hash, baseImage, this.hostBundle.owner)}`,
        build: {
          context,
          buildArgs: { BASE_IMAGE: baseImage },
          label: { [OWNER_LABEL]: this.hostBundle.owner },
          // The other builder is the one of the machine that runs Pulumi (measured).
          useLegacyBuilder: true,
        },
        triggers: { context: hash },
        // A version that is replaced loses its name also where somebody's container uses it, and goes with that.
        forceRemove: true,
      },
      { parent: this, provider, dependsOn: this.hostBundle, deletedWith: this.hostBundle.command },
    );
    const spec = monitorSpec(watched.monitor, { modelsPath, network: needsNetwork(watched), gpu });
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...spec,
        labels: ownedBy(this.hostBundle.owner),
        image: image.imageId,
        mustRun: true,
      },
      {
        parent: this,
        provider,
        dependsOn: this.hostBundle,
        deleteBeforeReplace: true,
        deletedWith: this.hostBundle.command,
        ...makeWay(name, host, spec.name, this.hostBundle),
        replaceOnChanges: ["healthcheck", "init", "tmpfs"],
      },
    );
    this.timer = new MonitorTimer(
      `${name}-timer`,
      { host, collect, revision },
      { parent: this, dependsOn: this.container },
    );
    this.registerOutputs({ receipt: this.timer.hostBundle.receipt });
  }
}

function givenOf(
  credentials: MonitorAddresses<pulumi.Input<string>>,
): Readonly<Record<string, pulumi.Input<string>>> {
  return Object.fromEntries(
    SECRET_SINKS.flatMap((sink) => {
      const address = credentials[sink];
      return address === undefined ? [] : [[sink, address]];
    }),
  );
}

/** An address has one place. */
function refuseTwice(resource: pulumi.Resource, name: string, { monitor, credentials }: Watched): void {
  for (const sink of credentials) {
    if (monitor.tell[sink] === undefined) continue;
    const problem = `"${name}" has the address of ${sink} twice: in tell.${sink}, a file of yours, and in credentials.${sink}`;
    throw new pulumi.ResourceError(problem, resource, true);
  }
}
