import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";
import { LimitedContainerSettings } from "../cgroup-service/schema";
import { tellDerived } from "../cgroup-service/tell-derived";
import { settleWorkload } from "../cgroup-service/workload";
import type { ContainerNetwork } from "../container-network/container-network";
import { type Credentials, hasAny, secretEnvironment } from "../credentials/credentials";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { makeWay } from "./make-way";
import { ownedBy } from "./owned";
import { renderContainerReadiness, renderContainerUnit } from "./render";
import { containerRevision } from "./revision";
import { containerSpec } from "./spec";

/** One workload's settings, the host it runs on, and the provider that reaches its Docker daemon. */
export interface LimitedContainerArgs extends LimitedContainerSettings {
  readonly host: HostConnection;
  readonly provider: docker.Provider;
  /**
   * The workload's name: its container has it, by which others of its network reach it; its unit is NAME.service unless
   * `unit` says otherwise.
   */
  readonly workload: string;
  /** The network that it shares with others of its host. Default: none, but Docker's default bridge. */
  readonly network?: ContainerNetwork | undefined;
  /**
   * Secret variables of its environment: a secret in Pulumi's state, and plain to whoever may use the Docker socket of the
   * host, who is root there. Default: none.
   */
  readonly credentials?: Credentials | undefined;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * One container inside its limits: Docker's own, and those of its slice under ai.slice for what Docker cannot
 * express. It needs its slice (AiSlice with the same workload) and a Docker daemon (DockerEngine).
 *
 * @example
 * new LimitedContainer("goblin-llamacpp", {
 *   host, provider, network,
 *   workload: "llamacpp",
 *   image: "ghcr.io/ggml-org/llama.cpp:server-b4719",
 *   memory: { max: "6GiB" },
 *   cpu: { quota: "150%", cores: "8-11" },
 *   volumes: ["/srv/models:/models:ro"],
 *   ports: ["127.0.0.1:8080:8080"],
 *   health: { http: "http://127.0.0.1:8080/health" },
 * }, { dependsOn: slices });
 */
export class LimitedContainer extends pulumi.ComponentResource {
  /** The thin unit's bundle. */
  readonly hostBundle: HostBundle;
  readonly container: docker.Container;
  /** Settled once the container has proven that it is well. */
  readonly ready: HostBundle;

  constructor(name: string, args: LimitedContainerArgs, opts?: pulumi.ComponentResourceOptions) {
    // A workload that was a service under this name becomes a container by an update of its bundle, not by a new one
    // beside it.
    const aliases = [...(opts?.aliases ?? []), { type: "goblin-host:index:CgroupService" }];
    super("goblin-host:index:LimitedContainer", name, {}, { ...opts, aliases });
    const { host, provider, workload, credentials, network, ...rest } = args;
    const { settingPath = firstName(name, host.firstNames), ...given } = rest;
    const settings = parseSettings(this, name, LimitedContainerSettings, given);
    const settled = settleWorkload(workload, {
      ...settings,
      runtime: "container",
      network: network === undefined ? "bridge" : "shared",
      hardening: { except: [] },
      readablePaths: [],
      writablePaths: [],
      after: [],
    });
    const spec = containerSpec(settled);
    const image = settings.image;

    this.hostBundle = new HostBundle(
      `${name}-bundle`,
      { host, bundle: renderContainerUnit(settled, settingPath) },
      // It goes before its network does, and takes the container along.
      childOptions(this, network === undefined ? opts : pulumi.mergeOptions(opts, { dependsOn: network })),
    );
    const pulled = new docker.RemoteImage(
      `${name}-image`,
      { name: image, keepLocally: true },
      { parent: this, provider, dependsOn: this.hostBundle, deletedWith: this.hostBundle.command },
    );
    this.container = new docker.Container(
      `${name}-container`,
      {
        ...spec,
        ...(hasAny(credentials) ? { envs: secretEnvironment(spec.envs, credentials) } : {}),
        labels: ownedBy(this.hostBundle.owner),
        image: pulled.imageId,
        mustRun: true,
      },
      {
        parent: this,
        provider,
        // The network by itself, too: Pulumi deletes what is to go by its own dependencies only.
        dependsOn: network === undefined ? this.hostBundle : [this.hostBundle, network],
        deleteBeforeReplace: true,
        // The host removes it with its unit, also where no dockerd answers.
        deletedWith: this.hostBundle.command,
        ...makeWay(name, host, spec.name, this.hostBundle),
        // The provider takes these to be changeable in place, and changes nothing.
        replaceOnChanges: ["healthcheck", "init", "tmpfs"],
        additionalSecretOutputs: hasAny(credentials) ? ["envs"] : [],
        // What is left to the image is read back, and would be a change that replaces.
        ignoreChanges: settings.user === undefined ? ["user"] : [],
      },
    );
    this.ready = new HostBundle(
      `${name}-ready`,
      {
        host,
        bundle: renderContainerReadiness(settled, containerRevision(image, spec), settingPath),
        // One that takes the place of a removed container has the same revision, and has proven nothing yet.
        appliedFor: this.container.id,
      },
      { parent: this, dependsOn: this.container },
    );
    tellDerived(this, settled, Object.keys(credentials ?? {}));
    this.registerOutputs({ receipt: this.ready.receipt });
  }
}
