import { readdirSync, readFileSync, statSync } from "node:fs";

/** "It is not there", in the kernel's words: also a process that just ended, and PSI that is compiled in but off. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ENODEV", "ESRCH", "EOPNOTSUPP"]);
/** "Not for you": hidepid and files for root alone. */
const FORBIDDEN = new Set(["EACCES", "EPERM"]);

/** The code of a system error, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** One line that says what went wrong. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of a word Node.js would make these anew for each file. */
const AS_TEXT = { encoding: "utf8", flag: "r" } as const;

/** A file's text; undefined when it is not there. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, AS_TEXT);
  } catch (error) {
    if (ABSENT.has(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** The text of a file that every Linux has. */
export function readRequired(path: string): string {
  const text = readText(path);
  if (text === undefined) throw new Error(`${path} is not there`);
  return text;
}

/** A file's text; undefined when it is not there or not for this user. */
export function readTextIfAllowed(path: string): string | undefined {
  try {
    return readText(path);
  } catch (error) {
    if (FORBIDDEN.has(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** A file's inode; undefined when it is not there or not for this user. */
export function inodeIfAllowed(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch (error) {
    const code = errorCode(error) ?? "";
    if (ABSENT.has(code) || FORBIDDEN.has(code)) return undefined;
    throw error;
  }
}

/** A folder's entries, sorted; undefined when it is not there. */
export function listFolder(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if (ABSENT.has(errorCode(error) ?? "")) return undefined;
    throw error;
  }
}
