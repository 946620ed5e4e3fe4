import {
  HostPrometheusCredentialsSettings,
  PrometheusCredentialsSettings,
  type PrometheusReceivers,
} from "../prometheus-stack/receiver";
import { checkSettings } from "../settings/issues";
import { type SettingPath, valueAt } from "../settings/values";
import { PROJECT } from "./project";
import { explain, stray } from "./secrets";

/** A host as far as its Alertmanager's receivers are concerned. */
interface Host {
  readonly name: string;
  readonly raw: unknown;
  /** Where a setting of the host stands. */
  readonly pathOf: (path: SettingPath) => string;
}

/**
 * Who is told by the Alertmanager of each host, its own over the shared ones.
 * @returns what is wrong in `problems`, which say nothing of the values
 */
export function readPrometheusCredentials(
  {
    prometheusCredentials = {},
    hostPrometheusCredentials = {},
  }: { prometheusCredentials?: unknown; hostPrometheusCredentials?: unknown },
  hosts: readonly Host[],
): { readonly of: (host: string) => PrometheusReceivers; readonly problems: readonly string[] } {
  const shared = checkSettings(PrometheusCredentialsSettings, prometheusCredentials);
  const own = checkSettings(HostPrometheusCredentialsSettings, hostPrometheusCredentials);
  if (!("value" in shared) || !("value" in own)) {
    const problems = [
      ...("issues" in shared ? shared.issues.map(explain("prometheusCredentials")) : []),
      ...("issues" in own ? own.issues.map(explain("hostPrometheusCredentials")) : []),
    ];
    return { of: () => ({}), problems };
  }
  const ownOf = (host: string): PrometheusReceivers =>
    Object.hasOwn(own.value, host) ? (own.value[host] ?? {}) : {};
  return {
    of: (host) => ({ ...shared.value, ...ownOf(host) }),
    problems: [
      ...stray(
        "hostPrometheusCredentials",
        Object.keys(own.value),
        hosts.map(({ name }) => name),
        "host",
      ),
      ...hosts.flatMap((host) => twice(host, shared.value, ownOf(host.name))),
    ],
  };
}

/** Who is told stands in one place: a file of the user's, or a secret of the stack's. */
function twice({ name, raw, pathOf }: Host, shared: PrometheusReceivers, own: PrometheusReceivers): string[] {
  const config = ["prometheus", "alertmanager", "config"];
  if (valueAt(raw, config) === undefined || (own.webhook ?? shared.webhook) === undefined) return [];
  const at =
    own.webhook === undefined ? "prometheusCredentials.webhook" : `hostPrometheusCredentials.${name}.webhook`;
  const [secret, setting] = [`${PROJECT}:${at}`, pathOf(config)];
  return [
    `${secret}: ${setting} names a file of yours that says who is told, and that is said in one place\n    allowed: one of the two\n    fix: pulumi config rm --path '${setting}', or pulumi config rm --path '${secret}'`,
  ];
}
