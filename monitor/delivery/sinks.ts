import type { SettledConfig } from "../config/schema";
import { readRequired } from "../host/files";
import type { HttpSender } from "../host/http";
import { Alertmanager } from "./alertmanager";
import { Datadog } from "./datadog";
import { sendDatagram, type SendDatagram } from "./datagrams";
import { EventSink, type Tell } from "./event-sink";
import { Heartbeat } from "./heartbeat";
import { attemptOf } from "./outcome";
import { Sentry } from "./sentry";
import type { Sink } from "./sink";
import { webhook } from "./webhook";

const BEAT_TIMEOUT_SECONDS = 10;

/** Those that the configuration names. */
export function sinksOf(
  { sinks }: Pick<SettledConfig, "sinks">,
  state: string,
  http: HttpSender,
  warn: (message: string) => void,
  datagram: SendDatagram = sendDatagram,
): Sink[] {
  const events = (name: string, tell: Tell): Sink => new EventSink(name, tell, state, warn);
  const made: Sink[] = [];
  if (sinks.alertmanager !== undefined)
    made.push(new Alertmanager(addressIn(sinks.alertmanager.urlFile), http, warn));
  if (sinks.webhook !== undefined)
    made.push(events("webhook", webhook(addressIn(sinks.webhook.urlFile), http)));
  if (sinks.sentry !== undefined) {
    const { dsnFile, environment, checkInSeconds } = sinks.sentry;
    const sentry = new Sentry(addressIn(dsnFile), environment, http);
    made.push(events("sentry", (event, host) => sentry.tell(event, host)));
    if (checkInSeconds !== undefined)
      made.push(
        new Heartbeat(
          "sentry_check_in",
          (seen) => sentry.checkIn(seen, checkInSeconds),
          checkInSeconds,
          warn,
        ),
      );
  }
  if (sinks.datadog !== undefined) {
    const datadog = new Datadog(sinks.datadog, datagram);
    made.push(events("datadog", (event, host) => datadog.tell(event, host)));
    made.push(new Heartbeat("datadog_up", (seen) => datadog.isUp(seen), sinks.datadog.upSeconds, warn));
  }
  if (sinks.heartbeat !== undefined) {
    const url = addressIn(sinks.heartbeat.urlFile);
    const beat = async () => attemptOf(await http.send(url(), { method: "GET" }, BEAT_TIMEOUT_SECONDS));
    made.push(new Heartbeat("heartbeat", beat, sinks.heartbeat.everySeconds, warn));
  }
  return made;
}

/** Read for each message: a secret may be replaced at any time. Lines that begin with # are for people. */
function addressIn(file: string): () => string {
  return () => {
    const lines = readRequired(file)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    const [url = ""] = lines;
    if (lines.length !== 1 || !/^https?:\/\/[^\s/]/.test(url))
      throw new Error(`${file} holds no http:// or https:// address`);
    return url;
  };
}
