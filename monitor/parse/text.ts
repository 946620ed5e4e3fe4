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

/** `key value` or `key: value kB` lines, as in /proc/meminfo, memory.stat and cpu.stat; others are left out. */
export function parseKeyed(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [key, value, unit] = line.trim().split(/[\s:]+/);
    const count = parseCount(value);
    if (key === undefined || count === undefined) continue;
    values.set(key, unit === "kB" ? count * 1024 : count);
  }
  return values;
}

/** A value that a text must have. */
export function required<T>(value: T | undefined, file: string, what: string): T {
  if (value === undefined) throw new ParseError(`${file} has no ${what}: torn, or of another kernel`);
  return value;
}
