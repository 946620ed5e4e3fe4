import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const GUARD = join(import.meta.dirname, "..", "..", "host", "ai-resource-guard");
const MiB = 1024 * 1024;

/** A cgroup's files, as far as the guard reads them. */
interface Group {
  /** Microseconds for which all waited, in each millisecond. Default 900. */
  stalledPerMs?: number;
  /** Times that it hit its limit, in each millisecond. Default 1. */
  hitsPerMs?: number;
  /** Microseconds in each millisecond for which a CPU quota kept it from running. Default 0. */
  throttledPerMs?: number;
  /** Pages read again in each millisecond. Default 100. */
  refaultsPerMs?: number;
  /** Bytes of files in the page cache. Default 1 MiB of 64. */
  cache?: number;
  swapMax?: string;
  swapCurrent?: number;
  /** KiB of the host's swap. Default 1 GiB. */
  swapFree?: number;
}

let folder: string;
let cgroup: string;
let slice: string;
/** Bytes of files in the page cache, now. */
let held: number;
let tick: NodeJS.Timeout | undefined;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goblin-host-guard-"));
  cgroup = join(folder, "ai.slice");
  slice = join(cgroup, "ai-llm.slice");
  children = [];
});

afterEach(() => {
  clearInterval(tick);
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A process that holds some memory; its number. */
async function holding(mib: number): Promise<ChildProcess & { pid: number }> {
  const program = `const held = Buffer.alloc(${mib * MiB}, 1); console.log(held.length); setInterval(() => held, 1e6);`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  if (child.pid === undefined) throw new Error("no process");
  await once(child.stdout, "data");
  return child as ChildProcess & { pid: number };
}

/** At once, as the kernel answers. */
function write(group: string, files: Record<string, string>): void {
  mkdirSync(group, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, "new"), text);
    renameSync(join(folder, "new"), join(group, name));
  }
}

function pressure(total: number): string {
  return ["some", "full"]
    .map((kind) => `${kind} avg10=0.00 avg60=0.00 avg300=0.00 total=${total}\n`)
    .join("");
}

/** ai.slice/ai-llm.slice/llm.scope with these processes, whose counters grow. */
function workload(given: Group, pids: readonly number[]): void {
  const {
    stalledPerMs = 900,
    throttledPerMs = 0,
    refaultsPerMs = 100,
    hitsPerMs = 1,
    cache = MiB,
    swapMax = "0",
    swapCurrent = 0,
    swapFree = 1024 * 1024,
  } = given;
  write(cgroup, {
    "memory.events.local": "max 0\n",
    "memory.swap.max": "max\n",
    "memory.swap.current": "0\n",
  });
  write(slice, {
    "cgroup.procs": "",
    "memory.swap.max": "max\n",
    "memory.swap.current": `${swapCurrent}\n`,
    "memory.current": `${64 * MiB}\n`,
  });
  write(join(slice, "llm.scope"), {
    "cgroup.procs": pids.map((pid) => `${pid}\n`).join(""),
    "memory.swap.max": `${swapMax}\n`,
    "memory.swap.current": `${swapCurrent}\n`,
  });
  write(join(folder, "proc"), { meminfo: `SwapFree:       ${swapFree} kB\n` });
  for (const pid of pids) symlinkSync(`/proc/${pid}`, join(folder, "proc", String(pid)));
  held = cache;
  const started = Date.now();
  const count = (): void => {
    const ms = Date.now() - started;
    write(slice, {
      "memory.pressure": pressure(ms * stalledPerMs),
      "cpu.pressure": pressure(ms * throttledPerMs),
      "memory.stat": `anon ${60 * MiB}\nactive_file ${held}\ninactive_file 0\nworkingset_refault_file ${ms * refaultsPerMs}\n`,
      "memory.events": `low 0\nhigh 0\nmax ${ms * hitsPerMs}\noom 0\noom_kill 0\n`,
    });
  };
  count();
  tick = setInterval(count, 20);
}

/** Runs the guard until then, or until it has said something; what it said. It looks ten times a second. */
async function guard(until?: Promise<unknown>, patience = 4): Promise<string> {
  const child = spawn("bash", [GUARD, cgroup, "0.1", String(patience), join(folder, "proc")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  await (until ?? once(child.stderr, "data"));
  child.kill("SIGTERM");
  await once(child, "close");
  return said;
}

const time = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const alive = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

describe("the guard of what stands still at its memory limit", () => {
  it("kills what holds most memory, and says so", async () => {
    const [small, large] = [await holding(1), await holding(64)];
    workload({}, [small.pid, large.pid]);
    const [said] = await Promise.all([guard(), once(large, "exit")]);
    expect(said).toMatch(
      new RegExp(
        `^<4>ai-llm\\.slice stood still at its memory limit for \\d+ s \\(no swap left, \\d+% of the time waiting for memory\\): killed node, process ${large.pid} with \\d+ MiB, in llm\\.scope\n`,
      ),
    );
    expect(large.signalCode).toBe("SIGKILL");
  });

  it("does not take a CPU quota for work", async () => {
    const child = await holding(8);
    workload({ stalledPerMs: 300, throttledPerMs: 500 }, [child.pid]);
    await Promise.all([guard(), once(child, "exit")]);
  });

  it("leaves alone what no one may kill", async () => {
    const [small, large] = [await holding(1), await holding(64)];
    workload({}, [small.pid]);
    write(join(slice, "llm.scope"), { "cgroup.procs": `${large.pid}\n${small.pid}\n` });
    write(join(folder, "proc", String(large.pid)), {
      oom_score_adj: "-1000\n",
      status: "VmRSS:  9999999 kB\n",
      comm: "large\n",
    });
    await Promise.all([guard(), once(small, "exit")]);
    expect(alive(large)).toBe(true);
  });

  const fine: Record<string, Group> = {
    "works most of the time": { stalledPerMs: 350 },
    "is kept from running by its CPU quota": { stalledPerMs: 100, throttledPerMs: 500 },
    "reads nothing again": { refaultsPerMs: 0 },
    "waits for memory that its limit does not withhold": { hitsPerMs: 0 },
    "reads files that are larger than its limit": { cache: 20 * MiB },
    "can still swap": { swapMax: `${64 * MiB}`, swapCurrent: 32 * MiB },
  };
  it.each(Object.entries(fine))("leaves alone what %s", async (_, group) => {
    const child = await holding(8);
    workload(group, [child.pid]);
    expect(await guard(time(800))).toBe("");
    expect(alive(child)).toBe(true);
  });

  const exhausted: Record<string, Group> = {
    "its swap allowance": { swapMax: `${64 * MiB}`, swapCurrent: 63.5 * MiB },
    "the host's swap": { swapMax: "max", swapFree: 512 },
  };
  it.each(Object.entries(exhausted))("kills at the end of %s", async (_, group) => {
    const child = await holding(8);
    workload(group, [child.pid]);
    const [said] = await Promise.all([guard(), once(child, "exit")]);
    expect(said).toContain("killed node");
  });

  it("counts anew after progress, and waits for a workload that is gone", async () => {
    const child = await holding(8);
    workload({}, [child.pid]);
    const said = guard(time(1_600), 10);
    for (const cache of [32 * MiB, 0]) {
      await time(400);
      held = cache;
    }
    await time(400);
    clearInterval(tick);
    rmSync(slice, { recursive: true });
    expect(await said).toBe("");
    expect(alive(child)).toBe(true);
  });
});
