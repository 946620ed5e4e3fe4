import { readdirSync, readFileSync } from "node:fs";
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

it("verdicts that cannot be written are a warning, and those that are the same are not written again", () => {
  inFolder((folder) => {
    const first = "LIMITS=($'a\\ta.service\\tMemoryMax\\t1 GiB\\t\\tenforced\\t'); remember_verdicts a";
    const said = bashWithStore(
      `exec 2>&1
      ${first}
      mv() { echo "mv fails" >&2; return 1; }
      ${first}
      LIMITS=(); remember_verdicts a
      echo went on`,
      folder,
    );
    expect(said.replaceAll(folder, "")).toBe(`mv fails
error: /run/limits.tsv cannot be replaced; it is as it was
warning: the monitor is not told of this: it shows what was before
went on
`);
    expect(readFileSync(join(folder, "run", "limits.tsv"), "utf8")).toBe(
      "a\ta.service\tMemoryMax\tenforced\n",
    );
    expect(readdirSync(join(folder, "run")).filter((name) => name.includes("goblin-new"))).toEqual([]);
  });
});
