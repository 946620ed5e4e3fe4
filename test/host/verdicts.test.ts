import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bashWithStore, inFolder } from "./manager";

/** limits.tsv after each of the texts. */
function verdicts(folder: string, text: string): string[] {
  bashWithStore(text, folder);
  return readFileSync(join(folder, "run", "limits.tsv"), "utf8").split("\n");
}

it("verdicts are kept by bundle, and replaced with its next look", () => {
  inFolder((folder) => {
    const limit = (bundle: string, property: string, verdict: string): string =>
      `$'${bundle}\\t${bundle}.service\\t${property}\\t1 GiB\\t\\t${verdict}\\ta reason'`;
    const first = `LIMITS=(${limit("a", "MemoryMax", "enforced")} ${limit("b", "IOWeight", "inert")}); remember_verdicts a b`;
    expect(verdicts(folder, first)).toEqual([
      "a\ta.service\tMemoryMax\tenforced",
      "b\tb.service\tIOWeight\tinert",
      "",
    ]);
    const again = `LIMITS=(${limit("a", "CPUQuota", "inert")}); remember_verdicts a`;
    expect(verdicts(folder, again)).toEqual([
      "b\tb.service\tIOWeight\tinert",
      "a\ta.service\tCPUQuota\tinert",
      "",
    ]);
    expect(verdicts(folder, "LIMITS=(); remember_verdicts b")).toEqual(["a\ta.service\tCPUQuota\tinert", ""]);
    expect(verdicts(folder, "BOOTING=1; LIMITS=(); remember_verdicts a")).toEqual([
      "a\ta.service\tCPUQuota\tinert",
      "",
    ]);
  });
});
