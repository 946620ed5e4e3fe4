import * as pulumi from "@pulumi/pulumi";
import { crossCheck, hostWarnings } from "./components/goblin-host/checks";
import { GoblinHostSettings, NAME, SharedSettings } from "./components/goblin-host/schema";
import { quoteShell } from "./components/render/shell";
import { closest } from "./components/settings/closest";
import { checkSettings, formatIssue, isMap, type SettingIssue } from "./components/settings/issues";
import { locateSetting, mergeLayers } from "./components/settings/layers";

const PROJECT = "goblin-host";

/** One host of the stack, as GoblinHost takes it. */
export interface ConfiguredHost {
  readonly name: string;
  readonly settings: GoblinHostSettings;
  /** Where a setting of this host stands in the configuration. */
  readonly settingPath: (path: string) => string;
}

export interface StackConfig {
  readonly hosts: readonly ConfiguredHost[];
  /** The secret key for where there is no ssh-agent. */
  readonly privateKey: pulumi.Output<string> | undefined;
}

/**
 * Reads and validates the stack's configuration; the only reader of it.
 * @throws pulumi.RunError that lists everything that is wrong, without a stack trace
 */
export function readConfig(): StackConfig {
  const config = new pulumi.Config(PROJECT);
  const sharable = Object.keys(SharedSettings.shape);
  const keys = ["hosts", ...sharable];
  const given = Object.fromEntries(keys.map((key) => [key, parse(config.get(key))]));
  const { hosts: hostMap, ...shared } = given;
  const problems = new Set(unknownKeys([...keys, "privateKey"]));
  const hosts = Object.entries(isMap(hostMap) ? hostMap : {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, own, raw: mergeLayers(shared, own) }));
  if (hosts.length === 0) problems.add(noHosts(hostMap));

  for (const { name, own, raw } of hosts) {
    const layers = { host: name, own, shared, sharable };
    for (const issue of [...hostNameIssues(name, own), ...issuesOf(raw)])
      problems.add(explain(issue, locateSetting(layers, issue.path)));
  }
  if (problems.size > 0) throw configError([...problems]);
  tellWarnings(hosts);
  return {
    hosts: hosts.map(({ name, own, raw }) => ({
      name,
      settings: raw as GoblinHostSettings,
      settingPath: (path) =>
        `${PROJECT}:${locateSetting({ host: name, own, shared, sharable }, path.split("."))}`,
    })),
    privateKey: config.getSecret("privateKey"),
  };
}

function issuesOf(raw: unknown): SettingIssue[] {
  const checked = checkSettings(GoblinHostSettings, raw);
  return ["issues" in checked ? checked.issues : [], crossCheck(raw, pulumi.getStack())].flat();
}

/** Objects arrive as JSON, everything else as the text that was typed. */
function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
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
function unknownKeys(known: readonly string[]): string[] {
  return Object.keys(pulumi.runtime.allConfig())
    .filter((key) => key.startsWith(`${PROJECT}:`))
    .map((key) => key.slice(PROJECT.length + 1))
    .filter((key) => !known.includes(key))
    .map((key) => {
      const fix = `pulumi config rm '${PROJECT}:${key}'`;
      const message = `there is no such setting${closest(key, known)}`;
      return `${PROJECT}:${key}: ${message}\n    allowed: ${known.join(", ")}\n    fix: ${fix}`;
    });
}

function configError(problems: readonly string[]): pulumi.RunError {
  const count = problems.length === 1 ? "one thing" : `${problems.length} things`;
  const error = new pulumi.RunError(
    `the configuration has ${count} to mend:\n\n  ${problems.join("\n  ")}\n`,
  );
  // With a stack the engine inspects the whole program: 17-32 s and 3 GB for a misspelt size (measured).
  delete error.stack;
  return error;
}

function tellWarnings(hosts: readonly { name: string; raw: unknown }[]): void {
  for (const { name, raw } of hosts)
    for (const warning of hostWarnings(raw)) void pulumi.log.warn(`host ${name}: ${warning}`);
}
