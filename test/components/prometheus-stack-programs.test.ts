import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ReserveSettings } from "../../components/ai-slice/schema";
import type { Bundle } from "../../components/host-bundle/bundle";
import { MonitorSettings } from "../../components/monitor/schema";
import { dropIn } from "../../components/render/drop-in";
import { ALERTMANAGER_UNIT, PROMETHEUS_UNIT } from "../../components/prometheus-stack/programs";
import { renderPrometheusCredentials, SECRET_CONFIG } from "../../components/prometheus-stack/receiver";
import { renderPrometheusStack } from "../../components/prometheus-stack/render";
import { PrometheusSettings } from "../../components/prometheus-stack/schema";
import { SYSTEM_CLOCK } from "../../monitor/host/clock";
import { TcpListener } from "../../monitor/http/tcp-listener";
import { Monitor } from "../../monitor/monitor";
import { collectorOf, FixtureHost, SERVICES, settled } from "../monitor/fixture-host";
import { hasOpenssl, makeCertificate } from "../support/certificate";
import {
  type DebianProgram,
  debianProgram,
  hasApt,
  mayOverlay,
  withItsFiles,
} from "../support/debian-programs";
import { FaultyReceiver } from "../support/faulty-receiver";
import { freePort } from "../support/free-port";
import { served } from "../support/served";

const TOKEN = "a-word-of-many-characters";
const ACCESS = "/etc/ai-resource-monitor";
const MiB = 1024 ** 2;

/** What Alertmanager sends to a webhook. */
interface Notification {
  readonly status: string;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/** The bundles as a host would have them, below a folder of the test's, which stands for its /. */
class Stand {
  readonly folder = mkdtempSync(join(tmpdir(), "goblin-stack-"));
  private readonly running: ChildProcess[] = [];
  readonly said = new Map<string, string>();

  /** What the programs read: the same, with paths of this folder. */
  at(text: string): string {
    return text.replace(/(?<![\w.])\/(?=(?:etc|var\/lib|run)\/)/g, `${this.folder}/`);
  }

  write(path: string, text: string): void {
    const file = this.at(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  bring(...bundles: readonly Bundle[]): void {
    for (const { files = {} } of bundles)
      for (const [path, { content }] of Object.entries(files)) this.write(path, this.at(content));
  }

  /** What systemd does before a start: copies of credentials, and folders for data. */
  private prepare(bundle: Bundle, unit: string): Record<string, string> {
    const text = bundle.files?.[dropIn(unit)]?.content ?? "";
    for (const [, name = "", file = ""] of text.matchAll(/^LoadCredential=([^:]+):(.*)$/gm))
      this.write(`/run/credentials/${unit}/${name}`, readFileSync(this.at(file), "utf8"));
    for (const [, state = ""] of text.matchAll(/^StateDirectory=(.*)$/gm))
      mkdirSync(this.at(`/var/lib/${state}`), { recursive: true });
    return Object.fromEntries(
      [...text.matchAll(/^Environment="(\w+)=(.*)"$/gm)].map(([, name = "", value = ""]) => [name, value]),
    );
  }

  /** The command line of a unit, as its main process must have it. */
  async start(bundle: Bundle, unit: string, program: readonly [string, ...string[]]): Promise<ChildProcess> {
    const environment = this.prepare(bundle, unit);
    const [, ...options] = (bundle.units?.[unit]?.cmdline ?? "").split(" ");
    const [command, ...before] = program;
    const child = spawn(command, [...before, ...options.map((option) => this.at(option))], {
      cwd: this.folder,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.running.push(child);
    child.stderr.on("data", (data: Buffer) => {
      this.said.set(unit, `${this.said.get(unit) ?? ""}${data.toString()}`.slice(-4000));
    });
    const url = bundle.ready?.[unit]?.http ?? "";
    await this.until(async () => (await fetch(url)).ok, url);
    return child;
  }

  async until(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
    for (let left = 400; left > 0; left -= 1) {
      if (await Promise.resolve(isSo()).catch(() => false)) return;
      if (this.running.some(({ exitCode }) => exitCode !== null)) break;
      await sleep(100);
    }
    throw new Error(`not within 40 s: ${what}\n${[...this.said.values()].join("\n")}`);
  }

  async dispose(): Promise<void> {
    for (const child of this.running) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const query = async <T>(port: number, path: string): Promise<T> => {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
  return ((await answer.json()) as { data: T }).data;
};
type Samples = { result: { metric: Record<string, string>; value: [number, string] }[] };
const ask = async (port: number, text: string): Promise<Samples["result"]> =>
  (await query<Samples>(port, `query?query=${encodeURIComponent(text)}`)).result;

describe.skipIf(!hasApt || !hasOpenssl || !mayOverlay)(
  "Debian's Prometheus and Alertmanager (skipped where their packages cannot be unpacked and laid over /usr)",
  () => {
    const programs: Partial<Record<DebianProgram, string>> = {};
    let alertmanager: [string, ...string[]];
    let stand: Stand;
    let host: FixtureHost;
    const ending: (() => void)[] = [];

    beforeAll(async () => {
      for (const name of ["prometheus", "promtool", "amtool"] as const)
        programs[name] = await debianProgram(name);
      alertmanager = await withItsFiles("prometheus-alertmanager");
    }, 120_000);
    beforeEach(() => {
      stand = new Stand();
      host = new FixtureHost();
    });
    afterEach(async () => {
      for (const end of ending.splice(0).reverse()) end();
      await stand.dispose();
      host.dispose();
    });
    const run = (name: DebianProgram, ...args: string[]): string => {
      const { stdout, stderr, status } = spawnSync(programs[name] ?? name, args, { encoding: "utf8" });
      return `${stdout}${stderr}${status ?? "killed"}`;
    };

    /** The stack over this monitor, at ports that nobody has. */
    async function rendered(
      monitor: MonitorSettings,
      settings: PrometheusSettings = {},
      webhook?: string,
    ): Promise<{ bundle: Bundle; port: number; alertmanagerPort: number }> {
      const [port, alertmanagerPort] = [await freePort(), await freePort()];
      const bundle = renderPrometheusStack(
        PrometheusSettings.parse({
          listen: `127.0.0.1:${port}`,
          ...settings,
          alertmanager: { listen: `127.0.0.1:${alertmanagerPort}`, ...settings.alertmanager },
        }),
        {
          host: "goblin",
          monitor: MonitorSettings.parse(monitor),
          reserve: ReserveSettings.parse({}),
          hasSecretConfig: webhook !== undefined,
          setting: "goblin-host:prometheus",
          monitorSetting: "goblin-host:monitor",
        },
      );
      stand.bring(bundle, ...(webhook === undefined ? [] : [renderPrometheusCredentials({ webhook })]));
      return { bundle, port, alertmanagerPort };
    }

    /** A real monitor's listener over one collection of the fixture's host. */
    async function monitorListens(access: object): Promise<number> {
      const port = await freePort();
      const config = settled({ services: SERVICES, listen: { address: "127.0.0.1", port, ...access } });
      if (config.listen === undefined) throw new Error("there is no listener");
      const monitor = new Monitor(
        config,
        host.roots,
        collectorOf(host, config),
        SYSTEM_CLOCK,
        () => undefined,
      );
      const outputs = await monitor.collect();
      const listener = new TcpListener(config.listen, served({ outputs: () => outputs }), SYSTEM_CLOCK);
      await listener.follow();
      listener.check();
      ending.push(() => {
        listener.close();
      });
      return port;
    }

    /** What takes minutes on a host takes seconds here. */
    const hurry = (path: string): void => {
      const text = readFileSync(stand.at(path), "utf8");
      writeFileSync(stand.at(path), text.replace(/\b(30s|5m)\b/g, "1s"));
    };

    test("their own tools find nothing wrong with what is rendered", { timeout: 60_000 }, async () => {
      const access = { token: `${ACCESS}/t.token`, certificate: `${ACCESS}/c.pem`, key: `${ACCESS}/k.pem` };
      stand.write("/run/credentials/prometheus.service/monitor-token", TOKEN);
      makeCertificate(
        stand.at("/run/credentials/prometheus.service/monitor-certificate.pem"),
        join(stand.folder, "k.pem"),
      );
      const CONFIG = "/etc/goblin-host/prometheus";
      await rendered({ listen: "127.0.0.1:9465" }, {}, undefined);
      const plain = stand.at(`${CONFIG}/prometheus.yml`);
      expect(run("promtool", "check", "config", plain)).toMatch(
        /1 rule files found[^]*SUCCESS: \d+ rules found\n\n0$/,
      );
      expect(run("amtool", "check-config", stand.at(`${CONFIG}/alertmanager.yml`))).toMatch(
        /SUCCESS\n[^]* 1 receivers\n[^]*0$/,
      );
      await rendered(
        { listen: "127.0.0.1:9465", access },
        { serverName: "127.0.0.1" },
        "https://a.example/#x",
      );
      expect(run("promtool", "check", "config", plain)).toMatch(/SUCCESS: \d+ rules found\n\n0$/);
      const secret = stand.at(SECRET_CONFIG);
      expect(run("amtool", "check-config", secret)).toMatch(/ 2 receivers\n[^]*0$/);
      const receiverOf = (alert: string): string =>
        run("amtool", "config", "routes", "test", `--config.file=${secret}`, `alertname=${alert}`);
      expect(receiverOf("AirmServiceDown")).toMatch(/^webhook\n/);
      expect(receiverOf("AirmHeartbeat")).toMatch(/^nobody\n/);
    });

    test(
      "scrape the monitor with its token over TLS, and tell a webhook of an alert",
      { timeout: 120_000 },
      async () => {
        const receiver = new FaultyReceiver();
        await receiver.listen();
        ending.push(() => {
          receiver.close();
        });
        const files = {
          token: `${ACCESS}/t.token`,
          certificate: `${ACCESS}/c.pem`,
          key: `${ACCESS}/k.pem`,
        };
        stand.write(files.token, `${TOKEN}\n`);
        makeCertificate(stand.at(files.certificate), stand.at(files.key));
        const monitorPort = await monitorListens({
          tokenFile: stand.at(files.token),
          tls: { certificateFile: stand.at(files.certificate), keyFile: stand.at(files.key) },
        });
        const { bundle, port, alertmanagerPort } = await rendered(
          { listen: `127.0.0.1:${monitorPort}`, access: files, alerts: { for: "1s" } },
          { serverName: "127.0.0.1" },
          `http://127.0.0.1:${receiver.port}/hunter2`,
        );
        hurry("/etc/goblin-host/prometheus/prometheus.yml");
        hurry(SECRET_CONFIG);
        const manager = await stand.start(bundle, ALERTMANAGER_UNIT, alertmanager);
        const prometheus = await stand.start(bundle, PROMETHEUS_UNIT, [programs.prometheus ?? ""]);

        await stand.until(async () => (await ask(port, "up == 1")).length === 2, "both are up");
        const up = await ask(port, "up");
        expect(up.map(({ metric }) => [metric["job"], metric["instance"]]).sort()).toEqual([
          ["ai-resource-monitor", "goblin"],
          ["prometheus", "goblin"],
        ]);
        const [total] = await ask(port, 'airm_memory_total_bytes{instance="goblin"}');
        expect(Number(total?.value[1])).toBe(20 * 2 ** 30);
        const { activeAlertmanagers } = await query<{ activeAlertmanagers: { url: string }[] }>(
          port,
          "alertmanagers",
        );
        expect(activeAlertmanagers.map(({ url }) => url)).toEqual([
          `http://127.0.0.1:${alertmanagerPort}/api/v2/alerts`,
        ]);

        // A service of the fixture's host is down.
        const told = (): Notification[] => receiver.taken.map(({ body }) => JSON.parse(body) as Notification);
        await stand.until(() => told().length > 0, "a notification");
        const [first] = told().flatMap((notification) => notification.alerts);
        expect(first?.labels["instance"]).toBe("goblin");
        expect(first?.annotations["summary"]).toBeTruthy();
        expect(receiver.taken.every(({ path }) => path === "/hunter2")).toBe(true);

        // What they hold of their limits when they have just started.
        const rss = (child: ChildProcess): number =>
          Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8"))?.[1]) * 1024;
        const [a, p] = [rss(manager), rss(prometheus)];
        console.log(`RSS: Prometheus ${(p / MiB).toFixed(0)} MiB, Alertmanager ${(a / MiB).toFixed(0)} MiB`);
        expect(p).toBeLessThan(256 * MiB);
        expect(a).toBeLessThan(64 * MiB);
      },
    );
  },
);
