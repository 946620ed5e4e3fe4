import * as z from "zod/mini";
import { isPrivateAddress } from "./address";

/** zod/mini: zod itself costs 10 MB of RSS in the bundle, this 0.4 MB (measured). */
const MEGABYTE = 1024 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

const percent = (preset: number) => z._default(number("a percentage above 0, up to 100", 0.1, 100), preset);
const whole = (min: number, max: number, preset: number) =>
  z._default(
    number(`a whole number from ${min} to ${max}`, min, max).check(
      z.refine((value: number) => Number.isInteger(value), { error: `a whole number from ${min} to ${max}` }),
    ),
    preset,
  );
const httpUrl = z
  .string({ error: "an http:// address" })
  .check(z.regex(/^http:\/\/[^\s/?#]+(\/\S*)?$/, { error: "an http:// address" }));

const file = text("an absolute path", /^\/[^\0\n]*$/);

/** One AI service, as a unit or as a container: the monitor finds it by its cgroup and asks neither systemd nor Docker. */
export const ServiceConfig = z.strictObject({
  /** What the outputs call it. */
  name: text("a name: letters, digits and . _ @ -", NAME),
  runtime: z.enum(["systemd", "container"], { error: "systemd or container" }),
  /** Its systemd unit; default `NAME.service`. */
  unit: z.optional(text("a unit's name, such as ollama.service", /^[A-Za-z0-9:_.@\\-]+\.(service|scope)$/)),
  /** Its slice; `ai-ollama.slice` lies under `ai.slice`. Default `ai-NAME.slice`, the name's dashes left out. */
  slice: z.optional(text("a slice's name, such as ai-ollama.slice", /^[A-Za-z0-9:_.\\-]+\.slice$/)),
  /** The cgroup itself, relative to the cgroup root, where neither slice nor unit leads to it. */
  cgroup: z.optional(
    text("a path without a leading slash or ..", /^(?!\.\.?(\/|$))[^/\s]+(\/(?!\.\.?(\/|$))[^/\s]+)*$/),
  ),
  /** The image, for `airm_service_info`. */
  image: z.optional(text("an image's name", /^\S+$/)),
  /** The declared memory limit in bytes. Shown beside the kernel's, never in its place. */
  memoryMaxBytes: z.optional(number("a number of bytes above 0", 1, 2 ** 50)),
  /** The declared CPU quota, 100 for one core. Shown beside the kernel's, never in its place. */
  quotaPercent: z.optional(number("a percentage of one core above 0", 0.1, 1e6)),
  /** VRAM use, in percent of `vramMaxBytes`, above which an alert is raised. Default: none is. */
  vramThreshold: z.optional(number("a percentage above 0, up to 100", 0.1, 100)),
  /** The service's VRAM budget in bytes; advice, as no kernel enforces it. Default: all VRAM of the GPUs that it uses. */
  vramMaxBytes: z.optional(number("a number of bytes above 0", 1, 2 ** 50)),
  /** Ollama's address, whose `/api/ps` tells the loaded models. Default: not asked. */
  ollama: z.optional(httpUrl),
  /** A llama-server, asked what it does. Default: not asked. */
  llamaCpp: z.optional(
    z.strictObject({
      /** Its address, with the prefix of its paths where it has one. */
      url: httpUrl,
      /** Whether its model may sleep (`--sleep-idle-seconds`): it is asked only what cannot keep it from that. Default true. */
      sleeps: z._default(z.boolean({ error: "true or false" }), true),
      /** A file with its API key, where it has one; default none. */
      apiKeyFile: z.optional(file),
    }),
  ),
  /** A health probe: GET, healthy below status 400. Default: none. */
  health: z.optional(
    z.strictObject({
      http: httpUrl,
      /** Seconds until it counts as failed; default 2. */
      timeoutSeconds: z._default(number("a number from 0.1 to 5", 0.1, 5), 2),
    }),
  ),
});

/** The configuration file of ai-resource-monitor. Every default is the specification's number where it has one. */
export const MonitorConfig = z.strictObject({
  /** Seconds from one collection to the next; default 10. Outputs older than three of them are stale. */
  intervalSeconds: whole(1, 3600, 10),
  /** Percent above which an alert is raised; it clears about 5 points below. Defaults 85, 90, 90, 70, 95, 20. */
  thresholds: z.prefault(
    z.strictObject({
      memory: percent(85),
      cpu: percent(90),
      disk: percent(90),
      swap: percent(70),
      service: percent(95),
      /** Of the time, in which a service waits for memory. */
      pressure: percent(20),
    }),
    {},
  ),
  /** Where models lie. `mount: required` reports it when it is no mount of its own; `any` measures what it lies on. */
  models: z.prefault(
    z.strictObject({
      path: z._default(text("an absolute path", /^\/[^\0\n]*$/), "/srv/models"),
      mount: z._default(z.enum(["any", "required"], { error: "any or required" }), "any"),
    }),
    {},
  ),
  services: z._default(
    z.array(ServiceConfig, { error: "a list of services" }).check(
      z.refine(
        (list: readonly { name: string }[]) => new Set(list.map(({ name }) => name)).size === list.length,
        {
          error: "services whose names differ",
        },
      ),
    ),
    [],
  ),
  alerts: z.prefault(
    z.strictObject({
      /** Seconds that a condition must hold before its alert is raised; default 60. */
      forSeconds: whole(0, 86_400, 60),
      /** Seconds after which the log repeats an alert that still fires; default 14400. */
      repeatSeconds: whole(60, 30 * 86_400, 14_400),
    }),
    {},
  ),
  /** What stays on disk: a record a minute, for a week, in at most 16 MiB. */
  history: z.prefault(
    z.strictObject({
      everySeconds: whole(1, 86_400, 60),
      days: whole(1, 3650, 7),
      maxBytes: whole(MEGABYTE, 1024 * MEGABYTE, 16 * MEGABYTE),
    }),
    {},
  ),
  /** Hours after a deployment in which alerts name it; at their end a report compares before and after. 0: none; default 24. */
  watchHours: whole(0, 72, 24),
  /** A TCP address to serve beside the Unix socket; default none. */
  listen: z.optional(
    z
      .strictObject({
        address: text("an IP address", /^[0-9A-Fa-f:.]+$/),
        port: number("a port from 1 to 65535", 1, 65_535),
        /** A file with the word that whoever asks must show, as `Authorization: Bearer WORD`. Default: nobody need. */
        tokenFile: z.optional(file),
        /** Files in PEM, which may be replaced at any time. Default: no TLS. */
        tls: z.optional(z.strictObject({ certificateFile: file, keyFile: file })),
      })
      .check(
        z.refine(
          ({ address, tokenFile, tls }) =>
            isPrivateAddress(address) === true || (tokenFile !== undefined && tls !== undefined),
          {
            path: ["address"],
            error: "a loopback or private IP address, or any with tokenFile and tls beside it",
          },
        ),
      ),
  ),
  /** What those who are told call this host; default its name. */
  host: z.optional(text("a name: letters, digits and . _ @ -", NAME)),
  /** Who is told of alerts, and how. Each address is in a file of its own, as many of them are secrets. Default: nobody. */
  sinks: z.prefault(
    z.strictObject({
      /** Alertmanager's address, without a path. */
      alertmanager: z.optional(z.strictObject({ urlFile: file })),
      /** A POST of JSON for each alert that comes or goes. */
      webhook: z.optional(z.strictObject({ urlFile: file })),
      /** An event for each alert that comes or goes. */
      sentry: z.optional(
        z.strictObject({
          /** A DSN. */
          dsnFile: file,
          /** What Sentry calls where the host runs; default production, as Sentry's own. */
          environment: z._default(text("a name: letters, digits and . _ @ -", NAME), "production"),
          /** Seconds from one check-in of Sentry's cron monitoring to the next. Default: none is sent. */
          checkInSeconds: z.optional(number("a number from 60 to 86400", 60, 86_400)),
        }),
      ),
      /** An event and a service check for each alert that comes or goes, to an agent's DogStatsD. */
      datadog: z.optional(
        z.strictObject({
          address: text("a loopback or private IP address", /^[0-9A-Fa-f:.]+$/).check(
            z.refine((address: string) => isPrivateAddress(address) === true, {
              error: "a loopback or private IP address",
            }),
          ),
          /** Default 8125. */
          port: z._default(number("a port from 1 to 65535", 1, 65_535), 8125),
          /** Seconds from one service check that the host is up to the next; default 60. */
          upSeconds: whole(10, 86_400, 60),
        }),
      ),
      /** A GET after collections, at an address that raises the alarm when none comes. */
      heartbeat: z.optional(
        z.strictObject({
          urlFile: file,
          /** Seconds from one to the next; default 60. */
          everySeconds: whole(10, 86_400, 60),
        }),
      ),
    }),
    {},
  ),
  gpu: z.prefault(
    z.strictObject({
      /** The program to ask; absent from the PATH means no GPU. Default nvidia-smi. */
      command: z._default(text("a program's name or path", /^[^\0\n]+$/), "nvidia-smi"),
    }),
    {},
  ),
});

/** What the file may say; Pulumi components render this type. */
export type MonitorConfig = z.input<typeof MonitorConfig>;
/** The same with every default settled. */
export type SettledConfig = z.output<typeof MonitorConfig>;
export type ServiceSettings = z.output<typeof ServiceConfig>;

/** The text of the configuration file. */
export function renderMonitorConfig(config: MonitorConfig): string {
  return `${JSON.stringify(sorted(config), undefined, 2)}\n`;
}

/** Keys in order, so that the same settings are the same bytes. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

function number(allowed: string, min: number, max: number) {
  return z
    .number({ error: allowed })
    .check(z.minimum(min, { error: allowed }), z.maximum(max, { error: allowed }));
}

function text(allowed: string, pattern: RegExp) {
  return z.string({ error: allowed }).check(z.regex(pattern, { error: allowed }));
}
