import { expect } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { applyAll, bundleText, bundles } from "./bundles";
import { type StepResult, install, killPoints, sample, stepLines, steps } from "./crash";
import { crashBundle, OWNERS_MACHINE } from "./crash-bundles";
import { difference, fingerprint } from "./fingerprint";
import { LONG } from "./long";
import { bootOwnAs, endOwn, SWEEP_SIZE } from "./machine";

/** Where a long sweep that found something goes on. */
const FROM = Number(process.env["GOBLIN_HOST_CRASH_FROM"] ?? 0);

/** What the steps did, for the message of whatever fails. */
export const told = (results: readonly StepResult[]): string =>
  results.map(({ step, status, output }) => `${step}: ${status}\n${output}`).join("\n");

/** Kills at step k of each kind of run; undefined leaves that kind out. */
interface Kills {
  readonly first?: number | undefined;
  readonly update?: number | undefined;
  readonly removal?: number | undefined;
}

const killed = (k: number | undefined, run: string, look: string): string[] =>
  k === undefined ? [] : [`kill:${k}:${run}`, "interrupted", look];

/** What the operator does after a kill: the same again, the opposite, or one after the other in turn. */
export type Direction = "again" | "opposite" | "both";

/** Kills runs of the bundle `crash`, in a VM of its own. */
export class CrashSweep {
  private constructor(
    readonly vm: Vm,
    /** The machine before the manager itself; only for a long sweep. */
    readonly bare: readonly string[],
    /** The machine before the bundle, which every removal must give back. */
    readonly prepared: readonly string[],
    /** The same as the guest's own script says it. */
    private readonly before: readonly string[],
  ) {}

  static boot(name: string): Promise<CrashSweep> {
    return bootOwnAs(name, SWEEP_SIZE, (vm) => CrashSweep.on(vm));
  }

  private static async on(vm: Vm): Promise<CrashSweep> {
    await vm.run(OWNERS_MACHINE);
    const bare = LONG ? await fingerprint(vm) : [];
    await applyAll(vm, [bundles.manager()]);
    await install(vm, {
      v1: bundleText(crashBundle(1)),
      v2: bundleText(crashBundle(2)),
      package: bundleText(crashBundle(1, ["bc"])),
    });
    const [shown] = await steps(vm, ["fingerprint"]);
    const sweep = new CrashSweep(vm, bare, await fingerprint(vm), shown?.output.split("\n") ?? []);
    await vm.snapshot("crash");
    return sweep;
  }

  async end(): Promise<void> {
    await endOwn(this.vm);
  }

  /** Back to where each story begins. */
  async reset(): Promise<void> {
    await this.vm.reset("crash");
  }

  /**
   * Runs steps in the guest and judges each: whole runs succeed, after a killed one `verify` and `status` say that it
   * was interrupted if it was, and nothing is left of what a `fingerprint` shows.
   */
  async expectHealed(...names: readonly string[]): Promise<StepResult[]> {
    const results = await steps(this.vm, names);
    expect(results.map(({ step }) => step)).toEqual(names);
    let interrupted = false;
    for (const [index, { step, status, output }] of results.entries()) {
      const story = told(
        results.slice(0, index + 1).filter((result) => !/^(steps|fingerprint)/.test(result.step)),
      );
      switch (step.split(":")[0]) {
        case "apply":
        case "remove":
          expect(status, story).toBe(0);
          interrupted = false;
          break;
        case "kill":
          expect(status, story).not.toBe(0);
          break;
        case "interrupted":
          interrupted = output.trim() !== "";
          break;
        case "verify":
          expect(status, story).toBe(interrupted ? 3 : 0);
          if (interrupted)
            expect(output, story).toContain("crash: crash apply: declared complete, kernel interrupted");
          break;
        case "status":
          expect(JSON.parse(output), story).toMatchObject({ interrupted: interrupted ? ["crash"] : [] });
          break;
        case "fingerprint":
          expect(difference(this.before, output.split("\n")), story).toEqual([]);
      }
    }
    return results;
  }

  /** Kills each kind of run at steps spread over it; with GOBLIN_HOST_LONG at every step. */
  async killAtSteps(direction: Direction): Promise<void> {
    const counted = await steps(this.vm, [
      ...["kill:0:apply:v1", "steps", "verify", "kill:0:apply:v2", "steps", "verify"],
      ...["kill:0:remove", "steps", "fingerprint"],
    ]);
    expect(
      counted.map(({ status }) => status),
      told(counted),
    ).toEqual(counted.map(() => 0));
    const taken = counted.filter(({ step }) => step === "steps").map(stepLines);
    const [first = [], update = [], removal = []] = taken;
    const external = (lines: readonly string[]): number =>
      lines.filter((line) => line.startsWith("external ")).length;
    console.log(
      `first apply: ${external(first)} external commands and ${first.length - external(first)} writes; ` +
        `update: ${external(update)} and ${update.length - external(update)}; ` +
        `remove: ${external(removal)} and ${removal.length - external(removal)}`,
    );
    const points = (lines: readonly string[], size: number): number[] =>
      LONG ? killPoints(lines) : sample(lines.length, size);
    const [firsts, updates, removals] = [points(first, 3), points(update, 2), points(removal, 1)];
    for (let index = FROM; index < Math.max(firsts.length, updates.length, removals.length); index++) {
      const same = index % 2 === 0;
      if (direction !== "both" && same !== (direction === "again")) continue;
      const kills = { first: firsts[index], update: updates[index] };
      if (same) await this.again({ ...kills, removal: removals[LONG ? index : index / 2] });
      else await this.opposite({ ...kills, removal: LONG ? removals[index] : undefined });
      if (LONG) console.log(`${new Date().toISOString()} point ${index}: killed at ${JSON.stringify(kills)}`);
    }
  }

  /** After each kill the operator runs the same again. */
  private async again({ first, update, removal }: Kills): Promise<void> {
    await this.expectHealed(
      ...killed(first, "apply:v1", "verify"),
      ...["apply:v1", "verify"],
      ...killed(update, "apply:v2", "status"),
      ...(update === undefined ? [] : ["apply:v2", "verify"]),
      ...killed(removal, "remove", "verify"),
      ...["remove", "fingerprint"],
    );
  }

  /** After each kill the operator does the opposite. */
  private async opposite({ first, update, removal }: Kills): Promise<void> {
    if (first !== undefined)
      await this.expectHealed(...killed(first, "apply:v1", "status"), "remove", "fingerprint");
    if (update !== undefined)
      await this.expectHealed("apply:v1", ...killed(update, "apply:v2", "verify"), "remove", "fingerprint");
    if (removal !== undefined)
      await this.expectHealed(
        "apply:v1",
        ...killed(removal, "remove", "status"),
        "apply:v1",
        "verify",
        "remove",
        "fingerprint",
      );
  }
}
