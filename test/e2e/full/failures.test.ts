import { afterAll, beforeAll, expect, it } from "vitest";
import { FailureSweep } from "../support/failure-sweep";
import { LONG } from "../support/long";

let sweep: FailureSweep;

beforeAll(async () => {
  sweep = await FailureSweep.boot(["apply", "update", "rollback"]);
});

afterAll(() => sweep.end());

it(
  "a command or a write that fails while a bundle is applied, updated or rolled back: the run says so, nothing is lost, the next one ends it, and removal gives all back",
  { timeout: LONG ? 8 * 3600_000 : 1_800_000 },
  async () => {
    const failures = await sweep.run();
    expect(failures, failures[0]).toEqual([]);
  },
);
