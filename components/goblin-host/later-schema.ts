import { z } from "zod";
import { choiceField, integerField, positiveField, sizeField } from "../settings/fields";
import { lineField, wordField } from "../settings/text-fields";

const percent = (what: string, example: string) =>
  integerField({ description: `Alert above this ${what}, in percent.`, min: 1, max: 100, example }).prefault(
    Number(example),
  );
const interval = (what: string, example: string) =>
  wordField({
    description: what,
    example,
    allowed: "seconds or minutes: 10s, 5min",
    pattern: /^[1-9][0-9]{0,4}(s|min)$/,
  }).prefault(example);

/** The monitor's container. */
export const MonitorSettings = z.strictObject({
  baseImage: lineField({
    description: "Image with Node that the monitor's own image is built on, on the host's daemon.",
    example: "node:24-bookworm-slim",
    allowed: "an image name",
  }).prefault("node:24-bookworm-slim"),
  memory: sizeField({
    description: "The most RAM the monitor may use.",
    example: "128MiB",
    least: "64MiB",
  }).prefault("128MiB"),
  cpus: positiveField({
    description: "CPU time of the monitor, in cores.",
    max: 64,
    example: "0.1",
  }).prefault(0.1),
  io: integerField({ description: "IO weight of the monitor.", min: 1, max: 10000, example: "50" }).prefault(
    50,
  ),
  interval: interval("How often it measures.", "10s"),
  collect: interval("How often the timer writes the collected metrics.", "60s"),
  listen: wordField({
    description: "Address and port for Prometheus, loopback or private. Default: a Unix socket only.",
    example: "127.0.0.1:9465",
    allowed: "ADDRESS:PORT",
    pattern: /^[0-9A-Fa-f.:[\]]+:[0-9]{1,5}$/,
  }).optional(),
});

/** Alert thresholds; the specification's numbers. */
export const ThresholdSettings = z.strictObject({
  memory: percent("share of RAM in use", "85"),
  cpu: percent("share of CPU time in use", "90"),
  disk: percent("share of the models' disk in use", "90"),
  swap: percent("share of swap in use", "70"),
  service: percent("share of a workload's memory limit in use", "95"),
});

/** What the host's manager does by itself. */
export const ManagerSettings = z.strictObject({
  daily: choiceField(["verify", "repair"], {
    description: "What the daily timer does: report drift, or repair it too (which hides it from CI).",
  }).default("verify"),
});

export const ObserveSetting = choiceField(["auto", "required", "warn", "off"], {
  description:
    "How `pulumi preview` looks at the host for drift: required (an unreachable host is an error), warn, or off. auto is required where CI is set, else warn.",
}).default("auto");
