import type { CollectorResult } from "../report/snapshot";

/** Collections in a row after which a failure is none that passes. */
const IN_A_ROW = 3;

/** How often in a row each collector has failed. */
export class CollectorFailures {
  private counts = new Map<string, number>();

  count(results: readonly CollectorResult[]): void {
    const failed = results.filter(({ state }) => state === "failed");
    this.counts = new Map(failed.map(({ name }) => [name, (this.counts.get(name) ?? 0) + 1]));
  }

  /** Whether it goes on failing; undefined while one that has just failed may, or may not. */
  lasts(name: string): boolean | undefined {
    const count = this.counts.get(name) ?? 0;
    return count === 0 ? false : count >= IN_A_ROW ? true : undefined;
  }
}
