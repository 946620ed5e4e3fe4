import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { pythonPrograms } from "./python-programs";

/** A receiver that speaks Sentry's protocol, by somebody else: https://www.bugsink.com. */
const PACKAGE = "bugsink==2.6.2";

/** An event as Bugsink shows it. */
export interface ShownEvent {
  readonly event_id: string;
  readonly issue: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Bugsink with a database of its own, on loopback, with one project. It asks nobody outside. */
export class Bugsink {
  private readonly folder = mkdtempSync(join(tmpdir(), "airm-bugsink-"));
  private server: ChildProcess | undefined;
  private token = "";
  /** Where its project takes events. */
  dsn = "";

  constructor(private readonly port: number) {}

  /** Makes its database; it does not run yet. */
  async prepare(): Promise<void> {
    const bin = await pythonPrograms(PACKAGE);
    writeFileSync(join(this.folder, "bugsink_conf.py"), this.configuration());
    await this.manage(bin, "migrate");
    await this.manage(bin, "migrate", "--database", "snappea");
    const made = await this.manage(
      bin,
      "shell",
      "--no-imports",
      "-c",
      `from projects.models import Project; print(Project.objects.create(name="goblin").sentry_key)`,
    );
    const key = /^[0-9a-f-]{32,36}$/m.exec(made)?.[0].replaceAll("-", "");
    if (key === undefined) throw new Error(`bugsink made no project: ${made}`);
    this.dsn = `http://${key}@127.0.0.1:${this.port}/1`;
    this.token = (await this.manage(bin, "create_auth_token")).trim().split("\n").at(-1) ?? "";
  }

  async start(): Promise<void> {
    const bin = await pythonPrograms(PACKAGE);
    const bind = `127.0.0.1:${this.port}`;
    this.server = spawn(join(bin, "gunicorn"), ["--bind", bind, "--workers", "1", "bugsink.wsgi"], {
      cwd: this.folder,
      env: this.environment,
      stdio: "ignore",
    });
    for (let attempt = 0; ; attempt++) {
      if ((await this.get("/health/ready").catch(() => undefined)) !== undefined) return;
      if (attempt > 300 || this.server.exitCode !== null) throw new Error("bugsink does not become ready");
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once("exit", resolve));
    // At once: what it still has to answer, nobody waits for.
    server.kill("SIGINT");
    await ended;
    this.server = undefined;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** All events, the oldest first, as its API shows them. */
  async events(): Promise<ShownEvent[]> {
    const issues = await this.list<{ id: string }>("/api/canonical/0/issues/?project=1");
    const events = await Promise.all(
      issues.map(({ id }) =>
        this.list<{ id: string; digest_order: number }>(`/api/canonical/0/events/?issue=${id}`),
      ),
    );
    const shown = await Promise.all(
      events
        .flat()
        .map(async ({ id }) => JSON.parse(await this.get(`/api/canonical/0/events/${id}/`)) as ShownEvent),
    );
    return shown.sort((a, b) => Number(a.data["timestamp"]) - Number(b.data["timestamp"]));
  }

  private async list<T>(path: string): Promise<T[]> {
    return (JSON.parse(await this.get(path)) as { results: T[] }).results;
  }

  private get(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${this.token}` };
      const asked = request(`http://127.0.0.1:${this.port}${path}`, { headers, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
        response.on("end", () => {
          if (response.statusCode === 200) resolve(body);
          else reject(new Error(`${path}: ${response.statusCode ?? 0} ${body.slice(0, 300)}`));
        });
      });
      asked.on("error", reject).end();
    });
  }

  private async manage(bin: string, ...args: string[]): Promise<string> {
    const options = { cwd: this.folder, env: this.environment, extendEnv: false };
    return (await execa(join(bin, "bugsink-manage"), args, options)).stdout;
  }

  private get environment(): NodeJS.ProcessEnv {
    const { PATH, HOME } = process.env;
    return { PATH, HOME, PYTHONPATH: this.folder, DJANGO_SETTINGS_MODULE: "bugsink_conf" };
  }

  private configuration(): string {
    return `from bugsink.settings.default import *
SECRET_KEY = "of a test, which keeps nothing"
DATABASES["default"]["NAME"] = "${this.folder}/db.sqlite3"
DATABASES["snappea"]["NAME"] = "${this.folder}/snappea.sqlite3"
SNAPPEA = {"TASK_ALWAYS_EAGER": True}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
BUGSINK = {
    "BASE_URL": "http://127.0.0.1:${this.port}",
    "SINGLE_USER": True,
    "SINGLE_TEAM": True,
    "PHONEHOME": False,
    "INGEST_STORE_BASE_DIR": "${this.folder}/ingestion",
}
`;
  }
}
