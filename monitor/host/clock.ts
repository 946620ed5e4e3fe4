/** Two clocks: the time of day, which people set, and one that only ever goes forward. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Seconds, monotonic; comparable within one boot, between processes too (CLOCK_MONOTONIC). */
  readonly monotonic: () => number;
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  monotonic: () => Number(process.hrtime.bigint()) / 1e9,
};
