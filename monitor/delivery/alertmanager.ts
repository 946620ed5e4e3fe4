import type { AlertInput } from "../alerts/condition";
import { keyOf } from "../alerts/machine";
import { errorText } from "../host/files";
import type { HttpSender } from "../host/http";
import { Backoff } from "./backoff";
import { type Outcome, outcomeOf } from "./outcome";
import type { Sink, Telling } from "./sink";

const TIMEOUT_SECONDS = 10;
/** An alert that is not sent again within so many rounds is over for Alertmanager: more than one may be lost. */
const LASTING_ROUNDS = 4;
/** A round is a collection, and takes at least so long. */
const LEAST_SECONDS = 10;

interface Held extends Pick<AlertInput, "alert" | "labels" | "severity" | "message"> {
  readonly startsAt: number;
  /** When it ended; undefined while it fires. */
  readonly endedAt: number | undefined;
}

/**
 * Alertmanager's API v2: all that fires, again and again, each with an end that lies ahead; and once more with the end behind it, when
 * it is over. What fires is known from the alerts' own state, so a restart loses nothing.
 */
export class Alertmanager implements Sink {
  readonly name = "alertmanager";
  readonly dropped = 0;
  private readonly backoff: Backoff;
  private readonly held = new Map<string, Held>();
  private sentAt = -Infinity;
  private changed = false;
  private telling: Telling | undefined;

  constructor(
    private readonly url: () => string,
    private readonly http: HttpSender,
    private readonly warn: (message: string) => void,
    random?: () => number,
  ) {
    this.backoff = new Backoff(random);
  }

  /** Ends that have not arrived. */
  get waiting(): number {
    return [...this.held.values()].filter(({ endedAt }) => endedAt !== undefined).length;
  }

  note(telling: Telling): void {
    this.telling = telling;
    const firing = new Map(
      telling.alerts.filter(({ phase }) => phase === "firing").map((alert) => [keyOf(alert), alert]),
    );
    for (const [key, held] of this.held) {
      if (firing.has(key) || held.endedAt !== undefined) continue;
      this.held.set(key, { ...held, endedAt: telling.time });
      this.changed = true;
    }
    for (const [key, { alert, labels, severity, message, firedAt }] of firing) {
      const before = this.held.get(key);
      if (before?.endedAt !== undefined || before === undefined) this.changed = true;
      const startsAt = firedAt ?? before?.startsAt ?? telling.time;
      this.held.set(key, { alert, labels, severity, message, startsAt, endedAt: undefined });
    }
  }

  async deliver(now: number): Promise<Outcome | undefined> {
    const { telling } = this;
    if (telling === undefined || this.held.size === 0 || !this.backoff.isDue(now)) return undefined;
    const round = Math.max(LEAST_SECONDS, telling.intervalSeconds);
    if (!this.changed && now - this.sentAt < round - 1) return undefined;
    const sent = new Map(this.held);
    this.changed = false;
    try {
      const body = JSON.stringify(
        [...sent.values()].map((held) => alertOf(held, telling, LASTING_ROUNDS * round)),
      );
      const headers = { "content-type": "application/json" };
      const url = `${this.url().replace(/\/+$/, "")}/api/v2/alerts`;
      const receipt = await this.http.send(url, { method: "POST", body, headers }, TIMEOUT_SECONDS);
      const outcome = outcomeOf(receipt);
      if (outcome === "delivered") {
        this.sentAt = now;
        this.backoff.succeeded();
        for (const [key, held] of sent)
          if (held.endedAt !== undefined && this.held.get(key) === held) this.held.delete(key);
      } else {
        // A refusal is of all of them, and may be of one: they are told again, with what the next collection finds.
        this.warn(`Alertmanager answers ${receipt.status}`);
        this.again(now, receipt.retryAfterSeconds);
      }
      return outcome;
    } catch (error) {
      this.warn(`Alertmanager: ${errorText(error)}`);
      this.again(now);
      return "failed";
    }
  }

  private again(now: number, retryAfterSeconds?: number): void {
    this.changed = true;
    this.backoff.failed(now, retryAfterSeconds);
  }
}

/** Values are annotations and never labels, which would make each of them another alert. */
function alertOf(held: Held, { host, time }: Telling, lastingSeconds: number) {
  const { alert, labels, severity, message, startsAt, endedAt } = held;
  return {
    labels: {
      alertname: alert,
      severity,
      instance: host,
      job: "ai-resource-monitor",
      ...labels,
    },
    annotations: { summary: message, runbook: `docs/alerts.md#${alert}` },
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endedAt ?? time + lastingSeconds * 1000).toISOString(),
  };
}
