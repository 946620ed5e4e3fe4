const FIRST_SECONDS = 5;
const MOST_SECONDS = 60;

/** When to try again: twice as late each time, up to a minute, and a random part of it, so that hosts do not come all at once. */
export class Backoff {
  private failures = 0;
  private notBefore = 0;

  constructor(private readonly random: () => number = Math.random) {}

  isDue(now: number): boolean {
    return now >= this.notBefore;
  }

  succeeded(): void {
    this.failures = 0;
    this.notBefore = 0;
  }

  /** @param retryAfterSeconds what the receiver asks for; it is not asked sooner, and within an hour in any case */
  failed(now: number, retryAfterSeconds = 0): void {
    const most = Math.min(MOST_SECONDS, FIRST_SECONDS * 2 ** Math.min(this.failures, 20));
    this.failures += 1;
    const wait = Math.max(most * (0.5 + this.random() / 2), Math.min(retryAfterSeconds, 3600));
    this.notBefore = now + wait;
  }
}
