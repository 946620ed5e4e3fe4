import { quotePasted } from "../render/shell";
import { closest } from "../settings/closest";
import { checkSettings, formatIssue, type SettingIssue, withAllowed } from "../settings/issues";
import { locateSetting, mergeLayers } from "../settings/layers";
import { NAME, NAME_RULE } from "../settings/name";
import { formatPath, isMap, type SettingPath, withoutNulls } from "../settings/values";
import { crossCheckHosts, type RawHost } from "./between-hosts";
import { crossCheck, hostWarnings } from "./checks";
import { emptyEntries } from "./empty";
import { fixCommand } from "./fix";
import { PROJECT } from "./project";
import type { MonitorAddresses } from "../monitor-credentials/schema";
import type { PrometheusReceivers } from "../prometheus-stack/receiver";
import { GoblinHostSettings, SharedSettings } from "./schema";
import { readMonitorCredentials } from "./monitor-secrets";
import { toldTwice } from "./prometheus-checks";
import { readPrometheusCredentials } from "./prometheus-secrets";
import { type HostCredentials, misplacedSecrets, readCredentials, SECRET_KEYS } from "./secrets";

/** One host of the stack, as GoblinHost takes it. */
export interface ConfiguredHost {
  readonly name: string;
  readonly settings: GoblinHostSettings;
  /** Where a setting of this host stands in the configuration. What is sent to a host names it by its first name. */
  readonly settingPath: (path: string) => string;
  readonly credentials: HostCredentials;
  /** Addresses of those whom its monitor tells that are secrets. */
  readonly monitorCredentials: MonitorAddresses;
  /** Who is told by its Alertmanager, by an address that is a secret. */
  readonly prometheusCredentials: PrometheusReceivers;
}

export interface StackSettings {
  readonly hosts: readonly ConfiguredHost[];
  /** What an operator should know although nothing is wrong. */
  readonly warnings: readonly string[];
}

/**
 * A stack's hosts from its configuration.
 * @param given by key without the project, as it is written: objects, or texts that may be JSON
 * @param stack its name; some rules hold for one for production
 * @param secret the keys in which something is a secret
 * @returns the hosts, or everything that is wrong
 */
export function readStack(
  given: Readonly<Record<string, unknown>>,
  stack: string,
  secret: ReadonlySet<string>,
): StackSettings | { readonly problems: readonly string[] } {
  // By themselves: what is wrong with a value is told with the value.
  const misplaced = misplacedSecrets(Object.keys(given), secret);
  if (misplaced.length > 0) return { problems: misplaced };
  const sharable = Object.keys(SharedSettings.shape);
  const keys = ["hosts", ...sharable];
  const values = Object.fromEntries(keys.map((key) => [key, parse(given[key])]));
  const { hosts: hostMap, ...shared } = values;
  const problems = new Set(unknownKeys(Object.keys(given), [...keys, ...SECRET_KEYS]));
  const hosts = Object.entries(isMap(hostMap) ? hostMap : {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, own, raw: withoutNulls(mergeLayers(shared, own)) }));
  if (hosts.length === 0) problems.add(noHosts(hostMap));

  for (const { name, own, raw } of hosts) {
    const layers = { host: name, own, shared, sharable };
    for (const issue of hostIssues({ name, own, raw }, { shared, hosts, stack }))
      problems.add(explain(withAllowed(GoblinHostSettings, issue), locateSetting(layers, issue.path)));
  }
  const credentials = readCredentials(
    { credentials: parse(given["credentials"]), hostCredentials: parse(given["hostCredentials"]) },
    hosts,
  );
  const located = hosts.map(({ name, own, raw }) => ({
    name,
    raw,
    pathOf: (path: SettingPath) =>
      `${PROJECT}:${formatPath(locateSetting({ host: name, own, shared, sharable }, path))}`,
  }));
  const addresses = readMonitorCredentials(
    {
      monitorCredentials: parse(given["monitorCredentials"]),
      hostMonitorCredentials: parse(given["hostMonitorCredentials"]),
    },
    located,
  );
  const receivers = readPrometheusCredentials(
    {
      prometheusCredentials: parse(given["prometheusCredentials"]),
      hostPrometheusCredentials: parse(given["hostPrometheusCredentials"]),
    },
    located,
  );
  for (const problem of [...credentials.problems, ...addresses.problems, ...receivers.problems])
    problems.add(problem);
  if (problems.size > 0) return { problems: [...problems] };
  return {
    hosts: hosts.map(({ name, own, raw }) => {
      const settings = raw as GoblinHostSettings;
      const layers = { host: settings.formerly?.[0] ?? name, own, shared, sharable };
      return {
        name,
        settings,
        settingPath: (path) => `${PROJECT}:${formatPath(locateSetting(layers, path.split(".")))}`,
        credentials: credentials.of(name),
        monitorCredentials: addresses.of(name),
        prometheusCredentials: receivers.of(name),
      };
    }),
    warnings: hosts.flatMap(({ name, raw }) =>
      [...hostWarnings(raw), ...toldTwice(raw, addresses.of(name), receivers.of(name))].map(
        (warning) => `host ${name}: ${warning}`,
      ),
    ),
  };
}

/** The whole of a refusal. */
export function formatProblems(problems: readonly string[]): string {
  const count = problems.length === 1 ? "one thing" : `${problems.length} things`;
  return `the configuration has ${count} to mend:\n\n  ${problems.join("\n  ")}\n`;
}

/** A host as the configuration has it: its own settings, and with the shared ones. */
interface WrittenHost extends RawHost {
  readonly own: unknown;
}

/** All that is wrong with one host. What is wrong with its name or with all of it hides the rest. */
function hostIssues(
  host: WrittenHost,
  { shared, hosts, stack }: { shared: unknown; hosts: readonly WrittenHost[]; stack: string },
): SettingIssue[] {
  const { name, own, raw } = host;
  const whole = hostNameIssues(name, own);
  if (whole.length > 0) return whole;
  const checked = checkSettings(GoblinHostSettings, raw);
  return [
    ...crossCheckHosts(
      host,
      hosts.filter((other) => NAME.test(other.name)),
    ),
    ...emptyEntries(shared, own),
    ...("issues" in checked ? checked.issues : []),
    ...crossCheck(raw, stack),
  ];
}

/** Pulumi hands objects over as JSON, everything else as the text that was typed. */
function parse(value: unknown): unknown {
  if (typeof value !== "string" || isBottomless(value)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Brackets in brackets, deeper than any settings go: such a text is read by nobody. */
function isBottomless(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth++;
    if (character === "]" || character === "}") depth--;
    if (depth > 500) return true;
  }
  return false;
}

function explain(issue: SettingIssue, path: SettingPath): string {
  return formatIssue(issue, `${PROJECT}:${formatPath(path)}`, fixCommand(path, issue));
}

function hostNameIssues(name: string, own: unknown): SettingIssue[] {
  if (!isMap(own)) {
    const allowed = "a map with at least address and hostKey";
    return [{ path: [], value: own, message: "a host is a map", allowed, fix: null }];
  }
  if (NAME.test(name)) return [];
  const message = "that is no host's name";
  return [{ path: [], value: name, message, allowed: NAME_RULE, fix: null }];
}

function noHosts(given: unknown): string {
  const allowed = "a map from a host's name to its settings";
  const message = "a stack needs at least one host";
  const issue = { path: ["hosts"], value: given, message, allowed, fix: "ADDRESS" };
  const set = fixCommand(["hosts", "goblin", "address"], issue);
  // A path leads into a map only.
  const command = Array.isArray(given) ? `${fixCommand(["hosts"], { ...issue, fix: null })} && ${set}` : set;
  return formatIssue(issue, `${PROJECT}:hosts`, command);
}

/** A misspelt key would otherwise be ignored in silence. */
function unknownKeys(given: readonly string[], known: readonly string[]): string[] {
  return given
    .filter((key) => !known.includes(key))
    .map((key) => {
      const fix = `pulumi config rm ${quotePasted(`${PROJECT}:${key}`)}`;
      const message = `there is no such setting${closest(key, known)}`;
      return `${PROJECT}:${key}: ${message}\n    allowed: ${known.join(", ")}\n    fix: ${fix}`;
    });
}
