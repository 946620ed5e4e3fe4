import { beforeAll, describe, expect } from "vitest";
import { applyAll, bundleText, bundles } from "../support/bundles";
import { type StepResult, install, sample, stepLines, steps } from "../support/crash";
import { failureBundle, OWNERS_RICHER_MACHINE } from "../support/failure-bundles";
import { difference } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { goTo, machine, SMALL_SIZE } from "../support/machine";

const vm = machine(SMALL_SIZE);

/** How many points of each verb are tried, spread over all of its steps; all of them with GOBLIN_HOST_FAILURES=all. */
const SIZE = process.env["GOBLIN_HOST_FAILURES"] ?? "12";

/**
 * Each verb: what comes before its run, the run, and the same run again, which must end what the first began. The machine
 * is then left for the next verb's preparation.
 */
const VERBS = {
  apply: { before: [], run: "apply:v1", again: "apply:v1" },
  update: { before: ["apply:v1", "edit"], run: "apply:v2", again: "apply:v2" },
  repair: { before: ["apply:v1", "edit"], run: "stored", again: "stored" },
  restore: { before: ["apply:v1", "apply:v2"], run: "restore", again: "restore" },
  rollback: { before: ["apply:v1", "edit"], run: "apply:bad", again: "apply:v2" },
  heal: { before: ["apply:v1", "kill:60:apply:v2"], run: "stored", again: "stored" },
  remove: { before: ["apply:v1", "edit"], run: "remove", again: "remove" },
} as const;

/** A failure of these is an answer: the run asks again, does without, or has another way. */
const ABSORBED = [/^external flock /, /^external rmdir /, /^external (diff|cmp) /, /^external swapon /];

/** The machine before the bundle, which every removal must give back. */
let before: string[];

const told = (results: readonly StepResult[]): string =>
  results.map(({ step, status, output }) => `${step}: ${status}\n${output}`).join("\n");

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

describe("a command or a write that fails", () => {
  for (const [name, { before: preparation, run, again }] of Object.entries(VERBS)) {
    itInLong(
      `in ${name}: the run says so, nothing is lost, and the next one ends it`,
      { timeout: 4 * 3600_000 },
      async () => {
        await vm.reset("failures");
        const counted = await steps(vm, [...preparation, `fail:0:${run}`, "steps", "remove", "fingerprint"]);
        const lines = stepLines(
          counted.find(({ step }) => step === "steps") ?? {
            step: "",
            status: 0,
            milliseconds: 0,
            output: "",
          },
        );
        expect(lines.length, told(counted)).toBeGreaterThan(20);
        const points =
          SIZE === "all" ? lines.map((_, index) => index + 1) : sample(lines.length, Number(SIZE));
        console.log(`${name}: ${lines.length} points, ${points.length} tried`);
        for (const point of points) await expectSurvived(name, preparation, run, again, point);
      },
    );
  }
});

/** One failed step of one verb, on a machine that is as before it. */
async function expectSurvived(
  name: string,
  preparation: readonly string[],
  run: string,
  again: string,
  point: number,
): Promise<void> {
  const edited = preparation.includes("edit");
  const results = await steps(vm, [
    ...preparation,
    `fail:${point}:${run}`,
    "steps",
    ...(again === "remove" ? [] : [again, "verify"]),
    "remove",
    ...(edited ? ["edited"] : []),
    "fingerprint",
  ]);
  const at = results.findIndex(({ step }) => step.startsWith("fail:"));
  const failed = results[at];
  const failedStep = stepLines(results[at + 1] ?? { step: "", status: 0, milliseconds: 0, output: "" })[
    point - 1
  ];
  const story = `${name}, step ${point}: ${failedStep ?? "not reached"}\n${told(results.filter(({ step }) => step !== "steps" && step !== "fingerprint"))}`;
  if (failedStep !== undefined) {
    if (failed?.status === 0) {
      expect(
        ABSORBED.some((pattern) => pattern.test(failedStep)),
        story,
      ).toBe(true);
    } else {
      expect(failed?.output, story).toMatch(/^(error|warning): /m);
      expect(failed?.output, story).not.toMatch(/^crash: (applied|removed|unchanged)/m);
    }
  }
  for (const { step, status, output } of results.slice(at + 2)) {
    if (step === "fingerprint") expect(difference(before, output.split("\n")), story).toEqual([]);
    else expect(status, story).toBe(0);
  }
}
