import { afterAll, beforeAll, it } from "vitest";
import { CrashSweep } from "../support/crash-sweep";
import { describeInLong } from "../support/long";

// The other half of test/e2e/full/crash.test.ts.
describeInLong("a run that is killed", () => {
  let sweep: CrashSweep;

  beforeAll(async () => {
    sweep = await CrashSweep.boot("crash-opposite");
  });

  afterAll(() => sweep.end());

  it("at every step of apply and remove is healed by the opposite", { timeout: 4 * 3600_000 }, () =>
    sweep.killAtSteps("opposite"),
  );
});
