import { quoteShell } from "../render/shell";
import { closest } from "../settings/closest";
import { checkSettings, formatIssue, isMap, type SettingIssue } from "../settings/issues";
import { locateSetting, mergeLayers } from "../settings/layers";
import { crossCheck, hostWarnings } from "./checks";
import { GoblinHostSettings, NAME, SharedSettings } from "./schema";

export const PROJECT = "goblin-host";

/** One host of the stack, as GoblinHost takes it. */
export interface ConfiguredHost {
  readonly name: string;
  readonly settings: GoblinHostSettings;
  /** Where a setting of this host stands in the configuration. */
  readonly settingPath: (path: string) => string;
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
 * @returns the hosts, or everything that is wrong
 */
export function readStack(
  given: Readonly<Record<string, unknown>>,
  stack: string,
): StackSettings | { readonly problems: readonly string[] } {
  const sharable = Object.keys(SharedSettings.shape);
  const keys = ["hosts", ...sharable];
  const values = Object.fromEntries(keys.map((key) => [key, parse(given[key])]));
  const { hosts: hostMap, ...shared } = values;
  const problems = new Set(unknownKeys(Object.keys(given), [...keys, "privateKey"]));
  const hosts = Object.entries(isMap(hostMap) ? hostMap : {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, own, raw: mergeLayers(shared, own) }));
  if (hosts.length === 0) problems.add(noHosts(hostMap));

  for (const { name, own, raw } of hosts) {
    const layers = { host: name, own, shared, sharable };
    for (const issue of [...hostNameIssues(name, own), ...issuesOf(raw, stack)])
      problems.add(explain(issue, locateSetting(layers, issue.path)));
  }
  if (problems.size > 0) return { problems: [...problems] };
  return {
    hosts: hosts.map(({ name, own, raw }) => ({
      name,
      settings: raw as GoblinHostSettings,
      settingPath: (path) =>
        `${PROJECT}:${locateSetting({ host: name, own, shared, sharable }, path.split("."))}`,
    })),
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
