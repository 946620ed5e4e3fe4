import * as pulumi from "@pulumi/pulumi";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { renderDockerEngine } from "./render";
import { DockerEngineSettings } from "./schema";

/** dockerd's settings and the host it runs on. */
export interface DockerEngineArgs extends DockerEngineSettings {
  readonly host: HostConnection;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * Docker on the host: Debian's docker.io, or the Docker CE that is there. dockerd uses systemd's cgroup driver, keeps
 * containers alive while it restarts, and bounds their logs; the rest of an existing daemon.json is kept.
 *
 * @example
 * new DockerEngine("goblin-docker", { host, logMaxSize: "10MiB" }, { dependsOn: manager });
 */
export class DockerEngine extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: DockerEngineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:DockerEngine", name, {}, opts);
    const { host, settingPath = firstName(name, args.host.firstNames), ...given } = args;
    const bundle = renderDockerEngine(parseSettings(this, name, DockerEngineSettings, given), settingPath);
    this.hostBundle = new HostBundle(`${name}-bundle`, { host, bundle }, childOptions(this, opts));
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
