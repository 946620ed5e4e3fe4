/** Datagrams of DogStatsD, version 1.1: https://docs.datadoghq.com/extend/dogstatsd/datagram_shell */
import { createHash } from "node:crypto";
import { keyOf } from "../alerts/machine";
import type { QueuedEvent } from "./event-queue";

/** Datadog shows so much of a title and of a text; the whole datagram stays below the 8 KiB that an agent reads by default. */
const TITLE_BYTES = 100;
const TEXT_BYTES = 4000;
const MESSAGE_BYTES = 500;
const TAG_BYTES = 200;
const HOST_BYTES = 255;

const STATUS = { ok: 0, warning: 1, critical: 2 } as const;

/** An alert that came or went: an event for people, and the state of the service check `airm.alert` for monitors. */
export function alertDatagram(event: QueuedEvent, host: string): string {
  const { alert, labels, severity, kind, time, message } = event;
  const isOver = kind === "RESOLVED";
  const about = { alert, ...labels };
  const status = isOver ? "resolved" : "firing";
  const title = cut(`${isOver ? "RESOLVED: " : ""}${message.replace(/\s+/g, " ")}`, TITLE_BYTES);
  const text = cut(escaped(message), TEXT_BYTES);
  const lines = [
    [
      // Lengths are of bytes, and of what is escaped.
      `_e{${Buffer.byteLength(title)},${Buffer.byteLength(text)}}:${title}`,
      text,
      ...at(time, host),
      // Events of one alert are shown together.
      `k:${createHash("sha256")
        .update(`${host}\0${keyOf(event)}`)
        .digest("hex")
        .slice(0, 32)}`,
      `t:${isOver ? "success" : severity === "critical" ? "error" : "warning"}`,
      `#${tags({ ...about, severity, status })}`,
    ],
    check("airm.alert", isOver ? "ok" : severity, time, host, [
      `#${tags(about)}`,
      // The message comes last, and ends with the line.
      `m:${cut(field(message), MESSAGE_BYTES)}`,
    ]),
  ];
  return lines.map((fields) => fields.join("|")).join("\n");
}

/** A sign of life: the service check `airm.up`, of which a monitor notices that it does not come. */
export function upDatagram(time: number, host: string): string {
  return check("airm.up", "ok", time, host, []).join("|");
}

function check(
  name: string,
  status: keyof typeof STATUS,
  time: number,
  host: string,
  more: readonly string[],
): string[] {
  return [`_sc|${name}|${STATUS[status]}`, ...at(time, host), ...more];
}

const at = (time: number, host: string): string[] => [
  `d:${Math.floor(time / 1000)}`,
  `h:${cut(field(host).trim().replaceAll(" ", "-"), HOST_BYTES)}`,
];

/** A comma ends a tag. */
function tags(given: Readonly<Record<string, string>>): string {
  return Object.entries(given)
    .map(([name, value]) => cut(`${name}:${field(value).replaceAll(",", "_")}`, TAG_BYTES))
    .join(",");
}

/** A line break ends a message, and is written as two characters in the text of an event. */
function escaped(text: string): string {
  return text.replace(/\r?\n/g, "\\n");
}

/** Of a field that no length is told of: what would end it. */
function field(text: string): string {
  return text.replace(/[|\s]+/g, " ");
}

/** So many bytes of UTF-8 at most, and no part of a character. */
function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return text;
  let end = bytes;
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return whole.subarray(0, end).toString("utf8");
}
