import * as pulumi from "@pulumi/pulumi";
import { appliedCredentials, type Credentials, credentialsBundle, hasAny } from "../credentials/credentials";
import type { HostConnection } from "../host-bundle/connection";
import { firstName } from "../host-bundle/identity";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { parseSettings } from "../settings/parse";
import { renderCgroupService } from "./render";
import { CONTAINER_DEFAULTS } from "../limited-container/schema";
import { CgroupServiceSettings } from "./schema";
import { tellDerived } from "./tell-derived";
import { settleWorkload } from "./workload";

/** One workload's settings and the host it runs on. */
export interface CgroupServiceArgs extends CgroupServiceSettings {
  readonly host: HostConnection;
  /** The workload's name: its bundle is `workload-NAME`, its unit NAME.service unless `unit` says otherwise. */
  readonly workload: string;
  /** Where models lie. Default /srv/models. */
  readonly modelsPath?: string;
  /** Secret variables of its environment: in a file that only root reads, and a secret in Pulumi's state. Default: none. */
  readonly credentials?: Credentials | undefined;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
}

/**
 * The limits of one systemd service: drop-ins beside its vendor's unit, or the unit itself too when `exec` is
 * given. A changed limit is live without a restart; a changed core, hardening or variable restarts it.
 *
 * @example
 * new CgroupService("goblin-ollama", {
 *   host,
 *   workload: "ollama",
 *   memory: { max: "8GiB" },
 *   cpu: { quota: "200%", cores: "0-7" },
 *   io: "high",
 * }, { dependsOn: slices });
 */
export class CgroupService extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;

  constructor(name: string, args: CgroupServiceArgs, opts?: pulumi.ComponentResourceOptions) {
    // One that was a container under this name becomes a service by an update of its bundle (LimitedContainer).
    const aliases = [...(opts?.aliases ?? []), { type: "goblin-host:index:LimitedContainer" }];
    super("goblin-host:index:CgroupService", name, {}, { ...opts, aliases });
    const {
      host,
      workload,
      modelsPath = "/srv/models",
      credentials,
      settingPath = firstName(name, args.host.firstNames),
      ...given
    } = args;
    const settings = parseSettings(this, name, CgroupServiceSettings, given);
    const settled = settleWorkload(workload, { ...settings, ...CONTAINER_DEFAULTS, runtime: "systemd" });
    const names = Object.keys(credentials ?? {});
    const bundle = renderCgroupService(settled, { modelsPath, setting: settingPath, credentials: names });
    const options = childOptions(this, opts);
    const secrets = hasAny(credentials)
      ? new HostBundle(`${name}-credentials`, { host, ...credentialsBundle(workload, credentials) }, options)
      : undefined;
    this.hostBundle = new HostBundle(
      `${name}-bundle`,
      { host, bundle, ...(secrets === undefined ? {} : { appliedFor: appliedCredentials(secrets) }) },
      secrets === undefined ? options : { ...options, dependsOn: secrets },
    );
    tellDerived(this, settled, names);
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}
