import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../host/clock";
import { errorCode, errorText } from "../host/files";
import type { GpuProblem } from "../report/snapshot";
import {
  type Gpu,
  GPU_FIELDS,
  GPU_PROCESS_FIELDS,
  type GpuProcess,
  parseGpuLine,
  parseGpuProcessLine,
} from "../parse/gpu";

export interface GpuReading {
  readonly gpus: readonly Gpu[];
  readonly processes: readonly GpuProcess[];
  readonly malformedLines: number;
  /** All that have ever answered. */
  readonly known: readonly { readonly index: string; readonly name: string }[];
  /** Cards that are not what they should be: those that have answered once and do so no more, and those that the driver lost. */
  readonly problems: readonly GpuProblem[];
}

const RESTART_MILLISECONDS = 60_000;
const FIRST_ANSWER_MILLISECONDS = 5000;
/** Without a line for so many intervals, and at least so long, a loop hangs in the driver. */
const SILENT_INTERVALS = 3;
const SILENT_SECONDS = 30;

/** One `nvidia-smi` that is asked for ever: what for, and since when it has said nothing. */
interface Query {
  readonly option: string;
  fields: readonly string[];
  readonly onLine: (line: string) => void;
  child: ChildProcess | undefined;
  heard: number;
}

/**
 * `nvidia-smi` as a long-lived loop: starting it takes the driver up to seconds, a line from a running one nothing.
 * Without the program there is no GPU. With `intervalSeconds` undefined it is asked once.
 */
export class NvidiaSmi {
  /** By index: a card that fails may lose its UUID, and keeps its place. */
  private readonly gpus = new Map<string, { gpu: Gpu; seen: number }>();
  private readonly processes = new Map<string, { process: GpuProcess; seen: number }>();
  private readonly queries: Query[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private malformedLines = 0;
  private missing = false;
  private stopped = false;
  private lastWords = "";
  private firstAnswer: Promise<void> | undefined;

  constructor(
    private readonly command: string,
    private readonly intervalSeconds: number | undefined,
    private readonly clock: Clock,
    private readonly restartMilliseconds = RESTART_MILLISECONDS,
  ) {}

  start(): void {
    const gpus = this.query("--query-gpu", GPU_FIELDS, (line) => {
      const gpu = parseGpuLine(line);
      this.gpus.set(gpu.index, { gpu, seen: this.clock.monotonic() });
    });
    const processes = this.query("--query-compute-apps", GPU_PROCESS_FIELDS, (line) => {
      const process = parseGpuProcessLine(line);
      if (process === undefined) return;
      this.processes.set(`${process.gpuUuid} ${process.pid}`, { process, seen: this.clock.monotonic() });
    });
    this.firstAnswer =
      this.intervalSeconds === undefined ? Promise.all([gpus, processes]).then(() => undefined) : gpus;
  }

  /** The last answer; undefined without a GPU. The first call waits for one, up to 5 s. */
  async read(): Promise<GpuReading | undefined> {
    const first = this.firstAnswer;
    this.firstAnswer = undefined;
    if (first !== undefined) await Promise.race([first, this.pause(FIRST_ANSWER_MILLISECONDS)]);
    if (this.missing) return undefined;
    this.endSilent();
    for (const [key, { seen }] of this.processes) if (!this.isRecent(seen)) this.processes.delete(key);
    const known = [...this.gpus.values()].sort((a, b) => Number(a.gpu.index) - Number(b.gpu.index));
    const gpus = known.filter(({ seen }) => this.isRecent(seen)).map(({ gpu }) => gpu);
    const why = this.lastWords || "nothing printed";
    if (known.length === 0) throw new Error(`${this.command} gives no answer: ${why}`);
    // The last card that vanishes takes the program's answers along, and leaves its last words.
    const vanished = known
      .filter(({ seen }) => !this.isRecent(seen))
      .map(({ gpu: { index, name } }) => ({
        index,
        text: `GPU ${index} (${name}) has vanished${gpus.length === 0 ? ` (${why})` : ""}`,
      }));
    const failed = gpus.flatMap(({ index, name, problem }) =>
      problem === undefined ? [] : [{ index, text: `GPU ${index} (${name}): ${problem}` }],
    );
    return {
      gpus,
      processes: [...this.processes.values()].map(({ process }) => process),
      malformedLines: this.malformedLines,
      known: known.map(({ gpu: { index, name } }) => ({ index, name })),
      problems: [...failed, ...vanished],
    };
  }

  /** All that have ever answered. */
  get known(): readonly Gpu[] {
    return [...this.gpus.values()].map(({ gpu }) => gpu);
  }

  /** Cards that have answered before a restart: one that does so no more has vanished. */
  expect(gpus: readonly Gpu[]): void {
    for (const gpu of gpus) if (!this.gpus.has(gpu.index)) this.gpus.set(gpu.index, { gpu, seen: -Infinity });
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const { child } of this.queries) child?.kill();
  }

  /** Settles at the first line, or at the end. */
  private query(option: string, fields: readonly string[], onLine: (line: string) => void): Promise<void> {
    const query: Query = { option, fields, onLine, child: undefined, heard: this.clock.monotonic() };
    this.queries.push(query);
    return this.run(query);
  }

  private run(query: Query): Promise<void> {
    const { option, fields } = query;
    const loop =
      this.intervalSeconds === undefined ? [] : [`--loop=${Math.max(1, Math.floor(this.intervalSeconds))}`];
    const child = spawn(
      this.command,
      [`${option}=${fields.join(",")}`, "--format=csv,noheader,nounits", ...loop],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    query.child = child;
    query.heard = this.clock.monotonic();
    return new Promise((resolve) => {
      let rest = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        query.heard = this.clock.monotonic();
        const lines = (rest + chunk).split("\n");
        rest = (lines.pop() ?? "").slice(-4096);
        for (const line of lines) this.take(line, query.onLine);
        if (lines.length > 0 && this.intervalSeconds !== undefined) resolve();
      });
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        this.lastWords = chunk.trim().split("\n").pop() ?? "";
      });
      child.on("error", (error) => {
        // One that has answered before is not what a host does without.
        this.missing = errorCode(error) === "ENOENT" && this.gpus.size === 0;
        this.lastWords = errorText(error);
        resolve();
      });
      child.on("close", (code) => {
        if (query.child === child) query.child = undefined;
        if (code !== 0 && code !== null) this.lastWords = `it ended with ${code}: ${this.lastWords}`;
        this.ended(query).then(resolve, resolve);
      });
    });
  }

  /** An old driver is asked again at once, for what it knows; a loop that ended later. */
  private async ended(query: Query): Promise<void> {
    if (this.stopped || this.missing) return;
    const [, unknown] = /Field "([a-z._]+)" is not a valid field/.exec(this.lastWords) ?? [];
    if (unknown === GPU_FIELDS.at(-1) && query.fields.at(-1) === unknown) {
      query.fields = query.fields.slice(0, -1);
      await this.run(query);
    } else if (this.intervalSeconds !== undefined) this.restart(query);
  }

  private take(line: string, onLine: (line: string) => void): void {
    if (line.trim() === "") return;
    try {
      onLine(line);
    } catch {
      this.malformedLines += 1;
      this.lastWords = line.trim().slice(0, 200);
    }
  }

  private restart(query: Query): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (query.child === undefined) void this.run(query);
    }, this.restartMilliseconds);
    this.timers.add(timer);
  }

  /**
   * Ends a loop that hangs; its end starts another one. What the kernel does not let end is in the driver for good, and
   * no second one joins it there. A host without processes on its GPUs hears nothing of these, which is no silence.
   */
  private endSilent(): void {
    const { intervalSeconds } = this;
    if (intervalSeconds === undefined) return;
    const allowed = Math.max(SILENT_SECONDS, SILENT_INTERVALS * Math.max(1, intervalSeconds));
    const [gpus] = this.queries;
    if (gpus?.child === undefined || this.clock.monotonic() - gpus.heard <= allowed) return;
    for (const { child } of this.queries) child?.kill("SIGKILL");
  }

  /** What the last rounds named; a process that ended, or a GPU that fell off the bus, is named no more. */
  private isRecent(seen: number): boolean {
    const { intervalSeconds } = this;
    return (
      intervalSeconds === undefined || seen >= this.clock.monotonic() - 2.5 * Math.max(1, intervalSeconds)
    );
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      this.timers.add(timer);
    });
  }
}
