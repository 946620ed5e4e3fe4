import { stringify } from "yaml";
import type { ListenAddress } from "../monitor/listen";
import { FILE_HEADER } from "../render/unit-file";
import { bracketed } from "../ssh/target";

/** How Prometheus asks the monitor. */
export interface MonitorTarget {
  /** `ADDRESS:PORT`, as it is reached on the host itself. */
  readonly address: string;
  /** A file with the word that it must show. Default: nobody asks for one. */
  readonly tokenFile?: string;
  /** What its certificate is judged by. Default: it talks plain HTTP. */
  readonly tls?: { readonly caFile: string; readonly serverName: string };
}

/** What prometheus.yml is made from. */
export interface PrometheusConfig {
  /** How alerts call the host. */
  readonly host: string;
  readonly monitor: MonitorTarget;
  readonly prometheus: ListenAddress;
  readonly alertmanager: ListenAddress;
  /** A file of rules, below the folder of the configuration. */
  readonly rules: string;
}

/** Two of a rate's 3 minutes, and of a silence's 150 s, may be lost (components/prometheus/rules.ts). */
const INTERVAL = "30s";

/** `127.0.0.1:9090`, `[::1]:9090`. */
export function listenText({ address, port }: ListenAddress): string {
  return `${bracketed(address)}:${port}`;
}

/** The text of prometheus.yml: the monitor and Prometheus itself are scraped, and its alerts go to Alertmanager. */
export function renderPrometheusConfig(config: PrometheusConfig): string {
  const { host, monitor, prometheus, alertmanager, rules } = config;
  const at = (target: string) => [{ targets: [target], labels: { instance: host } }];
  const { tokenFile, tls } = monitor;
  return yaml({
    global: { scrape_interval: INTERVAL, evaluation_interval: INTERVAL },
    alerting: { alertmanagers: [{ static_configs: [{ targets: [listenText(alertmanager)] }] }] },
    rule_files: [rules],
    scrape_configs: [
      {
        job_name: "ai-resource-monitor",
        ...(tls === undefined
          ? {}
          : { scheme: "https", tls_config: { ca_file: tls.caFile, server_name: tls.serverName } }),
        ...(tokenFile === undefined ? {} : { authorization: { credentials_file: tokenFile } }),
        static_configs: at(monitor.address),
      },
      { job_name: "prometheus", static_configs: at(listenText(prometheus)) },
    ],
  });
}

/** Names of the receivers in Alertmanager's configuration. */
const NOBODY = "nobody";
const WEBHOOK = "webhook";

/**
 * The text of alertmanager.yml: one receiver for all, or nobody, so that alerts show in Alertmanager alone. The heartbeat, which
 * always fires, is for nobody: a webhook that tells people would tell them every four hours that all is well.
 */
export function renderAlertmanagerConfig({
  webhook,
}: { readonly webhook?: string | undefined } = {}): string {
  if (webhook === undefined) return yaml({ route: { receiver: NOBODY }, receivers: [{ name: NOBODY }] });
  return yaml({
    route: {
      receiver: WEBHOOK,
      group_by: ["alertname", "instance"],
      group_wait: "30s",
      group_interval: "5m",
      repeat_interval: "4h",
      routes: [{ receiver: NOBODY, matchers: ['alertname="AirmHeartbeat"'] }],
    },
    receivers: [
      { name: NOBODY },
      { name: WEBHOOK, webhook_configs: [{ url: webhook, send_resolved: true }] },
    ],
  });
}

function yaml(value: object): string {
  return FILE_HEADER + stringify(value, { lineWidth: 0 });
}
