import type { EngineEvent } from "./engine";

/** How long the steps of an engine's run take, by what its events say: those that are not done yet, and those that are. */
export class StepTimes {
  private readonly started = Date.now();
  private readonly running = new Map<string, number>();
  private readonly ended: { what: string; milliseconds: number }[] = [];

  /** @returns how long the step took that this event ends */
  observe(event: EngineEvent): number | undefined {
    if (event.type === "start" && event.op !== "same")
      this.running.set(`${event.op} ${event.name}`, Date.now());
    if (event.type !== "step") return undefined;
    const what = `${event.step.op} ${event.step.name}`;
    const started = this.running.get(what);
    this.running.delete(what);
    if (started === undefined) return undefined;
    const milliseconds = Date.now() - started;
    this.ended.push({ what, milliseconds });
    return milliseconds;
  }

  /** What is being done now. */
  get now(): string[] {
    return [...this.running.keys()];
  }

  /** "in 210 s, of which create swap-bundle-apply 90 s, ...": the longest steps. */
  get inShort(): string {
    const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;
    const longest = this.ended.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, 6);
    const of = longest.map(({ what, milliseconds }) => `${what} ${seconds(milliseconds)}`);
    return [`in ${seconds(Date.now() - this.started)}`, ...(of.length === 0 ? [] : [of.join(", ")])].join(
      ", of which ",
    );
  }
}
