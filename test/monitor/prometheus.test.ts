import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { SettledConfig } from "../../monitor/config/schema";
import { SYSTEM_CLOCK } from "../../monitor/host/clock";
import { TcpListener } from "../../monitor/http/tcp-listener";
import { Monitor } from "../../monitor/monitor";
import type { Outputs } from "../../monitor/output/outputs";
import { hasOpenssl, makeCertificate } from "../support/certificate";
import { debianProgram, hasApt } from "../support/debian-programs";
import { freePort } from "../support/free-port";
import { Prometheus } from "../support/prometheus";
import { served } from "../support/served";
import { collectorOf, FixtureHost, SERVICES, settled } from "./fixture-host";

const DOCS = readFileSync(join(import.meta.dirname, "../../docs/monitor.md"), "utf8");
const TOKEN = "a-word-of-many-characters";

interface ScrapeConfig {
  scrape_configs: {
    static_configs: { targets: string[] }[];
    authorization?: { credentials_file: string };
    tls_config?: object;
  }[];
  rule_files?: string[];
}

/** What docs/monitor.md tells people to write, with its comments taken in where they are wanted. */
function documented(withAccess: boolean): ScrapeConfig {
  const block = /(?: {4}scrape_configs:\n)(?: {4}.*\n)+/.exec(DOCS)?.[0] ?? "";
  const wanted = withAccess ? block.replace(/^(\s*)# (?=scheme|authorization)/gm, "$1") : block;
  return parse(wanted.replace(/^ {4}/gm, "")) as ScrapeConfig;
}

describe.skipIf(!hasApt || !hasOpenssl)("a real Prometheus (skipped without apt or openssl)", () => {
  let host: FixtureHost;
  const ending: (() => void)[] = [];
  beforeEach(() => {
    host = new FixtureHost();
    ending.push(() => {
      host.dispose();
    });
  });
  afterEach(() => {
    for (const end of ending.splice(0).reverse()) end();
  });

  async function collected(config: SettledConfig): Promise<Outputs> {
    const monitor = new Monitor(config, host.roots, collectorOf(host, config), SYSTEM_CLOCK, () => undefined);
    return monitor.collect();
  }

  /** The listener that the configuration asks for, over the outputs of one collection. */
  async function listening(access: object): Promise<number> {
    const port = await freePort();
    const config = settled({ services: SERVICES, listen: { address: "127.0.0.1", port, ...access } });
    if (config.listen === undefined) throw new Error("there is no listener");
    const outputs = await collected(config);
    const listener = new TcpListener(config.listen, served({ outputs: () => outputs }), SYSTEM_CLOCK);
    await listener.follow();
    listener.check();
    ending.push(() => {
      listener.close();
    });
    return port;
  }

  async function scraping(config: ScrapeConfig, port: number): Promise<Prometheus> {
    const [job, ...others] = config.scrape_configs;
    if (job === undefined || others.length > 0)
      throw new Error("docs/monitor.md has no scrape configuration");
    job.static_configs = [{ targets: [`127.0.0.1:${port}`] }];
    const prometheus = await Prometheus.start({
      global: { scrape_interval: "1s", scrape_timeout: "1s" },
      scrape_configs: [job],
    });
    ending.push(() => {
      prometheus.stop();
    });
    return prometheus;
  }

  test("scrapes it as documented", { timeout: 120_000 }, async () => {
    const config = documented(false);
    expect(config.rule_files).toEqual(["ai-resource-monitor.rules.yml"]);
    const prometheus = await scraping(config, await listening({}));
    const [total] = await prometheus.answer('airm_memory_total_bytes{job="ai-resource-monitor"}');
    expect(Number(total?.value[1])).toBe(20 * 2 ** 30);
    expect(await prometheus.answer('up{job="ai-resource-monitor"} == 1')).toHaveLength(1);
    expect(await prometheus.answer("airm_service_up")).toHaveLength(3);
  });

  test("scrapes it over TLS, with the token and not without", { timeout: 120_000 }, async () => {
    const [certificateFile, keyFile] = [join(host.folder, "c.pem"), join(host.folder, "k.pem")];
    makeCertificate(certificateFile, keyFile);
    const tokenFile = join(host.folder, "token");
    writeFileSync(tokenFile, TOKEN);
    const port = await listening({ tokenFile, tls: { certificateFile, keyFile } });
    const config = documented(true);
    const [job] = config.scrape_configs;
    if (job?.authorization === undefined) throw new Error("docs/monitor.md tells of no token");
    job.authorization.credentials_file = tokenFile;
    job.tls_config = { ca_file: certificateFile };
    const prometheus = await scraping(config, port);
    expect(await prometheus.answer("up == 1")).toHaveLength(1);
    expect(await prometheus.answer("airm_memory_total_bytes")).toHaveLength(1);
    delete job.authorization;
    const stranger = await scraping(config, port);
    expect(await stranger.answer("up == 0")).toHaveLength(1);
    expect(await stranger.query("airm_memory_total_bytes")).toEqual([]);
  });

  test("a node_exporter takes it from the folder of texts, all of it", { timeout: 120_000 }, async () => {
    const program = await debianProgram("prometheus-node-exporter");
    const outputs = await collected(settled({ services: SERVICES }));
    const [target = "", link = ""] = /ln -s (\S+) (\S+)\n/.exec(DOCS)?.slice(1) ?? [];
    expect(target).toBe("/run/ai-resource-monitor/metrics.prom");
    const folder = join(host.folder, "textfile");
    mkdirSync(folder);
    symlinkSync(join(host.roots.run, "metrics.prom"), join(folder, link.slice(link.lastIndexOf("/") + 1)));
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const options = ["--collector.disable-defaults", "--collector.textfile"];
    const exporter: ChildProcess = spawn(
      program,
      [...options, `--collector.textfile.directory=${folder}`, `--web.listen-address=${address}`],
      { stdio: "ignore" },
    );
    ending.push(() => exporter.kill("SIGKILL"));
    let text = "";
    for (let left = 100; left > 0 && !text.includes("airm_build_info"); left -= 1) {
      text = await fetch(`http://${address}/metrics`).then(
        (response) => response.text(),
        () => "",
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(text).toContain("node_textfile_scrape_error 0\n");
    const names = (from: string) =>
      new Set(from.split("\n").flatMap((line) => /^airm_[a-z0-9_]+/.exec(line)?.[0] ?? []));
    expect(names(text)).toEqual(names(outputs.prometheus));
    expect(names(text).size).toBeGreaterThan(30);
  });
});
