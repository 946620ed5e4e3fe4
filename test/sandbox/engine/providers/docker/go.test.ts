import { describe, expect, it } from "vitest";
import { formatCpus, formatDuration, parseCpus, parseDuration } from "./go";

describe("durations", () => {
  it.each([
    ["0s", "0s"],
    ["30s", "30s"],
    ["60s", "1m0s"],
    ["90s", "1m30s"],
    ["1m30s", "1m30s"],
    ["1h", "1h0m0s"],
    ["1.5s", "1.5s"],
    ["250ms", "250ms"],
  ])("%s reads back as %s", (written, read) => {
    expect(formatDuration(parseDuration(written))).toBe(read);
  });

  it("refuses what Go does not parse", () => {
    expect(() => parseDuration("10 seconds")).toThrow("'10 seconds' is not a valid duration");
  });
});

describe("CPUs", () => {
  it.each([
    ["2.0", "2.0"],
    ["1.5", "1.5"],
    ["0.5", "0.5"],
    ["0.1", "0.1"],
    ["0.25", "0.25"],
    // The provider's own mistakes: a program that writes these is replaced at every run.
    ["2", "2.0"],
    ["10", "10."],
    ["0.05", "0.1"],
  ])("%s reads back as %s", (written, read) => {
    expect(formatCpus(parseCpus(written))).toBe(read);
  });

  it.each(["", "two", "0.0000000001"])("refuses %j", (text) => {
    expect(() => parseCpus(text)).toThrow(/failed to parse|too precise/);
  });
});
