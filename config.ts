import * as pulumi from "@pulumi/pulumi";
import { crossCheck, hostWarnings } from "./components/goblin-host/checks";
import { GoblinHostSettings, NAME, SharedSettings } from "./components/goblin-host/schema";
import { quoteShell } from "./components/render/shell";
import {
  checkSettings,
  closest,
  formatIssue,
  formatPath,
  isMap,
  type SettingIssue,
  valueAt,
} from "./components/settings/issues";

const PROJECT = "goblin-host";

/** Settings that are validated today and applied by a later version. An operator is told once per run. */
const NOT_YET_APPLIED: readonly (readonly string[])[] = [
  ["observe"],
  ["monitor"],
  ["manager", "daily"],
  ["thresholds"],
  ["models", "readAhead"],
  ["workloads", "*", "health"],
  ["workloads", "*", "image"],
];

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

type Path = readonly (string | number)[];

/**
 * Reads and validates the stack's configuration; the only reader of it.
 * @throws pulumi.RunError that lists everything that is wrong, without a stack trace
 */
export function readConfig(): StackConfig {
  const config = new pulumi.Config(PROJECT);
  const keys = ["hosts", ...Object.keys(SharedSettings.shape)];
  const given = Object.fromEntries(keys.map((key) => [key, parse(config.get(key))]));
  const { hosts: hostMap, ...shared } = given;
  const problems = new Set(unknownKeys([...keys, "privateKey"]));
  const hosts = Object.entries(isMap(hostMap) ? hostMap : {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, own]) => ({ name, own, raw: merge(shared, own) }));
  if (hosts.length === 0) problems.add(noHosts(hostMap));

  for (const { name, own, raw } of hosts) {
    const locate = (path: Path) => located(name, own, shared, path);
    for (const issue of [...hostNameIssues(name, own), ...issuesOf(raw)])
      problems.add(explain(issue, locate(issue.path)));
  }
  if (problems.size > 0) throw configError([...problems]);
  tellWarnings(hosts);
  return {
    hosts: hosts.map(({ name, own, raw }) => ({
      name,
      settings: raw as GoblinHostSettings,
      settingPath: (path) => `${PROJECT}:${located(name, own, shared, path.split("."))}`,
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

/** The host's own settings over the shared ones, map by map; null takes a shared setting back to its default. */
function merge(shared: unknown, own: unknown): unknown {
  if (!isMap(shared) || !isMap(own)) return own === undefined ? shared : own;
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(shared), ...Object.keys(own)])) {
    const value = merge(shared[key], own[key]);
    if (value !== undefined && value !== null) merged[key] = value;
  }
  return merged;
}

/** Where a setting of a host is written: under the host when it says so itself, else where all hosts share it. */
function located(host: string, own: unknown, shared: unknown, path: Path): string {
  const [top = ""] = path;
  const isShared = Object.hasOwn(SharedSettings.shape, String(top));
  const depth = (root: unknown) =>
    path.filter((_, index) => valueAt(root, path.slice(0, index + 1)) !== undefined).length;
  const underHost = !isShared && depth(shared) === 0 ? true : depth(own) > 0 && depth(own) >= depth(shared);
  return formatPath(underHost ? ["hosts", host, ...path] : path);
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
  const issue = {
    path: ["hosts"],
    value: given,
    message: "a stack needs at least one host",
    allowed: "a map from a host's name to its settings",
  };
  return explain({ ...issue, fix: "203.0.113.10" }, "hosts.goblin.address");
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
  const later = new Set<string>();
  for (const { name, raw } of hosts) {
    for (const warning of hostWarnings(raw)) void pulumi.log.warn(`host ${name}: ${warning}`);
    for (const setting of NOT_YET_APPLIED) for (const found of present(raw, setting)) later.add(found);
    for (const container of containers(raw)) later.add(container);
  }
  if (later.size === 0) return;
  void pulumi.log.warn(`valid, and not yet applied by this version: ${[...later].sort().join(", ")}`);
}

/** The settings of that form which are given; `*` is any name. */
function present(raw: unknown, [part, ...rest]: readonly string[], trail: readonly string[] = []): string[] {
  if (part === undefined) return raw === undefined ? [] : [trail.join(".")];
  if (!isMap(raw)) return [];
  const keys = part === "*" ? Object.keys(raw) : Object.hasOwn(raw, part) ? [part] : [];
  return keys.flatMap((key) => present(raw[key], rest, [...trail, key]));
}

function containers(raw: unknown): string[] {
  const workloads = valueAt(raw, ["workloads"]);
  return Object.entries(isMap(workloads) ? workloads : {})
    .filter(([, workload]) => valueAt(workload, ["runtime"]) === "container")
    .map(([name]) => `workloads.${name}.runtime (container)`);
}
