import { expect } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { applyAll, bundleText, bundles } from "./bundles";
import { type StepResult, install, stepLines, steps } from "./crash";
import { failureBundle, OWNERS_RICHER_MACHINE } from "./failure-bundles";
import { type FailingVerb, chosenPoints, commonPrefix, pointsOf } from "./failure-points";
import { difference } from "./fingerprint";
import { LONG } from "./long";
import { bootOwnAs, endOwn, SWEEP_SIZE } from "./machine";

/**
 * In this order each verb starts where the one before leads to. A rollback fails like the update that it goes back from:
 * its steps count from the first that is not that one's, on the same machine (a snapshot).
 */
const VERBS = {
  apply: { way: [], run: "apply:v1", again: ["apply:v1"] },
  update: { way: ["apply:v1", "state", "edit"], run: "apply:v2", again: ["apply:v2"] },
  rollback: { way: [], run: "apply:bad", again: ["stored", "stored", "stored", "apply:v2"], like: "update" },
  restore: { way: ["apply:v2", "state", "edit"], run: "restore", again: ["restore"] },
  repair: { way: ["restore", "state", "edit"], run: "stored", again: ["stored"] },
  heal: { way: ["stored", "apply:v2", "edit", "kill:60:apply:v1"], run: "stored", again: ["stored"] },
  remove: { way: ["stored", "state", "edit"], run: "remove", again: ["remove"] },
} satisfies Record<string, FailingVerb>;
export type VerbName = keyof typeof VERBS;
const VERB_NAMES = Object.keys(VERBS) as VerbName[];

/** Points of each verb in `npm test`, spread over its steps; with GOBLIN_HOST_LONG all of them. */
const SAMPLE = 9;
/** So many failures in a row may leave the machine as it was before it is put back to its snapshot all the same. */
const IN_A_ROW = 20;

/** A failure of these is an answer, and needs no warning: the run asks again, or has another way. */
const ABSORBED = [
  /^external flock /,
  /^external rmdir /,
  /^external swapon /,
  // Asked of each unit by itself, then.
  /^external systemctl is-enabled -- "\$@"/,
  // One of three looks after a start, and the verification looks again.
  /^external systemctl show --property="\$RUN_PROPERTIES" /,
  // The service's own check, which is asked again.
  /^external timeout 30 /,
];

const CLAIM = /^crash: (applied|removed|unchanged)/m;
/** What a failed run claims where it has put everything back. */
const ROLLED_BACK = /^error: bundle crash was rolled back;/m;

const told = (results: readonly StepResult[]): string =>
  results
    .filter(({ step }) => !["steps", "state", "fingerprint"].includes(step))
    .map(({ step, status, milliseconds, output }) => `${step}: ${status} (${milliseconds} ms)\n${output}`)
    .join("\n");

const linesOf = ({ output }: StepResult): string[] => output.split("\n").filter((line) => line !== "");

function only(results: readonly StepResult[], step: string): StepResult {
  const result = results.findLast((other) => other.step === step);
  if (result === undefined) throw new Error(`no ${step} was run`);
  return result;
}

/** Where each run of a verb starts, and where it leads to. The machine is put back there by the snapshot "failures-start". */
interface Start {
  readonly name: string;
  readonly verb: FailingVerb;
  /** Its steps when nothing fails. */
  readonly lines: readonly string[];
  readonly state: readonly string[];
  /** The same without the owner's edit, which a run that was rolled back has put aside. */
  readonly unedited: readonly string[] | undefined;
  /** What a run that nothing happened to leads to, by the run after it. All of it holds, and its removal gives all back. */
  readonly ends: ReadonlyMap<string, readonly string[]>;
  /** Edits of the owner's until here. */
  readonly edits: number;
}

const editsOn = ({ way }: FailingVerb): number => way.filter((step) => step === "edit").length;

/** The machine as a point leaves it: as it was, as it was without the owner's edit, or otherwise. */
type Left = "start" | "unedited" | "other";
const LEFT: Readonly<Record<Left, string>> = {
  start: "as it was",
  unedited: "as it was, the edit put aside",
  other: "ended by the next run",
};

const secondsSince = (time: number): number => Math.round((Date.now() - time) / 100) / 10;

function leftAs({ state, unedited }: Start, now: readonly string[]): Left {
  if (difference(state, now).length === 0) return "start";
  return unedited !== undefined && difference(unedited, now).length === 0 ? "unedited" : "other";
}

/** Without the number of a version (a run that failed may have taken one), and the time in the name of a unit file's copy. */
const comparable = (state: readonly string[]): string[] =>
  state
    .filter((line) => !/^store .*zz-goblin\.conf(\.copy)?$/.test(line))
    .map((line) => line.replaceAll(/crash@\d+/g, "crash@N").replaceAll(/\.backup\.\d+T\d+/g, ".backup.T"));

/** A run with a failed step: it failed and says why, or that failure was none and it is warned of. */
function expectTold({ step, status, output }: StepResult, failedStep: string, at: string): void {
  if (status === 0) {
    if (!ABSORBED.some((pattern) => pattern.test(failedStep))) expect(output, at).toMatch(/^warning: /m);
    return;
  }
  expect(output, at).toMatch(/^error: /m);
  // A repair goes on after what failed, and may yet bring all about.
  if (!step.endsWith(":stored")) expect(output, at).not.toMatch(CLAIM);
}

/** What it claims is what is in force. */
function expectClaimed({ status, output }: StepResult, verified: StepResult | undefined, at: string): void {
  if (status === 0 || CLAIM.test(output)) expect(verified?.status, at).toBe(0);
  if (status !== 0 && ROLLED_BACK.test(output))
    expect(verified?.output, at).not.toMatch(/interrupted|pending/);
}

/** Each line that the owner wrote into our files is there or kept. */
function expectEdits(results: readonly StepResult[], edits: number, at: string): void {
  expect(linesOf(only(results, "edited")), at).toHaveLength(edits);
}

/** Lets each step of verbs fail, one at a time, on one machine. */
export class FailureSweep {
  /** The machine before the bundle, which every removal must give back. */
  private before: readonly string[] = [];

  private constructor(
    private readonly vm: Vm,
    private readonly verbs: readonly VerbName[],
  ) {}

  /** The owner's machine, with the manager alone, in a VM of the sweep's own. */
  static boot(verbs: readonly [VerbName, ...VerbName[]]): Promise<FailureSweep> {
    return bootOwnAs(`failures-${verbs[0]}`, SWEEP_SIZE, async (vm) => {
      const sweep = new FailureSweep(vm, verbs);
      await sweep.setUp();
      return sweep;
    });
  }

  async end(): Promise<void> {
    await endOwn(this.vm);
  }

  private async setUp(): Promise<void> {
    await this.vm.run(OWNERS_RICHER_MACHINE);
    await applyAll(this.vm, [bundles.manager()]);
    await install(this.vm, {
      v1: bundleText(failureBundle(1)),
      v2: bundleText(failureBundle(2)),
      bad: bundleText(failureBundle("bad")),
    });
    this.before = linesOf(only(await steps(this.vm, ["fingerprint"]), "fingerprint"));
    await this.vm.snapshot("failures");
  }

  /** What was not survived of its verbs, in words. The others are gone through only as the way to them. */
  async run(): Promise<string[]> {
    // One that is not survived says nothing of the others.
    const failures: string[] = [];
    const counted = new Map<string, readonly string[]>();
    await this.vm.reset("failures");
    let edits = 0;
    for (const name of VERB_NAMES) {
      const verb: FailingVerb = VERBS[name];
      const chosen = this.verbs.includes(name) ? chosenPoints(name) : [];
      if (chosen?.length === 0) {
        await steps(this.vm, verb.way);
        edits += editsOn(verb);
        continue;
      }
      const start = await this.prepare(name, verb, edits);
      edits = start.edits;
      counted.set(name, start.lines);
      const known = verb.like === undefined ? 0 : commonPrefix(start.lines, counted.get(verb.like) ?? []);
      const points = pointsOf(start.lines.length, known, LONG ? undefined : SAMPLE, chosen);
      const same = known === 0 ? "" : `, the first ${known} as in ${verb.like ?? ""}`;
      console.log(`${name}: ${points.length} points of ${start.lines.length}${same}`);
      failures.push(...(await this.sweep(start, points)));
      await this.vm.reset("failures-start");
    }
    return failures;
  }

  /** Goes the verb's way, and once through it. */
  private async prepare(name: string, verb: FailingVerb, editsBefore: number): Promise<Start> {
    const results = await steps(this.vm, [...verb.way, "state"]);
    for (const { step, status } of results)
      expect([step, status === 0], told(results)).toEqual([step, !step.startsWith("kill:")]);
    const edits = editsBefore + editsOn(verb);
    await this.vm.snapshot("failures-start");
    let lines: readonly string[] = [];
    const ends = new Map<string, readonly string[]>();
    for (const again of new Set(verb.again)) {
      if (ends.size > 0) await this.vm.reset("failures-start");
      const through = await this.goThrough(name, verb.run, again, edits);
      lines = through.lines;
      ends.set(again, through.end);
    }
    // What each command is need not be found out again.
    const kinds = await this.vm.run("base64 /run/goblin-crash/kinds");
    await this.vm.reset("failures-start");
    await this.vm.run("base64 -d >/run/goblin-crash/kinds", { stdin: kinds });
    await this.vm.snapshot("failures-start");
    const states = results.filter(({ step }) => step === "state").map(linesOf);
    return {
      name,
      verb,
      lines,
      state: states.at(-1) ?? [],
      unedited: states.length > 1 ? states[0] : undefined,
      ends,
      edits,
    };
  }

  /** Once, with nothing that fails: the steps, and the state after it. */
  private async goThrough(
    name: string,
    run: string,
    again: string,
    edits: number,
  ): Promise<{ lines: readonly string[]; end: readonly string[] }> {
    const through = await steps(this.vm, [
      `fail:0:${run}`,
      "steps",
      ...(again === run ? [] : [again]),
      ...(again === "remove" ? [] : ["verify"]),
      "state",
    ]);
    const removed = await steps(this.vm, ["remove", "edited", "fingerprint"]);
    for (const { step, status } of [...through, ...removed])
      expect([step, status === 0], told([...through, ...removed])).toEqual([step, !step.endsWith(":bad")]);
    this.expectGivenBack(removed, edits, `${name}\n${told(removed)}`);
    return { lines: stepLines(only(through, "steps")), end: linesOf(only(through, "state")) };
  }

  /** Each point in turn; what was not survived. */
  private async sweep(start: Start, points: readonly number[]): Promise<string[]> {
    const failures: string[] = [];
    let left: Left = "start";
    let edits = start.edits;
    let inARow = 0;
    const began = Date.now();
    const leftSo: Record<Left, number> = { start: 0, unedited: 0, other: 0 };
    for (const point of points) {
      if (left === "other" || inARow === IN_A_ROW) {
        await this.vm.reset("failures-start");
        [left, edits, inARow] = ["start", start.edits, 0];
      }
      if (left === "unedited") edits += 1;
      const from: Left = left;
      const pointBegan = Date.now();
      try {
        left = await this.expectSurvived(start, point, from, edits);
        inARow += 1;
        if (left !== "other" && (inARow === IN_A_ROW || point === points.at(-1)))
          await this.expectRemoved(start, point, edits);
        leftSo[left] += 1;
        if (LONG)
          console.log(`${start.name}:${point} in ${secondsSince(pointBegan)} s: survived (${LEFT[left]})`);
      } catch (error) {
        left = "other";
        console.log(`${start.name}:${point} in ${secondsSince(pointBegan)} s: ${String(error)}`);
        failures.push(String(error));
      }
    }
    console.log(`${start.name}: ${JSON.stringify(leftSo)} in ${secondsSince(began)} s`);
    return failures;
  }

  /**
   * A run whose step fails, and the next one, which ends what that one began. Where it left the machine as it was, that one
   * has nothing to end: it would do what it did when nothing failed.
   */
  private async expectSurvived(start: Start, point: number, from: Left, edits: number): Promise<Left> {
    const { run } = start.verb;
    const again = start.verb.again[point % start.verb.again.length] ?? run;
    const failing = [`fail:${point}:${run}`, `step:${point}`, "state", "edited"];
    const first = await steps(this.vm, [...(from === "unedited" ? ["edit"] : []), ...failing]);
    const story = `GOBLIN_HOST_FAILURES=${start.name}:${point}\n`;
    const failed = only(first, `fail:${point}:${run}`);
    const step = only(first, `step:${point}`).output.trim();
    const at = `${failed.step}, ${step === "" ? "not reached" : step}\n${story}${told(first)}`;
    expect(step, at).toBe(start.lines[point - 1]);
    expectTold(failed, step, at);
    expectEdits(first, edits, at);
    const state = linesOf(only(first, "state"));
    const left = leftAs(start, state);
    if (left !== "other" && failed.status !== 0 && !CLAIM.test(failed.output)) return left;

    const claims = failed.status === 0 || CLAIM.test(failed.output) || ROLLED_BACK.test(failed.output);
    const second = await steps(this.vm, [
      ...(claims ? ["verify"] : []),
      again,
      ...(again === "remove" ? [] : ["verify"]),
      "state",
      "edited",
    ]);
    const both = `${at}${told(second)}`;
    if (claims) expectClaimed(failed, second[0], both);
    for (const { step: done, status } of second.slice(claims ? 1 : 0))
      expect([done, status], both).toEqual([done, 0]);
    expectEdits(second, edits, both);
    // Another state than without a failure may be as good, if all that the removal gives back is there.
    const otherwise = difference(
      comparable(start.ends.get(again) ?? []),
      comparable(linesOf(only(second, "state"))),
    );
    if (otherwise.length === 0) return "other";
    if (LONG) console.log(`${start.name}:${point} leads elsewhere:\n${otherwise.join("\n")}`);
    await this.expectRemoved(start, point, edits, both);
    return "other";
  }

  private async expectRemoved(start: Start, point: number, edits: number, story = ""): Promise<void> {
    const results = await steps(this.vm, ["remove", "edited", "fingerprint"]);
    const at = `GOBLIN_HOST_FAILURES=${start.name}:${point}, then its removal\n${story}${told(results)}`;
    expect(only(results, "remove").status, at).toBe(0);
    this.expectGivenBack(results, edits, at);
  }

  /** After a removal: all is as before the bundle, but for what is kept of the owner's edits. */
  private expectGivenBack(results: readonly StepResult[], edits: number, at: string): void {
    expectEdits(results, edits, at);
    const left = difference(this.before, linesOf(only(results, "fingerprint")));
    expect(
      left.filter((line) => !line.includes("/var/lib/ai-resource-manager/displaced")),
      at,
    ).toEqual([]);
  }
}
