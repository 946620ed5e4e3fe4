import { Backoff } from "./backoff";
import { type Attempt, attempted, type Outcome } from "./outcome";
import type { Sink, Telling } from "./sink";

/**
 * A sign of life to somebody who raises the alarm when none comes (a dead man's switch): a host that is frozen can tell nobody. It is
 * sent after a collection alone, and not after one that did not see what every host has.
 */
export class Heartbeat implements Sink {
  readonly waiting = 0;
  readonly dropped = 0;
  private readonly backoff: Backoff;
  private seen: Telling | undefined;
  private sentAt = -Infinity;

  constructor(
    readonly name: string,
    private readonly beat: (telling: Telling) => Promise<Attempt>,
    private readonly everySeconds: number,
    private readonly warn: (message: string) => void,
    random?: () => number,
  ) {
    this.backoff = new Backoff(random);
  }

  note(telling: Telling): void {
    this.seen = telling.seesAll ? telling : undefined;
  }

  async deliver(now: number): Promise<Outcome | undefined> {
    const { seen } = this;
    this.seen = undefined;
    // A collection's interval may end a moment early.
    if (seen === undefined || now - this.sentAt < this.everySeconds - 1 || !this.backoff.isDue(now))
      return undefined;
    const { outcome, why, retryAfterSeconds } = await attempted(() => this.beat(seen));
    if (outcome === "delivered" || outcome === "sent") {
      this.sentAt = now;
      this.backoff.succeeded();
    } else {
      this.warn(`${this.name}: ${why ?? "no answer"}`);
      this.backoff.failed(now, retryAfterSeconds);
    }
    return outcome;
  }
}
