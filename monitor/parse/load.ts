import { keyedCount, ParseError } from "./text";

/** Load averages over 1, 5 and 15 minutes. */
export interface Load {
  readonly one: number;
  readonly five: number;
  readonly fifteen: number;
}

/** /proc/loadavg (proc_loadavg(5)). */
export function parseLoad(text: string): Load {
  const [one, five, fifteen] = text.trim().split(/\s+/).map(Number);
  if (
    one === undefined ||
    five === undefined ||
    fifteen === undefined ||
    Number.isNaN(one + five + fifteen)
  ) {
    throw new ParseError("/proc/loadavg is not whole");
  }
  return { one, five, fifteen };
}

/** Processes that the kernel killed for memory since boot: `oom_kill` of /proc/vmstat (since Linux 4.13). */
export function parseOomKills(text: string): number | undefined {
  return keyedCount(text, "oom_kill");
}
