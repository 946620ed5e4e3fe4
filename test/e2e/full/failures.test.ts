import { beforeAll, expect, it } from "vitest";
import { applyAll, bundleText, bundles } from "../support/bundles";
import { type StepResult, install, sample, stepLines, steps } from "../support/crash";
import { failureBundle, OWNERS_RICHER_MACHINE } from "../support/failure-bundles";
import { difference } from "../support/fingerprint";
import { LONG } from "../support/long";
import { goTo, machine } from "../support/machine";

const vm = machine();

/**
 * Each verb: what comes before its run, the run in which one step fails, and the run that must end what that one began.
 * They follow each other on one machine, whose every verb so begins on what the one before has healed.
 */
const VERBS = {
  apply: { before: [], run: "apply:v1", again: "apply:v1" },
  update: { before: ["edit"], run: "apply:v2", again: "apply:v2" },
  restore: { before: ["edit"], run: "restore", again: "restore" },
  repair: { before: ["edit"], run: "stored", again: "stored" },
  rollback: { before: ["edit"], run: "apply:bad", again: "apply:v2" },
  heal: { before: ["edit", "kill:60:apply:v1"], run: "stored", again: "stored" },
  remove: { before: ["edit"], run: "remove", again: "remove" },
} as const;
type Verb = keyof typeof VERBS;
const names = Object.keys(VERBS) as Verb[];

/** Points of each verb in `npm test`, spread over its steps; with GOBLIN_HOST_LONG all of them. */
const SAMPLE = 9;
/** GOBLIN_HOST_FAILURES=FROM-TO takes a part of the chains, "heal:17,remove:3" the one of these points. */
const ONLY = process.env["GOBLIN_HOST_FAILURES"];

/** A failure of these is an answer, and needs no warning: the run asks again, or has another way. */
const ABSORBED = [/^external flock /, /^external rmdir /, /^external swapon /];

const CLAIM = /^crash: (applied|removed|unchanged)/m;
/** What a failed run claims where it has put everything back. */
const ROLLED_BACK = /^error: bundle crash was rolled back;/m;

/** The machine before the bundle, which every removal must give back. */
let before: string[];

const told = (results: readonly StepResult[]): string =>
  results
    .filter(({ step }) => step !== "steps" && step !== "fingerprint")
    .map(({ step, status, milliseconds, output }) => `${step}: ${status} (${milliseconds} ms)\n${output}`)
    .join("\n");

beforeAll(async () => {
  await goTo(vm, "clean");
  await vm.run(OWNERS_RICHER_MACHINE);
  await applyAll(vm, [bundles.manager()]);
  await install(vm, {
    v1: bundleText(failureBundle(1)),
    v2: bundleText(failureBundle(2)),
    bad: bundleText(failureBundle("bad")),
  });
  const [prepared] = await steps(vm, ["fingerprint"]);
  before = prepared?.output.split("\n") ?? [];
  await vm.snapshot("failures");
});

it(
  "a command or a write that fails, in any verb: the run says so, nothing is lost, the next one ends it, and removal gives all back",
  { timeout: LONG ? 8 * 3600_000 : 1_800_000 },
  async () => {
    const counts = await countSteps();
    const points = Object.fromEntries(
      names.map((verb) => [
        verb,
        LONG ? Array.from({ length: counts[verb] }, (_, index) => index + 1) : sample(counts[verb], SAMPLE),
      ]),
    ) as Record<Verb, number[]>;
    const total = names.reduce((sum, verb) => sum + points[verb].length, 0);
    const each = names.map((verb) => `${verb} ${points[verb].length} of ${counts[verb]}`).join(", ");
    console.log(`${total} points where a command or a write fails: ${each}`);
    // One that is not survived says nothing of the others.
    const failures: string[] = [];
    for (const chain of chains(points)) {
      const started = Date.now();
      const failure = await expectSurvived(chain).then(
        () => undefined,
        (error: unknown) => String(error),
      );
      const took = Math.round((Date.now() - started) / 1000);
      if (LONG || failure !== undefined)
        console.log(`${spelled(chain)} in ${took} s: ${failure ?? "survived"}`);
      if (failure !== undefined) failures.push(failure);
    }
    expect(failures, failures[0]).toEqual([]);
  },
);

/** A point of each verb that has one left; undefined leaves its failure out. */
type Chain = Partial<Record<Verb, number>>;

const spelled = (chain: Chain): string =>
  Object.entries(chain)
    .map(([verb, point]) => `${verb}:${point}`)
    .join(",");

function chains(points: Readonly<Record<Verb, number[]>>): Chain[] {
  const most = Math.max(...names.map((verb) => points[verb].length));
  const all = Array.from({ length: most }, (_, index) =>
    Object.fromEntries(
      names.flatMap((verb) => (points[verb][index] === undefined ? [] : [[verb, points[verb][index]]])),
    ),
  );
  if (ONLY === undefined) return all;
  const part = /^(\d+)-(\d+)$/.exec(ONLY);
  if (part !== null) return all.slice(Number(part[1]), Number(part[2]));
  const named = ONLY.split(",").map((word) => word.split(":"));
  return [Object.fromEntries(named.map(([verb, point]) => [verb, Number(point)])) as Chain];
}

/** How many steps each verb takes when nothing fails. */
async function countSteps(): Promise<Record<Verb, number>> {
  await vm.reset("failures");
  const results = await steps(
    vm,
    names.flatMap((verb) => {
      const { before: preparation, run, again } = VERBS[verb];
      return [...preparation, `fail:0:${run}`, "steps", ...(again === run ? [] : [again])];
    }),
  );
  const counted = results.filter(({ step }) => step === "steps").map((step) => stepLines(step).length);
  for (const { step, status } of results)
    expect([step, status === 0], told(results)).toEqual([step, !/bad|kill/.test(step)]);
  return Object.fromEntries(names.map((verb, index) => [verb, counted[index] ?? 0])) as Record<Verb, number>;
}

/** One run of each verb, one after the other, each with one failed step, on a machine that is as before the bundle. */
async function expectSurvived(chain: Chain): Promise<void> {
  await vm.reset("failures");
  const parts = names.map((verb) => {
    const { before: preparation, run, again } = VERBS[verb];
    const point = chain[verb];
    const failed = point === undefined ? [] : [`fail:${point}:${run}`, "claim", "steps"];
    return [...preparation, ...failed, again, ...(again === "remove" ? [] : ["verify"])];
  });
  const results = await steps(vm, [...parts.flat(), "edited", "fingerprint"]);
  for (const [index, result] of results.entries()) {
    const { step, status, output } = result;
    const story = `GOBLIN_HOST_FAILURES=${spelled(chain)}\n${told(results.slice(0, index + 1))}`;
    if (step.startsWith("fail:")) expectTrue(result, results[index + 2], results[index + 1], story);
    else if (step.startsWith("kill:")) expect(status, story).not.toBe(0);
    else if (step === "edited") {
      const edits = results.filter((other) => other.step === "edit").length;
      expect(output.trim().split("\n"), story).toHaveLength(edits);
    } else if (step === "fingerprint") {
      // What the owner wrote into our files is kept there.
      const left = difference(before, output.split("\n"));
      expect(
        left.filter((line) => !line.includes("/var/lib/ai-resource-manager/displaced")),
        story,
      ).toEqual([]);
    } else if (step !== "claim") expect(status, story).toBe(0);
  }
}

/** A run with a failed step: it failed and says why, or that failure was none. What it claims is what is in force. */
function expectTrue(
  { step, status, output }: StepResult,
  taken: StepResult | undefined,
  verified: StepResult | undefined,
  story: string,
): void {
  const [, point] = step.split(":");
  const failedStep = taken === undefined ? undefined : stepLines(taken)[Number(point) - 1];
  const at = `${step}, ${failedStep ?? "not reached"}\n${story}`;
  if (status === 0) {
    if (failedStep !== undefined && !ABSORBED.some((pattern) => pattern.test(failedStep)))
      expect(output, at).toMatch(/^warning: /m);
    expect(verified?.status, at).toBe(0);
    return;
  }
  expect(output, at).toMatch(/^error: /m);
  // A repair goes on after what failed, and may yet bring all about.
  if (!step.endsWith(":stored")) expect(output, at).not.toMatch(CLAIM);
  else if (CLAIM.test(output)) expect(verified?.status, at).toBe(0);
  if (ROLLED_BACK.test(output)) expect(verified?.output, at).not.toMatch(/interrupted|pending/);
}
