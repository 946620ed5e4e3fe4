import { percent, size } from "../../render/numbers";
import { localTime } from "../../render/times";
import { has, type Maybe, type Metrics } from "./document";

/** As the command line has it: what is not measured is said so, with why, and never 0. */
export function notAvailable(why: Maybe<string>): string {
  return has(why) && why !== "" ? `not available (${why})` : "not available";
}

/** Why a collector did not measure. */
export function failureOf({ collectors }: Metrics, name: string): string | undefined {
  return collectors?.find((collector) => collector.name === name)?.error ?? undefined;
}

export function percentText(ratio: Maybe<number>): string | undefined {
  return has(ratio) ? percent(ratio) : undefined;
}

export function sizeText(bytes: Maybe<number>): string | undefined {
  return has(bytes) ? size(bytes) : undefined;
}

/** In the host's own time, as alerts.log has it. */
export function hostTime(time: Maybe<string | number>, utcOffsetMinutes: Maybe<number>): string | undefined {
  const milliseconds = typeof time === "string" ? Date.parse(time) : time;
  if (!has(milliseconds) || Math.abs(milliseconds) > 8e15 || Number.isNaN(milliseconds)) return undefined;
  return localTime(milliseconds, utcOffsetMinutes ?? 0);
}

/** `UTC+01:00` */
export function zoneText(utcOffsetMinutes: Maybe<number>): string {
  const minutes = Math.abs(utcOffsetMinutes ?? 0);
  if (minutes === 0) return "UTC";
  const part = (value: number) => String(value).padStart(2, "0");
  return `UTC${(utcOffsetMinutes ?? 0) < 0 ? "-" : "+"}${part(Math.floor(minutes / 60))}:${part(minutes % 60)}`;
}

/** `40 s`, `12 min`, `3 h`, `2 d`: whole ones, rounded down. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86_400)} d`;
}

/** `1 alert`, `2 alerts` */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** What a terminal or a bidirectional layout would obey is shown as what it is not: a name is only a name. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\u{fffd}");
}
