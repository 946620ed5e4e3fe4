import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { debianProgram } from "./debian-programs";
import { freePort } from "./free-port";

/** A sample of an instant query: its labels, and its value as text. */
export interface PrometheusSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** The course of a series: its labels, and its values as text by time. */
export interface PrometheusSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** A real Prometheus on loopback, with a configuration and a folder of its own. */
export class Prometheus {
  private said = "";

  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr?.on("data", (data: Buffer) => {
      this.said = `${this.said}${data.toString()}`.slice(-4000);
    });
  }

  static async start(config: object): Promise<Prometheus> {
    const program = await debianProgram("prometheus");
    const folder = mkdtempSync(join(tmpdir(), "goblin-prometheus-"));
    const file = join(folder, "prometheus.yml");
    writeFileSync(file, stringify(config));
    const port = await freePort();
    const options = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn(program, options, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    const prometheus = new Prometheus(port, folder, child);
    await prometheus.until(async () => (await fetch(`${prometheus.url}/-/ready`)).ok);
    return prometheus;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @throws Error with what Prometheus has against the query */
  async query(query: string): Promise<PrometheusSample[]> {
    return (await this.ask<{ result: PrometheusSample[] }>("query", { query })).result;
  }

  /** The last `seconds`, in steps of a second. */
  async range(query: string, seconds: number): Promise<PrometheusSeries[]> {
    const end = Date.now() / 1000;
    const when = { start: `${end - seconds}`, end: `${end}`, step: "1" };
    return (await this.ask<{ result: PrometheusSeries[] }>("query_range", { query, ...when })).result;
  }

  /** The labels of all series. */
  labels(): Promise<string[]> {
    return this.ask("labels", {});
  }

  /** The values that a label has had in series of a selector. */
  labelValues(label: string, selector: string): Promise<string[]> {
    return this.ask(`label/${label}/values`, { "match[]": selector });
  }

  /** Waits so many seconds for an answer with data. */
  async answer(query: string, seconds = 30): Promise<PrometheusSample[]> {
    let found: PrometheusSample[] = [];
    await this.until(
      async () => {
        found = await this.query(query);
        return found.length > 0;
      },
      query,
      seconds,
    );
    return found;
  }

  stop(): void {
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ask<T>(what: string, asked: Record<string, string>): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${what}?${new URLSearchParams(asked).toString()}`);
    const answer = (await response.json()) as { error?: string; data?: T };
    if (answer.data === undefined)
      throw new Error(`${Object.values(asked).join(" ")}: ${answer.error ?? "no data"}`);
    return answer.data;
  }

  private async until(isSo: () => Promise<boolean>, what = "ready", seconds = 30): Promise<void> {
    for (let left = seconds * 10; left > 0; left -= 1) {
      if (this.child.exitCode !== null) break;
      if (await isSo().catch(() => false)) return;
      await sleep(100);
    }
    throw new Error(`Prometheus has no ${what} within ${seconds} s: ${this.said}`);
  }
}
