import { z } from "zod";
import { isPrivateAddress } from "../../monitor/config/address";
import { imageField } from "../limited-container/image-name";
import { durationField } from "../settings/duration-field";
import { scalarField } from "../settings/field";
import { flagField, integerField, positiveField, sizeField } from "../settings/fields";
import type { IssueParams } from "../settings/issues";
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

const accessFile = (what: string, name: string, ending: string) =>
  wordField({
    description: `A file on the host with ${what}, kept there by you. chown 65532, chmod 0400.`,
    example: `${FOLDER}/${name}.${ending}`,
    allowed: `a file right below ${FOLDER}, with .${ending} at its end`,
    pattern: new RegExp(`^${FOLDER}/[A-Za-z0-9_-]+\\.${ending}$`),
  }).optional();

const addressFile = (whose: string, name: string) =>
  wordField({
    description: `A file on the host with ${whose}, kept there by you: Pulumi knows nothing of what is in it. Give it to the monitor's user alone: chown 65532, chmod 0400.`,
    example: `${FOLDER}/${name}.url`,
    allowed: `a file right below ${FOLDER}, with .url at its end`,
    pattern: /^\/etc\/ai-resource-monitor\/[A-Za-z0-9_-]+\.url$/,
  }).optional();

/** The monitor's container. */
export const MonitorSettings = z
  .strictObject({
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
    io: integerField({
      description: "IO weight of the monitor.",
      min: 1,
      max: 10000,
      example: "50",
    }).prefault(50),
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
          "Address and port for Prometheus, for the page, and for whoever asks /capacity. Who may ask is told by `monitor.access`. Default: a Unix socket only.",
        example: "127.0.0.1:9465",
        allowed:
          "ADDRESS:PORT; an address that is neither loopback nor private needs all of `monitor.access`",
      },
      (text) => parseListen(text),
    ).optional(),
    access: z
      .strictObject({
        token: accessFile(
          "the word, of 16 characters or more, that whoever asks at `monitor.listen` must show (Authorization: Bearer WORD)",
          "listen",
          "token",
        ),
        certificate: accessFile(
          "its certificate in PEM, and those that it was signed by after it: then it talks TLS and nothing else. One that is renewed is taken within `monitor.interval`",
          "listen-certificate",
          "pem",
        ),
        key: accessFile("the certificate's private key in PEM", "listen-key", "pem"),
      })
      .superRefine(({ certificate, key }, context) => {
        if ((certificate === undefined) === (key === undefined)) return;
        const missing = certificate === undefined ? "certificate" : "key";
        context.addIssue({
          code: "custom",
          path: [missing],
          message: "TLS needs both, the certificate and its key",
          params: { fix: `${FOLDER}/listen-${missing}.pem` } satisfies IssueParams,
        });
      })
      .prefault({}),
  })
  .superRefine(({ listen, access: { token, certificate, key } }, context) => {
    if (listen === undefined || isPrivateAddress(listen.address) === true) return;
    if ([token, certificate, key].every((file) => file !== undefined)) return;
    context.addIssue({
      code: "custom",
      path: ["listen"],
      message:
        "that address may be reached from the internet, and asks for no token over TLS (monitor.access)",
      params: { fix: `127.0.0.1:${listen.port}` } satisfies IssueParams,
    });
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
