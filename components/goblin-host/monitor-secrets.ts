import {
  HostMonitorCredentialsSettings,
  type MonitorAddresses,
  MonitorCredentialsSettings,
  SECRET_SINKS,
} from "../monitor-credentials/schema";
import { checkSettings } from "../settings/issues";
import { type SettingPath, valueAt } from "../settings/values";
import { PROJECT } from "./project";
import { explain, setSecret, stray } from "./secrets";

/** A host as far as its monitor's addresses are concerned. */
interface Host {
  readonly name: string;
  readonly raw: unknown;
  /** Where a setting of the host stands. */
  readonly pathOf: (path: SettingPath) => string;
}

/**
 * The addresses of each host, its own over the shared ones.
 * @returns what is wrong in `problems`, which say nothing of the values
 */
export function readMonitorCredentials(
  {
    monitorCredentials = {},
    hostMonitorCredentials = {},
  }: { monitorCredentials?: unknown; hostMonitorCredentials?: unknown },
  hosts: readonly Host[],
): { readonly of: (host: string) => MonitorAddresses; readonly problems: readonly string[] } {
  const shared = checkSettings(MonitorCredentialsSettings, monitorCredentials);
  const own = checkSettings(HostMonitorCredentialsSettings, hostMonitorCredentials);
  if (!("value" in shared) || !("value" in own)) {
    const problems = [
      ...("issues" in shared ? shared.issues.map(explain("monitorCredentials")) : []),
      ...("issues" in own ? own.issues.map(explain("hostMonitorCredentials")) : []),
    ];
    return { of: () => ({}), problems };
  }
  const ownOf = (host: string): MonitorAddresses =>
    Object.hasOwn(own.value, host) ? (own.value[host] ?? {}) : {};
  const names = hosts.map(({ name }) => name);
  return {
    of: (host) => ({ ...shared.value, ...ownOf(host) }),
    problems: [
      ...stray("hostMonitorCredentials", Object.keys(own.value), names, "host"),
      ...hosts.flatMap((host) => twice(host, shared.value, ownOf(host.name))),
      ...sharedHeartbeat(names, shared.value, ownOf),
    ],
  };
}

/** An address has one place: a file of the user's, or a secret of the stack's. */
function twice({ name, raw, pathOf }: Host, shared: MonitorAddresses, own: MonitorAddresses): string[] {
  return SECRET_SINKS.flatMap((sink) => {
    const file = ["monitor", "tell", sink];
    const at =
      own[sink] === undefined ? `monitorCredentials.${sink}` : `hostMonitorCredentials.${name}.${sink}`;
    if (valueAt(raw, file) === undefined || (own[sink] ?? shared[sink]) === undefined) return [];
    const [secret, setting] = [`${PROJECT}:${at}`, pathOf(file)];
    return [
      `${secret}: ${setting} names a file of yours with the same address, and an address has one place\n    allowed: one of the two\n    fix: pulumi config rm --path '${setting}', or pulumi config rm --path '${secret}'`,
    ];
  });
}

/** Whoever waits for a heartbeat must know whose it is: one host that lives would answer for another that is dead. */
function sharedHeartbeat(
  hosts: readonly string[],
  shared: MonitorAddresses,
  ownOf: (host: string) => MonitorAddresses,
): string[] {
  const sharing = hosts.filter((host) => ownOf(host).heartbeat === undefined);
  if (shared.heartbeat === undefined || sharing.length < 2) return [];
  const [path, whose] = [`${PROJECT}:monitorCredentials.heartbeat`, sharing.join(" and ")];
  return [
    `${path} is the one heartbeat of ${whose}, and while one of them lives nobody misses the others\n    allowed: one for each host\n    fix: ${setSecret(`hostMonitorCredentials.${sharing.at(-1) ?? ""}.heartbeat`)}`,
  ];
}
