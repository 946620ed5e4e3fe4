import { join } from "node:path";
import { renderAlerts } from "../render/alerts";
import { renderDisplay } from "../render/display";
import { renderCapacity, renderJson } from "../render/json";
import { renderPrometheus } from "../render/prometheus/render";
import type { Report } from "../report/report";
import { writeAtomically } from "./atomic";

/** The texts of one collection. */
export interface Outputs {
  readonly display: string;
  readonly json: string;
  readonly prometheus: string;
  readonly alerts: string;
  readonly capacity: string;
}

/** Where each lies in the run folder; the host's command reads them there. */
export const OUTPUT_FILES: Readonly<Record<keyof Outputs, string>> = {
  display: "display.txt",
  json: "metrics.json",
  prometheus: "metrics.prom",
  alerts: "alerts.txt",
  capacity: "capacity.json",
};

/** When the outputs were collected: `UPTIME INTERVAL UNIXTIME TOKEN UNSEEN`, in seconds. */
export const COLLECTED_FILE = "collected";

/** Age is told by uptime, which nobody sets: a stepped clock neither hides stale outputs nor makes fresh ones old. */
export interface Collected {
  readonly uptimeSeconds: number;
  readonly intervalSeconds: number;
  readonly unixSeconds: number;
  /** The request that this collection answers, `-` without one. */
  readonly token: string;
  /** What every host has and could not be read: whoever prints the outputs says so. */
  readonly unseen: readonly string[];
}

export function renderOutputs(report: Report): Outputs {
  return {
    display: renderDisplay(report),
    json: renderJson(report),
    prometheus: renderPrometheus(report),
    alerts: renderAlerts(report),
    capacity: renderCapacity(report),
  };
}

/** Writes the outputs, and last when they were collected: whoever sees that finds them all. */
export function writeOutputs(folder: string, outputs: Outputs, collected: Collected): void {
  for (const [output, file] of Object.entries(OUTPUT_FILES)) {
    writeAtomically(join(folder, file), outputs[output as keyof Outputs]);
  }
  writeAtomically(join(folder, COLLECTED_FILE), renderCollected(collected));
}

export function renderCollected(collected: Collected): string {
  const { uptimeSeconds, intervalSeconds, unixSeconds, token, unseen } = collected;
  const names = unseen.length === 0 ? "-" : unseen.join(",");
  return `${Math.floor(uptimeSeconds)} ${intervalSeconds} ${Math.floor(unixSeconds)} ${token} ${names}\n`;
}

export function parseCollected(text: string): Collected | undefined {
  const match = /^([0-9]+) ([0-9]+) ([0-9]+) (\S+) ([a-z,]+|-)\n$/.exec(text);
  if (match === null) return undefined;
  const [, uptime, interval, unix, token = "-", unseen = "-"] = match;
  return {
    uptimeSeconds: Number(uptime),
    intervalSeconds: Number(interval),
    unixSeconds: Number(unix),
    token,
    unseen: unseen === "-" ? [] : unseen.split(","),
  };
}
