/** A text of the kernel that is not what its documentation says: torn, empty or of another kernel. */
export class ParseError extends Error {}

/** The lines of a text, without the empty ones. */
export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** A count as the kernel writes it; anything else is undefined. */
export function parseCount(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** `key value` lines, as in memory.events; others are left out. */
export function parseKeyed(text: string): Map<string, number> {
  const values = new Map<string, number>();
  text.split("\n").forEach((line) => {
    const blank = line.indexOf(" ");
    const count = parseCount(line.slice(blank + 1));
    if (blank > 0 && count !== undefined) values.set(line.slice(0, blank), count);
  });
  return values;
}

/** One for each key that is ever asked for. */
const LINES = new Map<string, RegExp>();

/**
 * The value of the line `key value` or `key: value kB` that has this key, as in /proc/meminfo, /proc/vmstat, memory.stat and cpu.stat:
 * of up to 170 lines a few are asked for at every collection.
 */
export function keyedCount(text: string, key: string): number | undefined {
  let line = LINES.get(key);
  if (line === undefined)
    LINES.set(key, (line = new RegExp(`^${key}[:\\s]\\s*([0-9]+)(?:\\s+(kB))?(?=\\s|$)`, "m")));
  const found = line.exec(text);
  return found === null ? undefined : Number(found[1]) * (found[2] === undefined ? 1 : 1024);
}

/** A value that a text must have. */
export function required<T>(value: T | undefined, file: string, what: string): T {
  if (value === undefined) throw new ParseError(`${file} has no ${what}: torn, or of another kernel`);
  return value;
}

/** Parses a text anew where it is not the last one's: of a file that seldom changes. */
export function parsedOnce<T>(parse: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly parsed: T } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, parsed: parse(text) };
    return last.parsed;
  };
}
