import * as pulumi from "@pulumi/pulumi";
import { ReserveSettings } from "../ai-slice/schema";
import { appliedCredentials, secretBundle } from "../credentials/credentials";
import type { HostConnection } from "../host-bundle/connection";
import { childOptions, HostBundle } from "../host-bundle/host-bundle";
import { firstName } from "../host-bundle/identity";
import type { ListenAddress } from "../monitor/listen";
import { MonitorSettings } from "../monitor/schema";
import { parseSettings } from "../settings/parse";
import { type PrometheusReceivers, renderPrometheusCredentials } from "./receiver";
import { renderPrometheusStack } from "./render";
import { PrometheusSettings } from "./schema";

/** The settings of both, the host that they run on, and its monitor. `enabled` is GoblinHost's: what is made is wanted. */
export interface PrometheusStackArgs extends PrometheusSettings {
  readonly host: HostConnection;
  /** The settings of the host's monitor, which is scraped: it must have `listen`. */
  readonly monitor: MonitorSettings;
  /** The host's reserve, on whose cores they run. Default: on any. */
  readonly reserve?: ReserveSettings;
  /** Who is told by Alertmanager, by an address that is a secret. Default: nobody, unless `alertmanager.config` says who. */
  readonly credentials?: PrometheusReceivers<pulumi.Input<string>> | undefined;
  /** Path of these settings in the configuration, named by the host's errors. Default: the resource's first name. */
  readonly settingPath?: string;
  /** Path of the monitor's. Default: `monitor`. */
  readonly monitorSettingPath?: string;
}

/**
 * Debian's Prometheus and Alertmanager on the host itself, on loopback, inside limits of their own: the monitor's numbers over weeks,
 * and its alerts as rules. For hosts that no other Prometheus scrapes.
 *
 * @example
 * new PrometheusStack("goblin-prometheus", { host, monitor: { listen: "127.0.0.1:9465" } }, { dependsOn: monitor });
 */
export class PrometheusStack extends pulumi.ComponentResource {
  readonly hostBundle: HostBundle;
  /** Where Prometheus answers on the host. */
  readonly listen: ListenAddress;

  constructor(name: string, args: PrometheusStackArgs, opts?: pulumi.ComponentResourceOptions) {
    super("goblin-host:index:PrometheusStack", name, {}, opts);
    const {
      host,
      monitor,
      reserve = {},
      credentials: { webhook } = {},
      settingPath = firstName(name, args.host.firstNames),
      monitorSettingPath = "monitor",
      ...given
    } = args;
    const settings = parseSettings(this, name, PrometheusSettings, given);
    const watcher = parseSettings(this, `${name} monitor`, MonitorSettings, monitor);
    if (webhook !== undefined && settings.alertmanager.config !== undefined)
      throw new pulumi.ResourceError(
        `"${name}" tells who is told twice: in alertmanager.config, a file of yours, and in credentials.webhook`,
        this,
        true,
      );
    const bundle = rendered(this, name, () =>
      renderPrometheusStack(settings, {
        // Renaming a host changes nothing on it.
        host: firstName(host.name, host.firstNames),
        monitor: watcher,
        reserve: parseSettings(this, `${name} reserve`, ReserveSettings, reserve),
        hasSecretConfig: webhook !== undefined,
        setting: settingPath,
        monitorSetting: monitorSettingPath,
      }),
    );
    this.listen = settings.listen;
    const options = childOptions(this, opts);
    const secrets =
      webhook === undefined
        ? undefined
        : new HostBundle(
            `${name}-credentials`,
            { host, ...secretBundle({ webhook }, renderPrometheusCredentials) },
            options,
          );
    this.hostBundle = new HostBundle(
      `${name}-bundle`,
      { host, bundle, ...(secrets === undefined ? {} : { appliedFor: appliedCredentials(secrets) }) },
      secrets === undefined ? options : { ...options, dependsOn: secrets },
    );
    this.registerOutputs({ receipt: this.hostBundle.receipt });
  }
}

/** What does not go together is told as every other wrong setting is. */
function rendered<T>(resource: pulumi.Resource, name: string, render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new pulumi.ResourceError(
      `the settings of "${name}" are not valid: ${error.message}`,
      resource,
      true,
    );
  }
}
