/**
 * Sentry's messages, by its own library, which alone knows what its receivers take. This module is loaded where Sentry is told, and
 * takes the library's renderers only: no client, and so no integrations, no breadcrumbs, no global handlers, and nothing about a
 * person.
 */
import {
  createCheckInEnvelope,
  createEventEnvelope,
  type DsnComponents,
  type Envelope,
  type Event,
  getEnvelopeEndpointWithUrlEncodedAuth,
  makeDsn,
  serializeEnvelope,
} from "@sentry/core";
import { LABEL_NAMES } from "../alerts/condition";
import { VERSION } from "../version";
import type { QueuedEvent } from "./event-queue";

/** What goes to Sentry, and where. */
export interface SentryMessage {
  readonly url: string;
  readonly body: string;
}

/** Who tells. `never`: Sentry shall not take the sender's address for a user's. */
const SDK = { name: "ai-resource-monitor", version: VERSION, settings: { infer_ip: "never" as const } };
/** Stricter than the library's own, which prints a DSN that it does not understand, key and all. */
const DSN = /^https?:\/\/\w+(:\w+)?@(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?\/([\w./-]+\/)?\d+$/;
/** Sentry's own limits of a message and of a tag's value. */
const MESSAGE_LENGTH = 8192;
const TAG_LENGTH = 200;

/** A check-in may come late by so much: an attempt that fails is tried again within a minute. */
const MARGIN_MINUTES = 5;

/**
 * One event. Sentry knows no end of an event: that the alert is over is another event of the same issue, of level info and tagged
 * `status: resolved`.
 */
export function sentryEvent(
  dsn: string,
  environment: string,
  host: string,
  { id, time, kind, alert, labels, severity, message }: QueuedEvent,
): SentryMessage {
  const isOver = kind === "RESOLVED";
  const subject = LABEL_NAMES.flatMap((name) =>
    labels[name] === undefined ? [] : [`${name}=${labels[name]}`],
  );
  const event: Event = {
    event_id: sentryId(id),
    timestamp: time / 1000,
    platform: "other",
    logger: SDK.name,
    level: isOver ? "info" : severity === "critical" ? "error" : "warning",
    message: `${isOver ? "RESOLVED: " : ""}${message}`.slice(0, MESSAGE_LENGTH),
    release: `${SDK.name}@${VERSION}`,
    environment,
    server_name: host,
    fingerprint: [SDK.name, host, alert, ...subject],
    tags: tagsOf({ alert, severity, status: isOver ? "resolved" : "firing", ...labels }),
  };
  return to(dsn, (components) => createEventEnvelope(event, components, { sdk: SDK }));
}

/** A sign of life, which Sentry misses when it does not come again: `monitor_config` makes that known by itself. */
export function sentryCheckIn(
  dsn: string,
  environment: string,
  host: string,
  checkIn: { readonly id: string; readonly everySeconds: number },
): SentryMessage {
  const everyMinutes = Math.max(1, Math.round(checkIn.everySeconds / 60));
  return to(dsn, () =>
    createCheckInEnvelope(
      {
        check_in_id: sentryId(checkIn.id),
        monitor_slug: slugOf(host),
        status: "ok",
        environment,
        release: `${SDK.name}@${VERSION}`,
        monitor_config: {
          schedule: { type: "interval", value: everyMinutes, unit: "minute" },
          checkin_margin: MARGIN_MINUTES,
        },
      },
      undefined,
      { sdk: SDK },
    ),
  );
}

/** What Sentry calls the host's sign of life: lower-case letters, digits and dashes, at most 50. */
export function slugOf(host: string): string {
  return `airm-${host.toLowerCase().replace(/[^a-z0-9_-]+/g, "-")}`.slice(0, 50);
}

/** 32 hexadecimal digits: an id without its dashes. */
function sentryId(id: string): string {
  return id.replaceAll("-", "");
}

function to(dsn: string, envelope: (components: DsnComponents) => Envelope): SentryMessage {
  const components = DSN.test(dsn) ? makeDsn(dsn) : undefined;
  if (components === undefined)
    throw new Error("its file holds no DSN of Sentry's, such as https://KEY@sentry.example.com/7");
  const serialized = serializeEnvelope(envelope(components));
  return {
    url: getEnvelopeEndpointWithUrlEncodedAuth(components, undefined, SDK),
    body: typeof serialized === "string" ? serialized : Buffer.from(serialized).toString("utf8"),
  };
}

function tagsOf(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tags).map(([name, value]) => [name, value.replace(/\s+/g, " ").slice(0, TAG_LENGTH)]),
  );
}
