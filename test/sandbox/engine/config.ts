/** A project and its stack's configuration, from Pulumi.yaml and Pulumi.<stack>.yaml in Pulumi's own format. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fullKey, override } from "./overrides";
import { EngineError } from "./types";
import { isMap, type PropertyMap, type Value } from "./values";
import { readYaml } from "./yaml";

export interface Project {
  name: string;
  /** The folder of Pulumi.yaml. */
  root: string;
  /** Where the program runs, and what is run there: see `main` in Pulumi.yaml. */
  pwd: string;
  entryPoint: string;
  typescript: boolean;
  tsconfig?: string | undefined;
  nodeArgs: string[];
  /** `options: { refresh: always }`: every run first looks at the resources as they are. */
  refresh: boolean;
  config: PropertyMap;
}

function readMap(file: string): PropertyMap {
  const value = readYaml(readFileSync(file, "utf8"), file) ?? {};
  if (!isMap(value)) throw new EngineError(`${file} is not a map`);
  return value;
}

export function readProject(programDir: string): Project {
  const root = resolve(programDir);
  const file = join(root, "Pulumi.yaml");
  if (!existsSync(file)) throw new EngineError(`no Pulumi.yaml in ${root}`);
  const project = readMap(file);
  if (typeof project["name"] !== "string") throw new EngineError(`${file} has no name`);
  const runtime = isMap(project["runtime"]) ? project["runtime"] : { name: project["runtime"] ?? "" };
  if (runtime["name"] !== "nodejs")
    throw new EngineError(`${file}: the local engine runs nodejs programs only`);
  const options = isMap(runtime["options"]) ? runtime["options"] : {};
  const { pwd, entryPoint } = readMain(root, project["main"]);
  const { tsconfig, nodeargs } = options;
  return {
    name: project["name"],
    root,
    pwd,
    entryPoint,
    typescript: options["typescript"] !== false,
    tsconfig: typeof tsconfig === "string" ? tsconfig : undefined,
    refresh: isMap(project["options"]) && project["options"]["refresh"] === "always",
    nodeArgs: typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter(Boolean) : [],
    config: isMap(project["config"]) ? project["config"] : {},
  };
}

function readMain(root: string, main: Value | undefined): { pwd: string; entryPoint: string } {
  if (typeof main !== "string" || main === "") return { pwd: root, entryPoint: "." };
  const path = resolve(root, main);
  if (!existsSync(path)) throw new EngineError(`project 'main' could not be read: ${path}`);
  return statSync(path).isDirectory()
    ? { pwd: path, entryPoint: "." }
    : { pwd: dirname(path), entryPoint: basename(path) };
}

/** Every key with its value as Pulumi hands it to a program: text, or JSON for what has a structure. */
export function readConfig(
  project: Project,
  stack: string,
  overrides: Record<string, unknown> = {},
): Record<string, string> {
  const config = stackConfig(project, stack, overrides, "refuse secure");
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** The stack's file, the project's defaults and the overrides, as values. Only Pulumi can read `secure:` ones. */
export function stackConfig(
  project: Project,
  stack: string,
  overrides: Record<string, unknown> = {},
  secure: "allow secure" | "refuse secure",
): PropertyMap {
  const config: PropertyMap = {};
  const file = join(project.root, `Pulumi.${stack}.yaml`);
  const own = existsSync(file) ? readMap(file)["config"] : undefined;
  for (const [key, value] of Object.entries(isMap(own) ? own : {})) {
    if (secure === "refuse secure") refuseSecure(value, key, file);
    config[fullKey(key, file)] = value;
  }
  applyProject(project, stack, config);
  for (const [key, value] of Object.entries(overrides)) override(config, key, value);
  return config;
}

function refuseSecure(value: Value, path: string, file: string): void {
  if (typeof value !== "object" || value === null) return;
  if (isMap(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1) {
    throw new EngineError(
      `${file}: ${path} is encrypted (secure:), which only Pulumi itself can read; ` +
        `use --engine pulumi, or give the value as an override`,
    );
  }
  for (const [key, item] of Object.entries(value)) refuseSecure(item, `${path}.${key}`, file);
}

function applyProject(project: Project, stack: string, config: PropertyMap): void {
  for (const [name, declared] of Object.entries(project.config)) {
    const key = name.includes(":") ? fullKey(name, "Pulumi.yaml") : `${project.name}:${name}`;
    if (key in config) continue;
    const value = isMap(declared) ? (declared["value"] ?? declared["default"]) : declared;
    if (value !== undefined) config[key] = value;
    else if (key.startsWith(`${project.name}:`)) {
      throw new EngineError(`Stack '${stack}' is missing configuration value '${name}'`);
    }
  }
}
