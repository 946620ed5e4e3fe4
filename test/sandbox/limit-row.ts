import type { EnforcementRow } from "./enforcement";

/** What the kernel says in a file of a unit's cgroup (or of its main process); undefined when it has none. */
export type KernelReading = (subject: string, file: string) => string | undefined;

interface Comparison {
  /** The kernel's file, or several of which the first that exists counts. */
  readonly files: readonly string[];
  /** What the file says when the declared value is in force; default: the declared value itself. */
  readonly expected?: (declared: string, file: string) => string;
  /** The part of the file that is compared; default: all of it. */
  readonly found?: (content: string, declared: string) => string;
}

const amount = (file: string): Comparison => ({
  files: [file],
  expected: (declared) => (declared === "infinity" ? "max" : declared),
});

/** io.max has a line for each device, "254:0 rbps=1048576 wbps=max"; the path of the declared value is a device there. */
const ioLimit = (key: string): Comparison => ({
  files: ["io.max"],
  expected: (declared) => `${key}=${declared.split(" ").at(-1) ?? ""}`,
  found: (content) => content.split(" ").find((word) => word.startsWith(`${key}=`)) ?? content,
});

/** systemd.resource-control(5) on the left, the kernel's cgroup-v2 document on the right. */
const comparisons: Readonly<Record<string, Comparison>> = {
  MemoryMax: amount("memory.max"),
  MemoryHigh: amount("memory.high"),
  MemoryLow: amount("memory.low"),
  MemoryMin: amount("memory.min"),
  MemorySwapMax: amount("memory.swap.max"),
  TasksMax: amount("pids.max"),
  CPUWeight: { files: ["cpu.weight"] },
  CPUQuota: { files: ["cpu.max"], found: percentOfPeriod },
  AllowedCPUs: { files: ["cpuset.cpus.effective"], found: commaList, expected: commaList },
  CPUAffinity: { files: ["affinity"], found: commaList, expected: commaList },
  OOMScoreAdjust: { files: ["oom_score_adj"] },
  // The folder that the unit's cgroup lies in.
  Slice: { files: ["slice"] },
  IOWeight: {
    files: ["io.bfq.weight", "io.weight"],
    expected: (declared, file) => (file === "io.bfq.weight" ? bfqWeight(Number(declared)) : declared),
    found: (content) => /^default (\d+)/.exec(content)?.[1] ?? content,
  },
  IOReadBandwidthMax: ioLimit("rbps"),
  IOWriteBandwidthMax: ioLimit("wbps"),
  IOReadIOPSMax: ioLimit("riops"),
  IOWriteIOPSMax: ioLimit("wiops"),
};

/** One declared limit of a unit beside the kernel's own word for it. */
export function limitRow(
  unit: string,
  property: string,
  declared: string,
  kernel: KernelReading,
): EnforcementRow {
  const row = { subject: unit, property, declared };
  const comparison = comparisons[property];
  if (comparison === undefined) return { ...row, kernel: "", verdict: "not compared" };
  const file = comparison.files.find((name) => kernel(unit, name) !== undefined);
  if (file === undefined) return { ...row, kernel: "", verdict: "not running" };
  const content = kernel(unit, file) ?? "";
  const found = comparison.found?.(content, declared) ?? content;
  // A token is resolved on the host, which alone knows the number: any limit will do.
  const isToken = declared.includes("@{");
  const holds = isToken ? found !== "" && found !== "max" : found === expected(comparison, declared, file);
  const label = file === "io.bfq.weight" ? `${found} (BFQ)` : found;
  return { ...row, kernel: label, verdict: holds ? "ok" : "DIFFERS" };
}

function expected(comparison: Comparison, declared: string, file: string): string {
  return comparison.expected?.(declared, file) ?? declared;
}

/** cpu.max is "QUOTA PERIOD" in microseconds, or "max PERIOD". */
function percentOfPeriod(content: string): string {
  const [quota = "", period = ""] = content.split(" ");
  return quota === "max" ? "infinity" : `${(Number(quota) * 100) / Number(period)}%`;
}

function commaList(content: string): string {
  return content.trim().replace(/\s+/g, ",");
}

/** systemd spreads 1-10000 over BFQ's 1-1000, with 100 in the middle of both (BFQ_WEIGHT in its cgroup.c). */
function bfqWeight(weight: number): string {
  return `${weight <= 100 ? weight : 100 + Math.floor(((weight - 100) * (1000 - 100)) / (10000 - 100))}`;
}
