import { beforeAll, expect, it } from "vitest";
import { FailureSweep } from "../support/failure-sweep";
import { LONG } from "../support/long";
import { machine, SMALL_SIZE } from "../support/machine";

const sweep = new FailureSweep(machine(SMALL_SIZE));

beforeAll(() => sweep.setUp());

it(
  "a command or a write that fails while a bundle is restored, repaired, healed or removed: the run says so, nothing is lost, the next one ends it, and removal gives all back",
  { timeout: LONG ? 8 * 3600_000 : 1_800_000 },
  async () => {
    const failures = await sweep.run(["restore", "repair", "heal", "remove"]);
    expect(failures, failures[0]).toEqual([]);
  },
);
