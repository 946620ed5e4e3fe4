/** Values as Go writes and reads them: the provider is a Go program, and its spelling decides what is a difference. */

import { EngineError } from "../../types";

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `time.ParseDuration`, in nanoseconds. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new EngineError(`'${text}' is not a valid duration`);
  return Math.round(parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (UNITS[unit] ?? 0), 0));
}

/** `Duration.String()`: 60 s are "1m0s", so a program that writes "60s" differs from what is read back. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e9) {
    const [unit = "ns", size = 1] =
      [["ms", 1e6] as const, ["µs", 1e3] as const].find(([, least]) => nanoseconds >= least) ?? [];
    return `${nanoseconds / size}${unit}`;
  }
  const seconds = (nanoseconds % 60e9) / 1e9;
  const minutes = Math.floor(nanoseconds / 60e9);
  if (minutes === 0) return `${seconds}s`;
  if (minutes < 60) return `${minutes}m${seconds}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}

/** The CPUs of `--cpus`, in billionths. */
export function parseCpus(text: string): number {
  const nano = Number(text) * 1e9;
  if (text.trim() === "" || !Number.isFinite(nano))
    throw new EngineError(`failed to parse ${text} as a rational number`);
  if (!Number.isInteger(Math.round(nano * 1e6) / 1e6)) throw new EngineError("value is too precise");
  return Math.round(nano);
}

/**
 * How the provider reads CPUs back. It takes any number whose nine-digit form has nine zeros for a round one and cuts
 * it to one digit: 2 reads "2.0" (so a program must write "2.0"), 10 reads "10.", and 0.05 reads "0.1", which never
 * agrees with the program.
 */
export function formatCpus(nano: number): string {
  const text = (nano / 1e9).toFixed(9);
  if (text.split("0").length - 1 === 9)
    return `${Math.floor(nano / 1e8 + 0.5) / 10}`.replace(/^\d+$/, "$&.0");
  return text.replace(/0+$/, "");
}
