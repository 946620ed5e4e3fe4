import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../host/clock";
import { errorCode, errorText } from "../host/files";
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
}

const RESTART_MILLISECONDS = 60_000;
const FIRST_ANSWER_MILLISECONDS = 5000;

/**
 * `nvidia-smi` as a long-lived loop: starting it takes the driver up to seconds, a line from a running one nothing.
 * Without the program there is no GPU. With `intervalSeconds` undefined it is asked once.
 */
export class NvidiaSmi {
  private readonly gpus = new Map<string, { gpu: Gpu; seen: number }>();
  private readonly processes = new Map<string, { process: GpuProcess; seen: number }>();
  private readonly children = new Set<ChildProcess>();
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
  ) {}

  start(): void {
    const gpus = this.run(["--query-gpu", GPU_FIELDS], (line) => {
      const gpu = parseGpuLine(line);
      this.gpus.set(gpu.uuid, { gpu, seen: this.clock.monotonic() });
    });
    const processes = this.run(["--query-compute-apps", GPU_PROCESS_FIELDS], (line) => {
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
    const gpus = this.recent(this.gpus).map(({ gpu }) => gpu);
    if (gpus.length === 0)
      throw new Error(`${this.command} gives no answer: ${this.lastWords || "nothing printed"}`);
    return {
      gpus: gpus.sort((a, b) => Number(a.index) - Number(b.index)),
      processes: this.recent(this.processes).map(({ process }) => process),
      malformedLines: this.malformedLines,
    };
  }

  stop(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const child of this.children) child.kill();
  }

  /** Settles at the first line, or at the end. */
  private run(query: readonly [string, readonly string[]], onLine: (line: string) => void): Promise<void> {
    const [option, fields] = query;
    const loop =
      this.intervalSeconds === undefined ? [] : [`--loop=${Math.max(1, Math.floor(this.intervalSeconds))}`];
    const child = spawn(
      this.command,
      [`${option}=${fields.join(",")}`, "--format=csv,noheader,nounits", ...loop],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    this.children.add(child);
    return new Promise((resolve) => {
      let rest = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n");
        rest = (lines.pop() ?? "").slice(-4096);
        for (const line of lines) this.take(line, onLine);
        if (lines.length > 0 && this.intervalSeconds !== undefined) resolve();
      });
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
        this.lastWords = chunk.trim().split("\n").pop() ?? "";
      });
      child.on("error", (error) => {
        this.missing = errorCode(error) === "ENOENT";
        this.lastWords = errorText(error);
        this.children.delete(child);
        resolve();
      });
      child.on("close", (code) => {
        this.children.delete(child);
        if (code !== 0 && code !== null) this.lastWords = `it ended with ${code}: ${this.lastWords}`;
        resolve();
        if (this.intervalSeconds !== undefined && !this.missing && !this.stopped) this.restart(query, onLine);
      });
    });
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

  private restart(query: readonly [string, readonly string[]], onLine: (line: string) => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.run(query, onLine);
    }, RESTART_MILLISECONDS);
    this.timers.add(timer);
  }

  /** What the last rounds named; a process that ended, or a GPU that fell off the bus, is named no more. */
  private recent<T extends { seen: number }>(entries: Map<string, T>): T[] {
    if (this.intervalSeconds !== undefined) {
      const oldest = this.clock.monotonic() - 2.5 * Math.max(1, this.intervalSeconds);
      for (const [key, { seen }] of entries) if (seen < oldest) entries.delete(key);
    }
    return [...entries.values()];
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      timer.unref();
      this.timers.add(timer);
    });
  }
}
