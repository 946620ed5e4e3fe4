import { quoteShell } from "../render/shell";
import { closest } from "../settings/closest";
import { checkSettings, formatIssue, isMap, type SettingIssue } from "../settings/issues";
import { locateSetting, mergeLayers } from "../settings/layers";
import { NAME } from "../settings/name";
import { crossCheckHosts } from "./between-hosts";
import { crossCheck, hostWarnings } from "./checks";
import { PROJECT } from "./project";
import { GoblinHostSettings, SharedSettings } from "./schema";
import { type HostCredentials, misplacedSecrets, readCredentials, SECRET_KEYS } from "./secrets";

/** One host of the stack, as GoblinHost takes it. */
export interface ConfiguredHost {
  readonly name: string;
  readonly settings: GoblinHostSettings;
  /** Where a setting of this host stands in the configuration. What is sent to a host names it by its first name. */
  readonly settingPath: (path: string) => string;
  readonly credentials: HostCredentials;
}

export interface StackSettings {
  readonly hosts: readonly ConfiguredHost[];
  /** What an operator should know although nothing is wrong. */
  readonly warnings: readonly string[];
}

/**
 * A stack's hosts from its configuration.
 * @param given by key without the project, as it is written: objects, or texts that may be JSON
 * @param stack its name; some rules hold for one named prod
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
    .map(([name, own]) => ({ name, own, raw: mergeLayers(shared, own) }));
  if (hosts.length === 0) problems.add(noHosts(hostMap));

  for (const { name, own, raw } of hosts) {
    const layers = { host: name, own, shared, sharable };
    const between = crossCheckHosts({ name, raw }, hosts);
    for (const issue of [...hostNameIssues(name, own), ...between, ...issuesOf(raw, stack)])
      problems.add(explain(issue, locateSetting(layers, issue.path)));
  }
  const credentials = readCredentials(
    { credentials: parse(given["credentials"]), hostCredentials: parse(given["hostCredentials"]) },
    hosts,
  );
  for (const problem of credentials.problems) problems.add(problem);
  if (problems.size > 0) return { problems: [...problems] };
  return {
    hosts: hosts.map(({ name, own, raw }) => {
      const settings = raw as GoblinHostSettings;
      const layers = { host: settings.formerly?.[0] ?? name, own, shared, sharable };
      return {
        name,
        settings,
        settingPath: (path) => `${PROJECT}:${locateSetting(layers, path.split("."))}`,
        credentials: credentials.of(name),
      };
    }),
    warnings: hosts.flatMap(({ name, raw }) =>
      hostWarnings(raw).map((warning) => `host ${name}: ${warning}`),
    ),
  };
}

/** The whole of a refusal. */
export function formatProblems(problems: readonly string[]): string {
  const count = problems.length === 1 ? "one thing" : `${problems.length} things`;
  return `the configuration has ${count} to mend:\n\n  ${problems.join("\n  ")}\n`;
}

function issuesOf(raw: unknown, stack: string): SettingIssue[] {
  const checked = checkSettings(GoblinHostSettings, raw);
  return ["issues" in checked ? checked.issues : [], crossCheck(raw, stack)].flat();
}

/** Pulumi hands objects over as JSON, everything else as the text that was typed. */
function parse(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

function explain(issue: SettingIssue, path: string): string {
  const key = `'${PROJECT}:${path}'`;
  const fix =
    issue.fix === null
      ? `pulumi config rm --path ${key}`
      : `pulumi config set --path ${key} ${word(issue.fix)}`;
  return formatIssue(issue, `${PROJECT}:${path}`, fix);
}

function word(value: string): string {
  return /^[A-Za-z0-9%._/:@+-]+$/.test(value) && !value.startsWith("-") ? value : quoteShell(value);
}

function hostNameIssues(name: string, own: unknown): SettingIssue[] {
  if (!isMap(own)) {
    return [
      {
        path: [],
        value: own,
        message: "a host is a map",
        allowed: "a map with at least address and hostKey",
        fix: null,
      },
    ];
  }
  if (NAME.test(name)) return [];
  return [
    {
      path: [],
      value: name,
      message: "a host's name begins with a small letter and has small letters, digits and dashes",
      fix: null,
    },
  ];
}

function noHosts(given: unknown): string {
  const allowed = "a map from a host's name to its settings";
  const issue = {
    path: ["hosts"],
    value: given,
    message: "a stack needs at least one host",
    allowed,
    fix: null,
  };
  return formatIssue(
    issue,
    `${PROJECT}:hosts`,
    `pulumi config set --path '${PROJECT}:hosts.goblin.address' ADDRESS`,
  );
}

/** A misspelt key would otherwise be ignored in silence. */
function unknownKeys(given: readonly string[], known: readonly string[]): string[] {
  return given
    .filter((key) => !known.includes(key))
    .map((key) => {
      const fix = `pulumi config rm '${PROJECT}:${key}'`;
      const message = `there is no such setting${closest(key, known)}`;
      return `${PROJECT}:${key}: ${message}\n    allowed: ${known.join(", ")}\n    fix: ${fix}`;
    });
}
