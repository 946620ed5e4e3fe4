import { z } from "zod";
import type { Bundle } from "../host-bundle/bundle";
import { secretUrl } from "../monitor-credentials/schema";
import { NAME, NAME_RULE } from "../settings/name";
import { renderAlertmanagerConfig } from "./config";

/** The bundle's name. */
export const PROMETHEUS_CREDENTIALS = "prometheus-credentials";

/** Alertmanager's configuration where it holds a secret. systemd hands it over, so that root alone reads the file. */
export const SECRET_CONFIG = "/etc/goblin-host/credentials/alertmanager.yml";

/** Who is told by Alertmanager: an address that is a secret. */
export const PrometheusCredentialsSettings = z.strictObject({ webhook: secretUrl() });

/** The same of one host alone, by host. */
export const HostPrometheusCredentialsSettings = z.record(
  z.string().regex(NAME, NAME_RULE),
  PrometheusCredentialsSettings,
);

/** Those that are given. */
export interface PrometheusReceivers<T = string> {
  /** Gets Alertmanager's POST of JSON for each group of alerts that come or go. */
  readonly webhook?: T | undefined;
}

/**
 * The bundle `prometheus-credentials`, which is a secret as a whole. It is Alertmanager's whole configuration: the one of Debian 12
 * (0.25) takes a webhook's address from nowhere else (`url_file` came with 0.26).
 */
export function renderPrometheusCredentials({ webhook }: PrometheusReceivers): Bundle {
  return {
    name: PROMETHEUS_CREDENTIALS,
    secret: true,
    files:
      webhook === undefined
        ? {}
        : { [SECRET_CONFIG]: { mode: "0400", content: renderAlertmanagerConfig({ webhook }) } },
  };
}
