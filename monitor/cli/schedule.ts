import type { Clock } from "../host/clock";

/**
 * Runs a task at once and then at every interval, counted from the start by the monotonic clock: a task that takes
 * long does not shift the ones after it, and an interval that passed without one is told as missed. Two runs never
 * overlap.
 */
export class Schedule {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private queued: Promise<void> | undefined;
  private startedAt = 0;
  private tick = 0;
  private stopped = false;

  constructor(
    private readonly intervalSeconds: number,
    private readonly clock: Clock,
    private readonly task: () => Promise<void>,
    private readonly onMissed: (intervals: number) => void,
  ) {}

  start(): void {
    this.startedAt = this.clock.monotonic();
    this.beat();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Runs the task outside of its turn: after the run in progress, and once for all who ask meanwhile. */
  now(): Promise<void> {
    if (this.running === undefined) return this.run();
    this.queued ??= this.running.then(() => {
      this.queued = undefined;
      return this.run();
    });
    return this.queued;
  }

  private beat(): void {
    const ended = this.running === undefined ? this.run() : this.running;
    void ended.then(() => {
      if (this.stopped) return;
      const passed = this.clock.monotonic() - this.startedAt;
      const next = Math.floor(passed / this.intervalSeconds) + 1;
      if (next > this.tick + 1) this.onMissed(next - this.tick - 1);
      this.tick = next;
      this.timer = setTimeout(
        () => {
          this.beat();
        },
        Math.max(0, (next * this.intervalSeconds - passed) * 1000),
      );
    });
  }

  private run(): Promise<void> {
    const run = this.task().finally(() => {
      if (this.running === run) this.running = undefined;
    });
    this.running = run;
    return run;
  }
}
