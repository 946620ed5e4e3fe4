import { blindOf, type CollectorResult } from "../report/snapshot";

/** Collections in a row after which a failure is none that passes. */
const IN_A_ROW = 3;

/** How often in a row each collector has failed. */
export class CollectorFailures {
  private counts = new Map<string, number>();
  private failed: readonly CollectorResult[] = [];

  count(results: readonly CollectorResult[]): void {
    this.failed = results.filter(({ state }) => state === "failed");
    this.counts = new Map(this.failed.map(({ name }) => [name, (this.counts.get(name) ?? 0) + 1]));
  }

  /** Those that go on failing. */
  get lasting(): readonly CollectorResult[] {
    return this.failed.filter(({ name }) => (this.counts.get(name) ?? 0) >= IN_A_ROW);
  }

  /** How many do; undefined while one that has just failed may, or may not. */
  get value(): number | undefined {
    const { length } = this.lasting;
    return length === 0 && this.failed.length > 0 ? undefined : length;
  }

  /** Whether what every host has is among them. */
  get isBlind(): boolean {
    return blindOf(this.lasting).length > 0;
  }
}
