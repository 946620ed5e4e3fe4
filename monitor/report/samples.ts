import type { Sampled } from "./snapshot";

/** Less than that is too few of the kernel's ticks to tell a part of the time from. */
const LEAST_SECONDS = 5;

/**
 * Which earlier sample a new one is compared with. Somebody may ask for a collection a moment after the last: over
 * milliseconds CPU and waiting are all or nothing, and would raise and clear what holds over an interval.
 */
export class Samples {
  private last: Sampled | undefined;
  private beforeLast: Sampled | undefined;

  /** The first one. */
  begin(sample: Sampled): void {
    this.last = sample;
    this.beforeLast = undefined;
  }

  /** Undefined for the very first. */
  before(now: Sampled, intervalSeconds: number): Sampled | undefined {
    const { last, beforeLast } = this;
    const least = Math.min(LEAST_SECONDS, intervalSeconds / 2);
    if (
      last !== undefined &&
      now.monotonicSeconds - last.monotonicSeconds < least &&
      beforeLast !== undefined
    )
      return beforeLast;
    this.beforeLast = last;
    this.last = now;
    return last;
  }
}
