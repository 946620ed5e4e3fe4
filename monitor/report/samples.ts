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
    const isYoung = last !== undefined && now.monotonicSeconds - last.monotonicSeconds < least;
    if (isYoung && beforeLast !== undefined) return { ...beforeLast, services: servicesOf(last, beforeLast) };
    this.beforeLast = last;
    this.last = now;
    return last;
  }
}

/** Of a service that has started in between only the young sample tells. */
function servicesOf(last: Sampled, beforeLast: Sampled): Sampled["services"] {
  return last.services?.map((service) => {
    const older = beforeLast.services?.find(({ name }) => name === service.name);
    return older?.restarts === service.restarts && older.running?.cgroup === service.running?.cgroup
      ? older
      : service;
  });
}
