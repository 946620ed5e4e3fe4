import type { HttpSender } from "../host/http";
import { utcTime } from "../render/times";
import type { Tell } from "./event-sink";
import { attemptOf } from "./outcome";

const TIMEOUT_SECONDS = 10;

/** A POST of JSON. Its `id`, also as `Idempotency-Key`, is the same for each attempt. */
export function webhook(url: () => string, http: HttpSender): Tell {
  return async ({ id, time, kind, labels, ...about }, host) => {
    const body = JSON.stringify({
      id,
      host,
      status: kind === "ALERT" ? "firing" : "resolved",
      time: utcTime(time),
      ...about,
      ...labels,
    });
    const headers = { "content-type": "application/json", "idempotency-key": id };
    return attemptOf(await http.send(url(), { method: "POST", body, headers }, TIMEOUT_SECONDS));
  };
}
