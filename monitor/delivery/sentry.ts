import { randomUUID } from "node:crypto";
import type { HttpSender } from "../host/http";
import type { QueuedEvent } from "./event-queue";
import { type Attempt, attemptOf } from "./outcome";
import type { SentryMessage } from "./sentry-envelope";
import type { Telling } from "./sink";

const TIMEOUT_SECONDS = 10;

/** Sentry, by its DSN. A retry has the event's id, by which Sentry knows that it has it. */
export class Sentry {
  constructor(
    private readonly dsn: () => string,
    private readonly environment: string,
    private readonly http: HttpSender,
  ) {}

  async tell(event: QueuedEvent, host: string): Promise<Attempt> {
    // What is loaded here, a host without Sentry need not have.
    const { sentryEvent } = await import("./sentry-envelope");
    return this.send(sentryEvent(this.dsn(), this.environment, host, event));
  }

  async checkIn({ host }: Telling, everySeconds: number): Promise<Attempt> {
    const { sentryCheckIn } = await import("./sentry-envelope");
    return this.send(sentryCheckIn(this.dsn(), this.environment, host, { id: randomUUID(), everySeconds }));
  }

  private async send({ url, body }: SentryMessage): Promise<Attempt> {
    const headers = { "content-type": "application/x-sentry-envelope" };
    return attemptOf(await this.http.send(url, { method: "POST", body, headers }, TIMEOUT_SECONDS));
  }
}
