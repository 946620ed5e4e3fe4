import { z } from "zod";
import { imageField } from "../limited-container/image-name";
import { durationField } from "../settings/duration-field";
import { scalarField } from "../settings/field";
import { flagField, integerField, positiveField, sizeField } from "../settings/fields";
import { wordField } from "../settings/text-fields";
import { parseListen, parsePrivateAddress } from "./listen";

const percent = (what: string, example: string) =>
  integerField({ description: `Alert above this ${what}, in percent.`, min: 1, max: 100, example }).prefault(
    Number(example),
  );
const interval = (description: string, example: string, most?: string) =>
  durationField({ description, example, ...(most === undefined ? {} : { most }) }).prefault(example);

/** The folder on the host that its container reads its configuration from. */
const FOLDER = "/etc/ai-resource-monitor";

const addressFile = (whose: string, name: string) =>
  wordField({
    description: `A file on the host with ${whose}, kept there by you: Pulumi knows nothing of what is in it. Give it to the monitor's user alone: chown 65532, chmod 0400.`,
    example: `${FOLDER}/${name}.url`,
    allowed: `a file right below ${FOLDER}, with .url at its end`,
    pattern: /^\/etc\/ai-resource-monitor\/[A-Za-z0-9_-]+\.url$/,
  }).optional();

/** The monitor's container. */
export const MonitorSettings = z.strictObject({
  baseImage: imageField({
    description: "Image with Node that the monitor's own image is built on, on the host's daemon.",
    example: "node:24-bookworm-slim",
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
  interval: interval("How often it measures.", "10s", "60min"),
  collect: interval("How often the timer writes the collected metrics.", "60s"),
  alerts: z
    .strictObject({
      for: interval("How long a condition must hold before its alert is raised.", "60s", "1440min"),
      repeat: interval("How often the log repeats an alert that still fires.", "240min", "43200min"),
    })
    .prefault({}),
  tell: z
    .strictObject({
      alertmanager: addressFile("Alertmanager's address, such as http://10.0.0.7:9093", "alertmanager"),
      webhook: addressFile(
        "the address that gets a POST of JSON for each alert that comes or goes",
        "webhook",
      ),
      sentry: addressFile("a DSN of Sentry's, such as https://KEY@sentry.example.com/7", "sentry"),
      sentryEnvironment: wordField({
        description: "What Sentry calls the environment that the host is of.",
        example: "production",
        allowed: "letters, digits and . _ @ -, at most 64",
        pattern: /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/,
      }).prefault("production"),
      sentryCheckIns: flagField({
        description:
          "Send Sentry a check-in of its cron monitoring as often as the heartbeat. Each host is a monitor there, which may cost money.",
      }).prefault(false),
      datadog: scalarField(
        {
          description:
            "Address and port of the DogStatsD of a Datadog agent, loopback or private: nothing in it is encrypted.",
          example: "127.0.0.1:8125",
          allowed: "ADDRESS:PORT, the address loopback or private",
        },
        (text) => parsePrivateAddress(text, "8125", "what goes there is not encrypted"),
      ).optional(),
      heartbeat: addressFile("an address that raises the alarm when it is not asked any more", "heartbeat"),
      heartbeatEvery: durationField({
        description:
          "How often the heartbeat is sent, Sentry's check-in (at most once a minute), and Datadog's `airm.up`.",
        example: "60s",
        least: "10s",
        most: "1440min",
      }).prefault("60s"),
    })
    .prefault({}),
  history: z
    .strictObject({
      every: interval("How often a record of what was measured is kept on disk.", "60s", "1440min"),
      days: integerField({
        description: "Days that a record is kept.",
        min: 1,
        max: 3650,
        example: "7",
      }).prefault(7),
      size: sizeField({
        description: "The most that the records take; the oldest go first.",
        example: "16MiB",
        least: "1MiB",
      })
        .refine(({ bytes }) => bytes <= 1024 ** 3, "that is more than 1GiB")
        .prefault("16MiB"),
    })
    .prefault({}),
  watchHours: integerField({
    description:
      "Hours after a deployment in which alerts name it; at their end a report compares before and after. 0: none.",
    min: 0,
    max: 72,
    example: "24",
  }).prefault(24),
  gpu: flagField({
    description:
      "Measure NVIDIA's GPUs, by nvidia-smi. Needs NVIDIA's container toolkit. Default: when a workload has `gpu` of that vendor.",
  }).optional(),
  listen: scalarField(
    {
      description:
        "Address and port for Prometheus, loopback or private: there is no password. Default: a Unix socket only.",
      example: "127.0.0.1:9465",
      allowed: "ADDRESS:PORT, the address loopback or private",
    },
    parseListen,
  ).optional(),
});

/** Alert thresholds; the specification's numbers where it has one. */
export const ThresholdSettings = z.strictObject({
  memory: percent("share of RAM in use", "85"),
  cpu: percent("share of CPU time in use", "90"),
  disk: percent("share of the models' disk in use", "90"),
  swap: percent("share of swap in use", "70"),
  service: percent("share of a workload's memory limit in use", "95"),
  pressure: percent("share of the time in which a workload waits for memory", "20"),
});

/** What a {@link Monitor} watches, beside its own settings. */
export type MonitorSettings = z.input<typeof MonitorSettings>;
export type ThresholdSettings = z.input<typeof ThresholdSettings>;
