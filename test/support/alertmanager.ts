import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { HttpClient } from "../../monitor/host/http";
import { withItsFiles } from "./debian-programs";
import { freePort } from "./free-port";

/** What Alertmanager sends to its own receivers. */
export interface Notification {
  readonly status: string;
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/** A real Alertmanager on loopback, that tells a receiver of this test's at once. */
export class Alertmanager {
  readonly notifications: Notification[] = [];
  private running: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly command: readonly [string, ...string[]],
    private readonly receiver: Server,
  ) {
    receiver.on("request", (request: IncomingMessage, response) => {
      void bodyOf(request).then((body) => {
        this.notifications.push(JSON.parse(body) as Notification);
        response.end();
      });
    });
  }

  /** It does not run yet. */
  static async prepare(): Promise<Alertmanager> {
    const command = await withItsFiles("prometheus-alertmanager");
    const receiver = createServer();
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const folder = mkdtempSync(join(tmpdir(), "airm-alertmanager-"));
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const route = {
      receiver: "us",
      group_by: ["..."],
      group_wait: "0s",
      group_interval: "1s",
      repeat_interval: "1h",
    };
    const receivers = [{ name: "us", webhook_configs: [{ url, send_resolved: true }] }];
    writeFileSync(join(folder, "alertmanager.yml"), stringify({ route, receivers }));
    return new Alertmanager(await freePort(), folder, command, receiver);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const [program, ...before] = this.command;
    const options = [
      `--config.file=${join(this.folder, "alertmanager.yml")}`,
      `--storage.path=${join(this.folder, "data")}`,
      `--web.listen-address=127.0.0.1:${this.port}`,
      "--cluster.listen-address=",
    ];
    this.running = spawn(program, [...before, ...options], { stdio: "ignore" });
    const http = new HttpClient();
    for (let attempt = 0; ; attempt++) {
      const status = await http.status(`${this.url}/-/ready`, 1).catch(() => 0);
      if (status === 200) return;
      if (attempt > 200) throw new Error("Alertmanager does not become ready");
      await sleep(50);
    }
  }

  async dispose(): Promise<void> {
    const { running } = this;
    if (running !== undefined) {
      const ended = new Promise((resolve) => running.once("exit", resolve));
      running.kill();
      await ended;
    }
    this.receiver.close();
    this.receiver.closeAllConnections();
    rmSync(this.folder, { recursive: true });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
  return body;
}
