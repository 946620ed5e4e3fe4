import { errorText } from "../host/files";
import type { HttpSender } from "../host/http";
import { Backoff } from "./backoff";
import { type Outcome, outcomeOf } from "./outcome";
import type { Sink, Telling } from "./sink";

const TIMEOUT_SECONDS = 10;

/**
 * A GET at an address that raises the alarm when none comes (a dead man's switch): a host that is frozen can tell nobody. It is sent
 * after a collection alone, and not after one that did not see what every host has.
 */
export class Heartbeat implements Sink {
  readonly name = "heartbeat";
  readonly waiting = 0;
  readonly dropped = 0;
  private readonly backoff: Backoff;
  private sees = false;
  private sentAt = -Infinity;

  constructor(
    private readonly url: () => string,
    private readonly everySeconds: number,
    private readonly http: HttpSender,
    private readonly warn: (message: string) => void,
    random?: () => number,
  ) {
    this.backoff = new Backoff(random);
  }

  note({ seesAll }: Telling): void {
    this.sees = seesAll;
  }

  async deliver(now: number): Promise<Outcome | undefined> {
    const { sees } = this;
    this.sees = false;
    // A collection's interval may end a moment early.
    if (!sees || now - this.sentAt < this.everySeconds - 1 || !this.backoff.isDue(now)) return undefined;
    try {
      const receipt = await this.http.send(this.url(), { method: "GET" }, TIMEOUT_SECONDS);
      const outcome = outcomeOf(receipt);
      if (outcome === "delivered") {
        this.sentAt = now;
        this.backoff.succeeded();
      } else {
        this.warn(`the heartbeat is answered with ${receipt.status}`);
        this.backoff.failed(now, receipt.retryAfterSeconds);
      }
      return outcome;
    } catch (error) {
      this.warn(`the heartbeat: ${errorText(error)}`);
      this.backoff.failed(now);
      return "failed";
    }
  }
}
