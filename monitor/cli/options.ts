import { parseArgs } from "node:util";
import { DEFAULT_ROOTS, type Roots } from "../host/roots";

export const MODES = [
  "serve",
  "collect",
  "display",
  "json",
  "prometheus",
  "alerts",
  "help",
  "version",
] as const;
export type Mode = (typeof MODES)[number];

export interface Options {
  readonly mode: Mode;
  readonly configFile: string;
  readonly roots: Roots;
}

export const DEFAULT_CONFIG_FILE = "/etc/ai-resource-monitor/config.json";

/** What is wrong with the command line: all of it, a line each. */
export class UsageError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(problems.join("\n"));
  }
}

/** Reads the command line: one mode, and where to read and write. */
export function parseOptions(args: readonly string[]): Options {
  const problems: string[] = [];
  const modes = new Set<Mode>();
  const paths = new Map<string, string>();
  const rootNames = Object.keys(DEFAULT_ROOTS);
  const valued = ["config", ...rootNames.map((name) => `path.${name}`)];
  // Not strict: parseArgs would end at the first problem, and an operator wants all of them.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(valued.map((name) => [name, { type: "string" as const }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") {
      if (token.value === "serve") modes.add("serve");
      else problems.push(`there is no argument ${JSON.stringify(token.value)}; allowed: serve`);
    } else if (token.kind === "option") {
      const { name, rawName, value } = token;
      if (valued.includes(name)) {
        if (value?.startsWith("/") === true) paths.set(name, value);
        else problems.push(`${rawName} is ${value ?? "without a value"}; allowed: an absolute path`);
      } else if (isModeOption(name)) {
        modes.add(name);
        if (value !== undefined) problems.push(`${rawName} takes no value`);
      } else {
        problems.push(`there is no option ${rawName}`);
      }
    }
  }
  const [mode, ...others] = modes;
  if (mode === undefined) problems.push(`one of ${MODES.map(spelling).join(", ")} is needed`);
  if (others.length > 0) problems.push(`only one of ${[...modes].map(spelling).join(", ")} at a time`);
  if (problems.length > 0 || mode === undefined) throw new UsageError(problems);
  const roots = Object.fromEntries(
    Object.entries(DEFAULT_ROOTS).map(([name, preset]: [string, string]) => [
      name,
      paths.get(`path.${name}`) ?? preset,
    ]),
  );
  return { mode, configFile: paths.get("config") ?? DEFAULT_CONFIG_FILE, roots: roots as unknown as Roots };
}

function isModeOption(name: string): name is Exclude<Mode, "serve"> {
  return name !== "serve" && MODES.some((mode) => mode === name);
}

function spelling(mode: Mode): string {
  return mode === "serve" ? "serve" : `--${mode}`;
}
