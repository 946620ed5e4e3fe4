import { Backoff } from "./backoff";
import { EventQueue, type QueuedEvent } from "./event-queue";
import { type Attempt, attempted, type Outcome } from "./outcome";
import type { Sink, Telling } from "./sink";

/**
 * Tells one event, once. A rejection is an attempt that failed.
 * @param host how those who are told call the host
 */
export type Tell = (event: QueuedEvent, host: string) => Promise<Attempt>;

/**
 * One message for each alert that came or went, in their order. One that fails is tried again, with the same `id`, before the
 * next; what waits outlives a restart.
 */
export class EventSink implements Sink {
  private readonly queue: EventQueue;
  private readonly backoff: Backoff;
  private host = "";

  constructor(
    readonly name: string,
    private readonly tell: Tell,
    state: string,
    private readonly warn: (message: string) => void,
    random?: () => number,
  ) {
    this.queue = new EventQueue(state, name, warn);
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
    const { outcome, why, retryAfterSeconds } = await attempted(() => this.tell(first, this.host));
    if (outcome === "failed") this.backoff.failed(now, retryAfterSeconds);
    else {
      this.backoff.succeeded();
      this.queue.remove(first.id);
    }
    if (outcome === "failed") this.warn(`${this.name}: ${why ?? "no answer"}`);
    if (outcome === "refused")
      this.warn(`${this.name} refuses, ${why ?? "and says not why"}: ${first.message}`);
    return outcome;
  }
}
