import { afterAll, beforeAll } from "vitest";
import { CrashSweep } from "../support/crash-sweep";
import { itInLong, LONG } from "../support/long";

let sweep: CrashSweep | undefined;

beforeAll(async () => {
  if (LONG) sweep = await CrashSweep.boot("crash-opposite");
});

afterAll(() => sweep?.end());

// The other half of test/e2e/full/crash.test.ts.
itInLong(
  "a run that is killed at every step of apply and remove is healed by the opposite",
  { timeout: 4 * 3600_000 },
  () => sweep?.killAtSteps("opposite"),
);
