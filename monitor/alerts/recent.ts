/** What happened in a moment is told for so long: people look later. */
export const RECENT_SECONDS = 600;

interface Counter {
  last: number;
  /** At a time of the monotonic clock. */
  readonly steps: { readonly at: number; readonly by: number }[];
}

export type RecentState = Readonly<Record<string, Counter>>;

/** By how much counters have grown of late. */
export class Recent {
  private readonly counters = new Map<string, Counter>();

  /** Forgets what is counted no more: what it would be when it comes back is not of late. */
  keep(names: readonly string[]): void {
    const kept = new Set(names);
    for (const name of this.counters.keys()) if (!kept.has(name)) this.counters.delete(name);
  }

  /**
   * @param value undefined is not known now, and changes nothing. The first one is where counting begins; a smaller one than
   * the last belongs to a counter that began anew, at 0.
   * @returns undefined before the first value
   */
  grown(name: string, value: number | undefined, now: number): number | undefined {
    const counter = this.counters.get(name);
    if (counter === undefined) {
      if (value === undefined) return undefined;
      this.counters.set(name, { last: value, steps: [] });
      return 0;
    }
    if (value !== undefined) {
      const by = value < counter.last ? value : value - counter.last;
      if (by > 0) counter.steps.push({ at: now, by });
      counter.last = value;
    }
    while (counter.steps[0] !== undefined && now - counter.steps[0].at > RECENT_SECONDS)
      counter.steps.shift();
    return counter.steps.reduce((sum, { by }) => sum + by, 0);
  }

  get remembered(): RecentState {
    return Object.fromEntries(this.counters);
  }

  restore(state: RecentState): void {
    for (const [name, counter] of Object.entries(state)) this.counters.set(name, counter);
  }
}
