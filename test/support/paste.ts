/**
 * What an error message's commands make of a configuration when they are pasted: `pulumi config set --path` and
 * `pulumi config rm --path`, as Pulumi 3 does them (sdk/go/common/resource/config/object.go and map.go).
 */

type Path = readonly (string | number)[];
type Config = Record<string, unknown>;
type Container = Record<string | number, unknown>;

/** @throws Error where Pulumi or the shell would refuse a command */
export function paste(config: Config, commands: string): Config {
  let result = structuredClone(config);
  for (const words of shellCommands(commands)) {
    const [pulumi, group, verb, ...rest] = words;
    if (pulumi !== "pulumi" || group !== "config")
      throw new Error(`no command of Pulumi's: ${words.join(" ")}`);
    const flags = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : rest.length);
    const unknown = flags.filter((word) => word.startsWith("-") && word !== "--path");
    if (unknown.length > 0) throw new Error(`unknown flag: ${unknown.join(" ")}`);
    const [key = "", ...values] = rest
      .filter((word, index) => index >= flags.length || word !== "--path")
      .filter((word, index, all) => word !== "--" || all.indexOf("--") !== index);
    const path = flags.includes("--path") ? pulumiPath(withoutProject(key)) : [withoutProject(key)];
    if (verb === "rm" && values.length === 0) result = removed(result, path) as Config;
    else if (verb === "set" && values.length === 1)
      result = set(result, path, coerce(values[0] ?? ""), 0) as Config;
    else throw new Error(`not a whole command: ${words.join(" ")}`);
  }
  return result;
}

function withoutProject(key: string): string {
  if (!key.startsWith("goblin-host:")) throw new Error(`${key} is no key of this project`);
  return key.slice("goblin-host:".length);
}

/** Commands of a line by `&&`, each as its words. */
function shellCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  const token = /\s+|(&&)|((?:'[^']*'|\$'(?:[^'\\]|\\.)*'|\\.|[A-Za-z0-9%._/:@+=,-])+)/y;
  while (token.lastIndex < line.length) {
    const at = token.lastIndex;
    const match = token.exec(line);
    if (match === null) throw new Error(`a shell would not take this as it stands: ${line.slice(at)}`);
    if (match[1] !== undefined) commands.push([]);
    if (match[2] !== undefined) commands.at(-1)?.push(unquoted(match[2]));
  }
  return commands;
}

function unquoted(word: string): string {
  return word.replace(
    /\$'((?:[^'\\]|\\.)*)'|'([^']*)'|\\(.)/g,
    (_, ansi?: string, plain?: string, escaped?: string) =>
      ansi === undefined
        ? (plain ?? escaped ?? "")
        : ansi.replace(/\\U([0-9a-f]{8})|\\(.)/g, (__, code?: string, character?: string) =>
            code === undefined ? (character ?? "") : String.fromCodePoint(parseInt(code, 16)),
          ),
  );
}

/** `a.b[0]["c.d"]`; within the quotes only \" is an escape. */
function pulumiPath(text: string): Path {
  const path: (string | number)[] = [];
  const part = /(?:^|\.)([^.[\]"]+)|\[([0-9]+)\]|\["((?:\\"|[^"])*)"\]/y;
  while (part.lastIndex < text.length) {
    const at = part.lastIndex;
    const match = part.exec(text);
    if (match === null) throw new Error(`Pulumi cannot read the path ${text} from character ${at + 1}`);
    const [, name, index, quoted] = match;
    path.push(index === undefined ? (name ?? (quoted ?? "").replaceAll('\\"', '"')) : Number(index));
  }
  return path;
}

/** Truth values, and whole numbers without leading zeros, keep no quotes. */
function coerce(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  return /^[-+]?[0-9]{1,19}$/.test(text) && !/^0./.test(text) ? Number(text) : text;
}

function set(container: unknown, path: Path, value: unknown, depth: number): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const usable = typeof container === "object" && container !== null;
  // Only what a key of the configuration itself holds is overwritten; deeper a text is no map.
  if (!usable && container !== undefined && container !== null && depth !== 1)
    throw new Error(`expected a map or an array at ${String(part)}`);
  const target = (usable ? container : typeof part === "number" ? [] : {}) as Container;
  if (Array.isArray(target) !== (typeof part === "number")) throw new Error(`wrong kind of key: ${part}`);
  if (Array.isArray(target) && Number(part) > target.length) throw new Error("array index out of range");
  const current = Object.hasOwn(target, part) ? target[part] : undefined;
  define(target, part, set(current, rest, value, depth + 1));
  return target;
}

function removed(container: unknown, path: Path): unknown {
  const [part, ...rest] = path;
  if (part === undefined || typeof container !== "object" || container === null) return container;
  const target = container as Container;
  if (!Object.hasOwn(target, part)) return container;
  if (rest.length > 0) define(target, part, removed(target[part], rest));
  else if (Array.isArray(target)) target.splice(Number(part), 1);
  else Reflect.deleteProperty(target, part);
  return target;
}

function define(target: Container, key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
