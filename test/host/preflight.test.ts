import { describe, expect, it } from "vitest";
import { bash } from "./manager";

/** The problems that a check of preflight finds on a machine with 1 GiB and four CPUs. */
const problems = (want: string, check: string): string[] =>
  bash(`MEMORY_TOTAL=1073741824 ONLINE_CPUS=0-3; ${want}; ${check}; printf '%s\\n' "\${PROBLEMS[@]}"`)
    .split("\n")
    .filter((line) => line !== "");

describe("preflight on the host", () => {
  const limit = (reserve: number): string =>
    `WANT=(["limits|ai.slice|MemoryMax"]='@{memory-less:${reserve}:10%}')`;

  it("refuses a reserve that leaves the workloads nothing, with one that fits", () => {
    expect(problems(limit(2 * 1024 ** 3), "preflight_memory")).toEqual([
      "goblin-host:reserve.memory leaves nothing for the workloads: this host has 1024 MiB. Fix: pulumi config set --path 'goblin-host:reserve.memory' 102MiB",
    ]);
    expect(problems(limit(512 * 1024 ** 2), "preflight_memory")).toEqual([]);
  });

  it("names every setting whose cores the host lacks", () => {
    const want = `WANT=([requires]=$'a.cores\\nb.cores\\n' ["requires|a.cores|cores"]=2-5 ["requires|b.cores|cores"]=0-3)`;
    expect(problems(want, "preflight_cores")).toEqual([
      `a.cores: "2-5" names cores that this host lacks (4,5); it has 0-3. Allowed: any of those. Fix: pulumi config set --path 'a.cores' 0-3`,
    ]);
  });
});
