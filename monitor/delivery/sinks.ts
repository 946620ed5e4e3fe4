import { readRequired } from "../host/files";
import type { SettledConfig } from "../config/schema";
import type { HttpSender } from "../host/http";
import { Alertmanager } from "./alertmanager";
import { Heartbeat } from "./heartbeat";
import type { Sink } from "./sink";
import { Webhook } from "./webhook";

/** Those that the configuration names. */
export function sinksOf(
  { sinks: { alertmanager, webhook, heartbeat } }: Pick<SettledConfig, "sinks">,
  state: string,
  http: HttpSender,
  warn: (message: string) => void,
): Sink[] {
  return [
    ...(alertmanager === undefined ? [] : [new Alertmanager(addressIn(alertmanager.urlFile), http, warn)]),
    ...(webhook === undefined ? [] : [new Webhook(addressIn(webhook.urlFile), state, http, warn)]),
    ...(heartbeat === undefined
      ? []
      : [new Heartbeat(addressIn(heartbeat.urlFile), heartbeat.everySeconds, http, warn)]),
  ];
}

/** Read for each message: a secret may be replaced at any time. */
function addressIn(file: string): () => string {
  return () => {
    const url = readRequired(file).trim();
    if (!/^https?:\/\/[^\s/]/.test(url)) throw new Error(`${file} holds no http:// or https:// address`);
    return url;
  };
}
