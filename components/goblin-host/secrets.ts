import { CredentialsSettings, HostCredentialsSettings } from "../credentials/schema";
import { checkSettings, formatIssue, type SettingIssue } from "../settings/issues";
import { mergeLayers } from "../settings/layers";
import { formatPath, isMap, valueAt } from "../settings/values";
import { fixCommand } from "./fix";
import { PROJECT } from "./project";

/** The keys of the configuration that hold secrets. In any other, one would be plain text in the state and on the host. */
export const SECRET_KEYS = [
  "privateKey",
  "credentials",
  "hostCredentials",
  "monitorCredentials",
  "hostMonitorCredentials",
  "prometheusCredentials",
  "hostPrometheusCredentials",
] as const;

/** A host as far as secrets are concerned. */
interface Host {
  readonly name: string;
  readonly raw: unknown;
}

/** By workload and variable: what its service or container shall have in its environment. */
export type HostCredentials = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * What is a secret and must not be, and what is none and must be. Of a key that holds a map Pulumi tells only that
 * something in it is a secret.
 * @param given the keys of the configuration
 * @param secret those in which something is a secret
 */
export function misplacedSecrets(given: readonly string[], secret: ReadonlySet<string>): string[] {
  const isMeant = (key: string): boolean => SECRET_KEYS.some((known) => known === key);
  return given.flatMap((key) => {
    if (secret.has(key) === isMeant(key)) return [];
    if (isMeant(key)) return [`${PROJECT}:${key} is no secret, and must be one\n    fix: ${setSecret(key)}`];
    return [
      `${PROJECT}:${key} holds a secret, which would be plain text in Pulumi's state, in previews and on the host\n    allowed: ${SECRET_KEYS.map((known) => `${PROJECT}:${known}`).join(", ")}\n    fix: ${wayOut(key)}`,
    ];
  });
}

/** @throws nothing: what is wrong is in `problems`, which say nothing of the values */
export function readCredentials(
  { credentials = {}, hostCredentials = {} }: { credentials?: unknown; hostCredentials?: unknown },
  hosts: readonly Host[],
): { readonly of: (host: string) => HostCredentials; readonly problems: readonly string[] } {
  const shared = checkSettings(CredentialsSettings, credentials);
  const own = checkSettings(HostCredentialsSettings, hostCredentials);
  const issues = [
    ...("issues" in shared ? shared.issues.map(explain("credentials")) : []),
    ...("issues" in own ? own.issues.map(explain("hostCredentials")) : []),
  ];
  if (!("value" in shared) || !("value" in own)) return { of: () => ({}), problems: issues };
  const workloadsOf = ({ raw }: Host): string[] => {
    const workloads = valueAt(raw, ["workloads"]);
    return isMap(workloads) ? Object.keys(workloads) : [];
  };
  const strangers = [
    ...stray("credentials", Object.keys(shared.value), hosts.flatMap(workloadsOf), "workload"),
    ...stray(
      "hostCredentials",
      Object.keys(own.value),
      hosts.map(({ name }) => name),
      "host",
    ),
    ...hosts.flatMap((host) =>
      stray(`hostCredentials.${host.name}`, keysAt(own.value, host.name), workloadsOf(host), "workload"),
    ),
  ];
  return {
    of: (name) => {
      const host = hosts.find((one) => one.name === name);
      const merged = mergeLayers(shared.value, valueAt(own.value, [name]) ?? {}) as CredentialsSettings;
      const its = host === undefined ? [] : workloadsOf(host);
      return Object.fromEntries(Object.entries(merged).filter(([workload]) => its.includes(workload)));
    },
    problems: strangers,
  };
}

export function stray(
  key: string,
  names: readonly string[],
  known: readonly string[],
  what: string,
): string[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const path = `${PROJECT}:${key}.${name}`;
      return `${path}: there is no ${what} of that name\n    allowed: ${[...new Set(known)].join(", ") || "none is declared"}\n    fix: pulumi config rm --path '${path}'`;
    });
}

export function keysAt(map: unknown, key: string): string[] {
  const value = valueAt(map, [key]);
  return isMap(value) ? Object.keys(value) : [];
}

/** The issue of a value that nobody may see. */
export function explain(key: string): (issue: SettingIssue) => string {
  return ({ value, ...issue }) => {
    const path = [key, ...issue.path];
    const shown = { ...issue, value: value === undefined ? undefined : "[secret]" };
    const command = issue.fix === null ? fixCommand(path, shown) : setSecret(formatPath(path));
    return formatIssue(shown, `${PROJECT}:${formatPath(path)}`, command);
  };
}

/** Without the value, for which it asks: a shell's history would keep it. */
export function setSecret(path: string): string {
  if (path === "privateKey") return `pulumi config set --secret ${PROJECT}:privateKey <KEYFILE`;
  const whole =
    {
      credentials: ".WORKLOAD.NAME",
      hostCredentials: ".HOST.WORKLOAD.NAME",
      monitorCredentials: ".SINK",
      hostMonitorCredentials: ".HOST.SINK",
      prometheusCredentials: ".webhook",
      hostPrometheusCredentials: ".HOST.webhook",
    }[path] ?? "";
  return `pulumi config set --path --secret '${PROJECT}:${path}${whole}'`;
}

function wayOut(key: string): string {
  if (key === "workloads")
    return `${setSecret("credentials")}, and pulumi config rm --path '${PROJECT}:workloads.WORKLOAD.environment.NAME'`;
  if (key === "monitor")
    return `${setSecret("monitorCredentials")}, and pulumi config rm --path of the secret in ${PROJECT}:monitor`;
  if (key === "prometheus")
    return `${setSecret("prometheusCredentials")}, and pulumi config rm --path of the secret in ${PROJECT}:prometheus`;
  if (key === "hosts")
    return `${setSecret("hostCredentials")}, and pulumi config rm --path of the secret in ${PROJECT}:hosts`;
  return `pulumi config set --path --plaintext '${PROJECT}:${key}...', or pulumi config rm`;
}
