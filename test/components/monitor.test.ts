import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";
import { monitorConfig, needsNetwork, watchesGpus } from "../../components/monitor/config";
import { llamaCppServer } from "../../components/monitor/llama-cpp-address";
import { ollamaAddress } from "../../components/monitor/ollama-address";
import { monitorImage } from "../../components/monitor/image";
import { renderMonitorHost } from "../../components/monitor/render";
import { MonitorSettings, ThresholdSettings } from "../../components/monitor/schema";
import { monitorSpec } from "../../components/monitor/spec";
import { renderMonitorCredentials } from "../../components/monitor-credentials/render";
import { MonitorCredentialsSettings, type SecretSink } from "../../components/monitor-credentials/schema";
import { renderMonitorTimer } from "../../components/monitor-timer/render";
import { checkSettings } from "../../components/settings/issues";
import { checkConfig } from "../../monitor/config/check";
import { MonitorConfig } from "../../monitor/config/schema";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";

function valid<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const checked = checkSettings(schema, given);
  if ("issues" in checked) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  return checked.value;
}

const watched = (monitor: object, workload: object = {}, credentials: readonly SecretSink[] = []) => ({
  credentials,
  host: "goblin",
  monitor: valid(MonitorSettings, monitor),
  thresholds: valid(ThresholdSettings, { memory: "80" }),
  workloads: [
    settleWorkload(
      "ollama",
      valid(WorkloadSettings, { memory: { max: "8GiB" }, cpu: { quota: "200%" }, ...workload }),
    ),
  ],
  models: { path: "/srv/models", mount: "required" as const },
});

/** `services.health.http`, of all of them. */
function keysOf(value: object, at = ""): Set<string> {
  return new Set(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
      const path = Array.isArray(value) ? at : `${at}${at === "" ? "" : "."}${key}`;
      return [path, ...(typeof inner === "object" && inner !== null ? keysOf(inner, path) : [])];
    }),
  );
}

interface AnySchema {
  readonly _zod: { readonly def: object };
}
interface AnyDefinition {
  readonly shape?: Record<string, AnySchema>;
  readonly innerType?: AnySchema;
  readonly element?: AnySchema;
}

function keysOfSchema(schema: AnySchema, at = ""): string[] {
  const { shape, innerType, element } = schema._zod.def as AnyDefinition;
  const inside = innerType ?? element;
  if (inside !== undefined) return keysOfSchema(inside, at);
  return Object.entries(shape ?? {})
    .flatMap(([key, inner]) => {
      const path = `${at}${at === "" ? "" : "."}${key}`;
      return [path, ...keysOfSchema(inner, path)];
    })
    .sort();
}

describe("the monitor's configuration", () => {
  it("is what the settings say, and the monitor takes it", () => {
    const text = monitorConfig(
      watched(
        { interval: "5min", listen: "10.0.0.1:9465" },
        { gpu: { devices: ["0"] }, health: { http: "http://127.0.0.1:11434/" } },
      ),
    );
    expect(checkConfig(text, "config.json")).toMatchObject({
      intervalSeconds: 300,
      thresholds: { memory: 80, cpu: 90, disk: 90, swap: 70, service: 95 },
      models: { path: "/srv/models" },
      services: [
        {
          name: "ollama",
          runtime: "systemd",
          unit: "ollama.service",
          slice: "ai-ollama.slice",
          memoryMaxBytes: 8 * 1024 ** 3,
          quotaPercent: 200,
          vramThreshold: 95,
          health: { http: "http://127.0.0.1:11434/" },
        },
      ],
      listen: { address: "10.0.0.1", port: 9465 },
    });
  });

  it("has every key that the monitor reads, from a setting, and what the settings say", () => {
    const text = monitorConfig(
      watched(
        {
          interval: "20s",
          listen: "198.51.100.7:9465",
          access: {
            token: "/etc/ai-resource-monitor/listen.token",
            certificate: "/etc/ai-resource-monitor/listen-certificate.pem",
            key: "/etc/ai-resource-monitor/listen-key.pem",
          },
          alerts: { for: "2min", repeat: "60min" },
          history: { every: "30s", days: "3", size: "2MiB" },
          watchHours: "1",
          tell: {
            alertmanager: "/etc/ai-resource-monitor/alertmanager.url",
            webhook: "/etc/ai-resource-monitor/webhook.url",
            heartbeat: "/etc/ai-resource-monitor/heartbeat.url",
            sentry: "/etc/ai-resource-monitor/sentry.url",
            sentryEnvironment: "staging",
            sentryCheckIns: true,
            datadog: "10.0.0.9:8126",
            heartbeatEvery: "2min",
          },
        },
        {
          runtime: "container",
          image: "ollama/ollama:0.6.5",
          ports: ["10.0.0.2:8080:11434"],
          gpu: { devices: ["0"], vramMax: "16GiB", vramThreshold: "80" },
          health: { http: "http://127.0.0.1:8080/" },
        },
      ),
    );
    expect(checkConfig(text, "config.json")).toMatchObject({
      models: { path: "/srv/models", mount: "required" },
      services: [{ ollama: "http://10.0.0.2:8080", vramMaxBytes: 16 * 1024 ** 3, vramThreshold: 80 }],
      alerts: { forSeconds: 120, repeatSeconds: 3600 },
      history: { everySeconds: 30, days: 3, maxBytes: 2 * 1024 ** 2 },
      host: "goblin",
      listen: {
        address: "198.51.100.7",
        port: 9465,
        tokenFile: "/etc/ai-resource-monitor/listen.token",
        tls: {
          certificateFile: "/etc/ai-resource-monitor/listen-certificate.pem",
          keyFile: "/etc/ai-resource-monitor/listen-key.pem",
        },
      },
      sinks: {
        webhook: { urlFile: "/etc/ai-resource-monitor/webhook.url" },
        sentry: {
          dsnFile: "/etc/ai-resource-monitor/sentry.url",
          environment: "staging",
          checkInSeconds: 120,
        },
        datadog: { address: "10.0.0.9", port: 8126, upSeconds: 120 },
        heartbeat: { urlFile: "/etc/ai-resource-monitor/heartbeat.url", everySeconds: 120 },
      },
    });
    const llama = monitorConfig(
      watched(
        {},
        {
          engine: "llama.cpp",
          exec: "/usr/bin/llama-server --host 0.0.0.0 --port 9000",
          apiKeyFile: "/etc/ai-resource-monitor/llama.key",
        },
      ),
    );
    expect(checkConfig(llama, "config.json").services[0]?.llamaCpp).toEqual({
      url: "http://127.0.0.1:9000",
      sleeps: false,
      apiKeyFile: "/etc/ai-resource-monitor/llama.key",
    });
    const keys = new Set([text, llama].flatMap((one) => [...keysOf(JSON.parse(one) as object)]));
    // The stack has one way for each of these; a file written by hand has others.
    const ownAffairs = ["gpu", "gpu.command", "services.cgroup", "services.health.timeoutSeconds"];
    expect(keysOfSchema(MonitorConfig).filter((key) => !keys.has(key))).toEqual(ownAffairs);
  });

  const asked = (workload: object): string | undefined =>
    ollamaAddress(
      settleWorkload("ollama", valid(WorkloadSettings, { memory: { max: "8GiB" }, ...workload })),
    );
  const container = { runtime: "container", image: "ollama/ollama:0.6.5" };
  it.each<[workload: object, address: string | undefined]>([
    [{}, "http://127.0.0.1:11434"],
    [{ engine: "llama.cpp" }, undefined],
    [{ environment: { OLLAMA_HOST: "0.0.0.0" } }, "http://127.0.0.1:11434"],
    [{ environment: { OLLAMA_HOST: "0.0.0.0:8080" } }, "http://127.0.0.1:8080"],
    [{ environment: { OLLAMA_HOST: ":8080" } }, "http://127.0.0.1:8080"],
    [{ environment: { OLLAMA_HOST: "http://10.0.0.5" } }, "http://10.0.0.5:80"],
    [{ environment: { OLLAMA_HOST: "[::]:8080/" } }, "http://[::1]:8080"],
    [{ environment: { OLLAMA_HOST: "https://10.0.0.5" } }, undefined],
    [{ environment: { OLLAMA_HOST: "0.0.0.0:99999" } }, "http://127.0.0.1:11434"],
    [{ api: "http://10.0.0.5:1/" }, "http://10.0.0.5:1"],
    [{ api: "none" }, undefined],
    [container, undefined],
    [{ ...container, ports: ["0.0.0.0:80:11434"] }, "http://127.0.0.1:80"],
    [{ ...container, ports: ["80:11434/udp"] }, undefined],
    [{ ...container, ports: ["80:1"], environment: { OLLAMA_HOST: ":1" } }, "http://127.0.0.1:80"],
  ])("asks the Ollama of %j at %s", (workload, address) => {
    expect(asked(workload)).toBe(address);
  });

  const exec = (options: string) => ({ exec: `/usr/bin/llama-server -m /srv/models/a.gguf ${options}` });
  const image = { runtime: "container", image: "ghcr.io/ggml-org/llama.cpp:server" };
  it.each<[workload: object, url: string | undefined, sleeps?: boolean]>([
    [exec(""), "http://127.0.0.1:8080", false],
    [exec("--host 0.0.0.0 --port 9000"), "http://127.0.0.1:9000", false],
    [exec("--host ::1 --api-prefix /llm/"), "http://[::1]:8080/llm", false],
    [exec("--port 1 --port 9000 --sleep-idle-seconds 300"), "http://127.0.0.1:9000", true],
    [exec("--sleep-idle-seconds -1"), "http://127.0.0.1:8080", false],
    [
      { ...exec("--port 2"), environment: { LLAMA_ARG_PORT: 1, LLAMA_ARG_HOST: "10.0.0.5" } },
      "http://10.0.0.5:2",
      false,
    ],
    [{ ...exec(""), environment: { LLAMA_ARG_SLEEP_IDLE_SECONDS: 60 } }, "http://127.0.0.1:8080", true],
    // A file of variables may say another port, and sleep.
    [{ ...exec(""), environmentFile: "/etc/llama.env" }, undefined],
    [{ ...exec("--port 9000"), environmentFile: "/etc/llama.env" }, "http://127.0.0.1:9000", true],
    [exec("--host /run/llama.sock"), undefined],
    [exec("--ssl-key-file /etc/key.pem --ssl-cert-file /etc/cert.pem"), undefined],
    [exec("--port 0"), undefined],
    [{ ...exec(""), api: "none" }, undefined],
    [{ ...exec(""), engine: "none" }, undefined],
    [{ engine: "ollama" }, undefined],
    // Whose unit is its vendor's.
    [{ engine: "llama.cpp" }, undefined],
    [{ engine: "llama.cpp", api: "http://127.0.0.1:9000/" }, "http://127.0.0.1:9000", true],
    [image, undefined],
    [{ ...image, ports: ["10.0.0.2:80:8080"] }, "http://10.0.0.2:80", false],
    [{ ...image, ports: ["80:9000"], command: ["--port", "9000"] }, "http://127.0.0.1:80", false],
    [{ ...image, ports: ["80:8080"], command: ["--sleep-idle-seconds", "9"] }, "http://127.0.0.1:80", true],
  ])("asks the llama-server of %j at %s", (workload, url, sleeps) => {
    const server = llamaCppServer(
      settleWorkload("llm", valid(WorkloadSettings, { memory: { max: "8GiB" }, ...workload })),
    );
    expect(server).toEqual(url === undefined ? undefined : { url, sleeps });
  });

  it("gives it a network only where something must be asked", () => {
    const quiet = { engine: "none" };
    expect(needsNetwork(watched({}, quiet))).toBe(false);
    expect(needsNetwork(watched({}))).toBe(true);
    expect(needsNetwork(watched({}, exec("")))).toBe(true);
    const webhook = "/etc/ai-resource-monitor/webhook.url";
    expect(needsNetwork(watched({ tell: { webhook } }, quiet))).toBe(true);
    expect(needsNetwork(watched({ tell: { datadog: "127.0.0.1:8125" } }, quiet))).toBe(true);
    expect(needsNetwork(watched({}, quiet, ["sentry"]))).toBe(true);
    expect(needsNetwork(watched({ listen: "127.0.0.1:9465" }, quiet))).toBe(true);
    expect(needsNetwork(watched({}, { ...quiet, health: { http: "http://127.0.0.1/" } }))).toBe(true);
    expect(needsNetwork(watched({}, { ...quiet, health: { command: "true" } }))).toBe(false);
  });

  it.each([
    ["0.0.0.0:9465", "may be reached from the internet"],
    ["198.51.100.7:9465", "may be reached from the internet"],
    ["127.0.0.1", "no IP address and port"],
    ["127.0.0.1:0", "no IP address and port"],
    ["localhost:9465", "no IP address and port"],
  ])("refuses to listen at %s", (listen, said) => {
    expect(() => valid(MonitorSettings, { listen })).toThrow(said);
  });

  it.each([
    [
      { listen: "0.0.0.0:9465", access: { token: "/etc/ai-resource-monitor/listen.token" } },
      "asks for no token over TLS",
    ],
    [{ access: { key: "/etc/ai-resource-monitor/listen-key.pem" } }, "TLS needs both"],
    [{ access: { certificate: "/etc/ai-resource-monitor/listen.pem" } }, "TLS needs both"],
    [{ access: { token: "/etc/shadow" } }, "that is no such name"],
  ])("refuses %j", (settings, said) => {
    expect(() => valid(MonitorSettings, settings)).toThrow(said);
  });

  it("names the files of the stack's own secrets", () => {
    const { sinks } = checkConfig(
      monitorConfig(
        watched({ tell: { heartbeat: "/etc/ai-resource-monitor/h.url" } }, {}, ["webhook", "sentry"]),
      ),
      "config.json",
    );
    expect(sinks).toEqual({
      webhook: { urlFile: "/etc/ai-resource-monitor/credentials/webhook.url" },
      sentry: { dsnFile: "/etc/ai-resource-monitor/credentials/sentry.url", environment: "production" },
      heartbeat: { urlFile: "/etc/ai-resource-monitor/h.url", everySeconds: 60 },
    });
  });

  it.each([
    ["198.51.100.7:8125", "may be reached from the internet, and what goes there is not encrypted"],
    ["127.0.0.1", "no IP address and port"],
  ])("refuses an agent of Datadog's at %s", (datadog, said) => {
    expect(() => valid(MonitorSettings, { tell: { datadog } })).toThrow(said);
  });
});

it("refuses a heartbeat more often than the monitor takes", () => {
  expect(() => valid(MonitorSettings, { tell: { heartbeatEvery: "9s" } })).toThrow("that is less than 10s");
  const text = monitorConfig(watched({ tell: { heartbeatEvery: "10s", datadog: "127.0.0.1:8125" } }));
  expect(checkConfig(text, "config.json").sinks.datadog?.upSeconds).toBe(10);
});

describe("the addresses of those who are told", () => {
  it("are files that the monitor's user alone reads, in a bundle that is a secret", () => {
    const addresses = {
      webhook: "https://hooks.example.com/hunter2",
      sentry: "https://hunter3@sentry.example.com/7",
    };
    expect(renderMonitorCredentials(addresses, "65532:65532")).toEqual({
      name: "monitor-credentials",
      secret: true,
      files: {
        "/etc/ai-resource-monitor/credentials/webhook.url": {
          mode: "0400",
          owner: "65532:65532",
          content: `${HEADER}\nhttps://hooks.example.com/hunter2\n`,
        },
        "/etc/ai-resource-monitor/credentials/sentry.url": {
          mode: "0400",
          owner: "65532:65532",
          content: `${HEADER}\nhttps://hunter3@sentry.example.com/7\n`,
        },
      },
    });
  });

  it.each([
    ["webhook", "hooks.example.com/hunter2"],
    ["webhook", "https://hooks.example.com/hunter2 "],
    ["webhook", "https://hooks.example.com/hunter2\nhttps://x"],
    ["webhook", ""],
    ["sentry", "https://sentry.example.com/7"],
    ["sentry", "https://hunter2@sentry.example.com/"],
  ])("%s cannot be %j", (sink, address) => {
    expect(() => valid(MonitorCredentialsSettings, { [sink]: address })).toThrow("that is no such address");
  });
});

describe("the monitor's container", () => {
  it("can read the host and change nothing of it", () => {
    const spec = monitorSpec(valid(MonitorSettings, {}), {
      modelsPath: "/srv/models",
      network: false,
      gpu: false,
    });
    expect(spec).toMatchObject({
      name: "ai-resource-monitor",
      memory: 128,
      memorySwap: 129,
      cpus: "0.1",
      cgroupParent: "airm.slice",
      cgroupnsMode: "host",
      usernsMode: "host",
      readOnly: true,
      user: "65532:65532",
      securityOpts: ["no-new-privileges:true"],
      capabilities: { drops: ["ALL"] },
      networkMode: "none",
      ports: [],
    });
    const writable = spec.mounts.filter(({ readOnly }) => !readOnly).map(({ source }) => source);
    expect(writable).toEqual([
      "/run/ai-resource-monitor",
      "/var/lib/ai-resource-monitor",
      "/var/log/ai-monitoring",
    ]);
    expect(spec.mounts.some(({ source }) => source.includes("docker.sock"))).toBe(false);
  });

  it("gets every GPU to look at where a workload has one, and says what it needs for that", () => {
    expect(watchesGpus(watched({}))).toBe(false);
    expect(watchesGpus(watched({}, { gpu: { devices: ["1"] } }))).toBe(true);
    // nvidia-smi knows nothing of others.
    const amd = { gpu: { vendor: "amd", devices: ["1"] } } as const;
    expect(watchesGpus(watched({}, { gpu: { ...amd.gpu, devices: ["1"] } }))).toBe(false);
    expect(monitorConfig(watched({}, { gpu: { ...amd.gpu, devices: ["1"] } }))).not.toContain(
      "vramThreshold",
    );
    expect(watchesGpus(watched({ gpu: "false" }, { gpu: { devices: ["1"] } }))).toBe(false);
    expect(watchesGpus(watched({ gpu: true }))).toBe(true);
    const spec = (gpu: boolean) =>
      monitorSpec(valid(MonitorSettings, {}), { modelsPath: "/srv/models", network: false, gpu });
    expect(spec(true)).toMatchObject({
      envs: [],
      deviceRequests: [{ driver: "nvidia", count: -1, deviceIds: [], capabilities: ["gpu", "utility"] }],
    });
    expect(spec(false).deviceRequests).toBeUndefined();
    expect(spec(false).envs).toEqual(["NVIDIA_VISIBLE_DEVICES=void"]);
    const bundle = renderMonitorHost("{}\n", "", { gpu: true, setting: "goblin-host:monitor" });
    expect(bundle.requires?.["goblin-host:monitor.gpu"]).toMatchObject({
      program: "nvidia-container-runtime-hook",
      remedy: expect.stringMatching(/pulumi config set --path 'goblin-host:monitor\.gpu' false$/) as string,
    });
  });

  it("is built from contents alone: two folders have one hash, another content another", () => {
    const folder = mkdtempSync(join(tmpdir(), "goblin-host-image-"));
    try {
      cpSync("monitor/dist", folder, { recursive: true });
      expect(monitorImage(folder).hash).toBe(monitorImage().hash);
      expect(monitorImage().context).toBe("monitor/dist");
      writeFileSync(join(folder, "Dockerfile"), "FROM scratch\n");
      expect(monitorImage(folder).hash).not.toBe(monitorImage().hash);
      rmSync(join(folder, "Dockerfile"));
      expect(() => monitorImage(folder)).toThrow("run npm run build:monitor");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("what the monitor needs of the host", () => {
  it("is its command under two names, folders that outlive it, and logrotate", () => {
    const bundle = renderMonitorHost("{}\n", "#!/bin/sh\n", { gpu: false, setting: "goblin-host:monitor" });
    expect(Object.keys(bundle.files ?? {})).toEqual([
      "/etc/logrotate.d/ai-monitoring",
      "/etc/tmpfiles.d/ai-resource-monitor.conf",
      "/etc/ai-resource-monitor/config.json",
      "/usr/local/bin/ai-resource-monitor",
      "/usr/local/bin/ai-resource-monitor.sh",
    ]);
    expect(bundle.files?.["/etc/tmpfiles.d/ai-resource-monitor.conf"]?.content).toBe(
      `${HEADER}\nd /run/ai-resource-manager 0755 root root\nd /run/ai-resource-monitor 0755 65532 65532\n`,
    );
    expect(bundle.packages).toEqual(["logrotate", "sysstat"]);
    const kept = Object.entries(bundle.folders ?? {}).filter(([, { data }]) => data);
    expect(kept.map(([path]) => path)).toEqual(["/var/log/ai-monitoring", "/var/lib/ai-resource-monitor"]);
  });

  it("and a timer that proves each new version", () => {
    const bundle = renderMonitorTimer("60s", "abc");
    expect(bundle.files?.["/etc/systemd/system/ai-resource-monitor.timer"]?.content).toBe(`${HEADER}

[Unit]
Description=Collections of the AI host's metrics

[Timer]
AccuracySec=1s
OnActiveSec=60s
OnUnitActiveSec=60s

[Install]
WantedBy=timers.target
`);
    expect(bundle.ready?.["ai-resource-monitor.timer"]).toMatchObject({
      command: "/usr/local/bin/ai-resource-monitor --collect",
      revision: "abc",
    });
  });
});
