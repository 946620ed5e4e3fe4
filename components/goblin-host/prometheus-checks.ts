import { type ListenAddress, parseListen, parseLoopbackAddress } from "../monitor/listen";
import type { MonitorAddresses } from "../monitor-credentials/schema";
import { listenText } from "../prometheus-stack/config";
import { NO_ADDRESS, NO_NAME } from "../prometheus-stack/monitor-scrape";
import type { PrometheusReceivers } from "../prometheus-stack/receiver";
import { ALERTMANAGER_PORT, PROMETHEUS_PORT } from "../prometheus-stack/schema";
import { overlap, parseIpAddress } from "../settings/ip-address";
import type { SettingIssue } from "../settings/issues";
import { formatPath, type SettingPath, valueAt } from "../settings/values";

const MONITOR_LISTEN = ["monitor", "listen"];
const CERTIFICATE = ["monitor", "access", "certificate"];
const SERVER_NAME = ["prometheus", "serverName"];

/** What the host has of the two, whatever else is wrong with it. */
export function hasPrometheus(raw: unknown): boolean {
  const enabled = valueAt(raw, ["prometheus", "enabled"]);
  return enabled === true || enabled === "true";
}

/** Who listens where, of those whose address is right by itself. */
export interface Listener {
  readonly path: SettingPath;
  /** What an operator knows it by. */
  readonly name: string;
  readonly at: ListenAddress;
}

/** Prometheus and Alertmanager, where the host has them. */
export function stackListeners(raw: unknown): Listener[] {
  if (!hasPrometheus(raw)) return [];
  const of = (name: string, path: SettingPath, port: string): Listener[] => {
    const given = valueAt(raw, path) ?? `127.0.0.1:${port}`;
    const at = typeof given === "string" ? attempt(() => parseLoopbackAddress(given, port)) : undefined;
    return at === undefined ? [] : [{ path, name, at }];
  };
  return [
    ...of("Prometheus", ["prometheus", "listen"], PROMETHEUS_PORT),
    ...of("Alertmanager", ["prometheus", "alertmanager", "listen"], ALERTMANAGER_PORT),
  ];
}

/** What of the monitor's settings Prometheus cannot do with, and addresses that two of them have. */
export function prometheusIssues(raw: unknown): SettingIssue[] {
  if (!hasPrometheus(raw)) return [];
  const has = (path: SettingPath): boolean => valueAt(raw, path) !== undefined;
  const issues: SettingIssue[] = [];
  if (!has(MONITOR_LISTEN)) {
    const message = `${NO_ADDRESS} (prometheus.enabled)`;
    issues.push({ path: MONITOR_LISTEN, value: undefined, message, fix: "127.0.0.1:9465" });
  }
  if (has(CERTIFICATE) && !has(SERVER_NAME))
    issues.push({ path: SERVER_NAME, value: undefined, message: NO_NAME, fix: "goblin.example.com" });
  if (!has(CERTIFICATE) && has(SERVER_NAME)) {
    const message = "the monitor shows no certificate (monitor.access.certificate) that could have a name";
    issues.push({ path: SERVER_NAME, value: valueAt(raw, SERVER_NAME), message, fix: null });
  }
  return [...issues, ...takenAddresses(raw)];
}

/** Told of the later one, with the next port that nobody has. */
function takenAddresses(raw: unknown): SettingIssue[] {
  const given = valueAt(raw, MONITOR_LISTEN);
  const monitor = typeof given === "string" ? attempt(() => parseListen(given)) : undefined;
  const listeners: Listener[] = [
    ...(monitor === undefined ? [] : [{ path: MONITOR_LISTEN, name: "the monitor", at: monitor }]),
    ...stackListeners(raw),
  ];
  const claimed: Listener[] = [];
  return listeners.flatMap((listener) => {
    const { path, at } = listener;
    const other = claimed.find((one) => meet(one.at, at));
    const free = freePort(at, [...listeners, ...claimed]);
    claimed.push(other === undefined ? listener : { ...listener, at: free });
    if (other === undefined) return [];
    const value = valueAt(raw, path);
    return [
      {
        path,
        value: value ?? listenText(at),
        ...(value === undefined ? { isDefault: true } : {}),
        message: `${other.name} has that address (${formatPath(other.path)})`,
        fix: listenText(free),
      },
    ];
  });
}

function freePort({ address, port }: ListenAddress, taken: readonly Listener[]): ListenAddress {
  const free = { address, port: port < 65_535 ? port + 1 : 1024 };
  return taken.some(({ at }) => meet(at, free)) ? freePort(free, taken) : free;
}

function meet(a: ListenAddress, b: ListenAddress): boolean {
  const [one, other] = [parseIpAddress(a.address), parseIpAddress(b.address)];
  return a.port === b.port && one !== undefined && other !== undefined && overlap(one, other);
}

/**
 * Prometheus' rules and the monitor itself raise the same alerts: where both tell somebody, each comes twice.
 * @param addresses by whom the monitor tells, of those that are secrets
 */
export function toldTwice(
  raw: unknown,
  addresses: MonitorAddresses,
  { webhook }: PrometheusReceivers,
): string[] {
  const config = valueAt(raw, ["prometheus", "alertmanager", "config"]);
  if (!hasPrometheus(raw) || (webhook === undefined && config === undefined)) return [];
  const sinks = (["alertmanager", "webhook", "sentry"] as const).filter(
    (sink) => addresses[sink] !== undefined || valueAt(raw, ["monitor", "tell", sink]) !== undefined,
  );
  if (sinks.length === 0) return [];
  const theirs = webhook === undefined ? "prometheus.alertmanager.config" : "prometheusCredentials.webhook";
  return [
    `alerts are told twice: by the monitor itself (${sinks.join(", ")}), and by Alertmanager (${theirs}), whose rules are the same conditions. Take the one or the other away, unless they are for different people`,
  ];
}

/** Undefined for what its parser refuses: that is told by itself. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
