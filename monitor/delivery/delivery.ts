import type { Outcome } from "./outcome";
import type { Sink, Telling } from "./sink";

/** What became of what was told, by sink. */
export interface SinkCounts {
  readonly sink: string;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly waiting: number;
  readonly dropped: number;
}

/** So many messages of one sink go out after one collection; the rest after the next. */
const MOST_AT_ONCE = 50;

/** Tells all sinks, beside the collections: none is waited for, and one that hangs holds up itself alone. */
export class Delivery {
  private readonly counts = new Map<string, Record<Outcome, number>>();
  private readonly busy = new Set<Sink>();

  constructor(
    private readonly sinks: readonly Sink[],
    private readonly now: () => number,
  ) {
    for (const { name } of sinks) this.counts.set(name, { delivered: 0, sent: 0, failed: 0, refused: 0 });
  }

  /** @returns what settles when all that is due has been tried; nobody needs to wait for it */
  tell(telling: Telling): Promise<void> {
    for (const sink of this.sinks) sink.note(telling);
    return Promise.all(this.sinks.map((sink) => this.pump(sink))).then(() => undefined);
  }

  get report(): SinkCounts[] {
    return this.sinks.map(({ name, waiting, dropped }) => ({
      sink: name,
      outcomes: { ...(this.counts.get(name) as Record<Outcome, number>) },
      waiting,
      dropped,
    }));
  }

  private async pump(sink: Sink): Promise<void> {
    if (this.busy.has(sink)) return;
    this.busy.add(sink);
    try {
      for (let count = 0; count < MOST_AT_ONCE; count++) {
        const outcome = await sink.deliver(this.now());
        if (outcome === undefined) return;
        const counts = this.counts.get(sink.name);
        if (counts !== undefined) counts[outcome] += 1;
        if (outcome === "failed") return;
      }
    } finally {
      this.busy.delete(sink);
    }
  }
}
