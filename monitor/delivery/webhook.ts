import { errorText } from "../host/files";
import type { HttpSender } from "../host/http";
import { utcTime } from "../render/times";
import { Backoff } from "./backoff";
import { EventQueue } from "./event-queue";
import { type Outcome, outcomeOf } from "./outcome";
import type { Sink, Telling } from "./sink";

const TIMEOUT_SECONDS = 10;

/**
 * One POST of JSON for each alert that came or went, in their order. One that fails is tried again before the next; its `id`, also as
 * `Idempotency-Key`, is the same then.
 */
export class Webhook implements Sink {
  readonly name = "webhook";
  private readonly queue: EventQueue;
  private readonly backoff: Backoff;
  private host = "";

  constructor(
    private readonly url: () => string,
    state: string,
    private readonly http: HttpSender,
    private readonly warn: (message: string) => void,
    random?: () => number,
  ) {
    this.queue = new EventQueue(state, this.name, warn);
    this.backoff = new Backoff(random);
  }

  get waiting(): number {
    return this.queue.length;
  }

  get dropped(): number {
    return this.queue.dropped;
  }

  note({ events, time, host }: Telling): void {
    this.host = host;
    this.queue.add(events, time);
  }

  async deliver(now: number): Promise<Outcome | undefined> {
    const { first } = this.queue;
    if (first === undefined || !this.backoff.isDue(now)) return undefined;
    const { id, time, kind, labels, ...about } = first;
    const body = JSON.stringify({
      id,
      host: this.host,
      status: kind === "ALERT" ? "firing" : "resolved",
      time: utcTime(time),
      ...about,
      ...labels,
    });
    const headers = { "content-type": "application/json", "idempotency-key": id };
    try {
      const receipt = await this.http.send(this.url(), { method: "POST", body, headers }, TIMEOUT_SECONDS);
      const outcome = outcomeOf(receipt);
      if (outcome === "failed") this.backoff.failed(now, receipt.retryAfterSeconds);
      else {
        this.backoff.succeeded();
        this.queue.remove(id);
      }
      if (outcome === "refused") this.warn(`the webhook refuses with ${receipt.status}: ${first.message}`);
      return outcome;
    } catch (error) {
      this.warn(`the webhook: ${errorText(error)}`);
      this.backoff.failed(now);
      return "failed";
    }
  }
}
