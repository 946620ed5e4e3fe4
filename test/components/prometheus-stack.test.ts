import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { ReserveSettings } from "../../components/ai-slice/schema";
import { nextSteps } from "../../components/goblin-host/next-steps";
import { MonitorSettings } from "../../components/monitor/schema";
import { renderPrometheusRules } from "../../components/prometheus/rules";
import { renderAlertmanagerConfig, renderPrometheusConfig } from "../../components/prometheus-stack/config";
import { renderPrometheusCredentials } from "../../components/prometheus-stack/receiver";
import { renderPrometheusStack, type StackContext } from "../../components/prometheus-stack/render";
import { PrometheusSettings, usualHigh } from "../../components/prometheus-stack/schema";
import { checkSettings, formatIssue } from "../../components/settings/issues";
import { formatPath } from "../../components/settings/values";
import { commands, isSecretInput, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.\n";
const host = { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true };
const FOLDER = "/etc/goblin-host/prometheus";
const DROP_INS = {
  prometheus: "/etc/systemd/system/prometheus.service.d/zz-goblin.conf",
  alertmanager: "/etc/systemd/system/prometheus-alertmanager.service.d/zz-goblin.conf",
};

function render(
  settings: PrometheusSettings = {},
  monitor: MonitorSettings = {},
  more: Partial<StackContext> & { cores?: string } = {},
) {
  const { cores, ...context } = more;
  return renderPrometheusStack(PrometheusSettings.parse(settings), {
    host: "goblin",
    monitor: MonitorSettings.parse({ listen: "127.0.0.1:9465", ...monitor }),
    reserve: ReserveSettings.parse(cores === undefined ? {} : { cores }),
    hasSecretConfig: false,
    setting: "goblin-host:prometheus",
    monitorSetting: "goblin-host:monitor",
    ...context,
  });
}
const contentOf = (bundle: ReturnType<typeof render>, path: string): string =>
  bundle.files?.[path]?.content ?? `no ${path}`;
const linesOf = (bundle: ReturnType<typeof render>, path: string, pattern: RegExp): string[] =>
  contentOf(bundle, path)
    .split("\n")
    .filter((line) => pattern.test(line));

describe("the prometheus-stack bundle", () => {
  it("has Debian's packages and units, with a configuration, data and limits of their own", () => {
    const { files = {}, ...bundle } = render();
    expect(Object.keys(files).sort()).toEqual([
      `${FOLDER}/ai-resource-monitor.rules.yml`,
      `${FOLDER}/alertmanager.yml`,
      `${FOLDER}/prometheus.yml`,
      DROP_INS.alertmanager,
      DROP_INS.prometheus,
      "/etc/systemd/system/prometheus.slice",
    ]);
    expect(Object.values(files).every(({ mode, owner }) => mode === "0644" && owner === undefined)).toBe(
      true,
    );
    const remedy =
      "To keep what is there and have no other (docs/monitor.md, \"Prometheus\", says what it scrapes): pulumi config set --path 'goblin-host:prometheus.enabled' false";
    expect(bundle).toEqual({
      name: "prometheus-stack",
      requires: {
        "goblin-host:prometheus.listen": {
          vacant: "prometheus.service",
          listen: "127.0.0.1:9090",
          package: "prometheus",
          folder: "/var/lib/prometheus/metrics2",
          remedy,
        },
        "goblin-host:prometheus.alertmanager.listen": {
          vacant: "prometheus-alertmanager.service",
          listen: "127.0.0.1:9093",
          package: "prometheus-alertmanager",
          folder: "/var/lib/prometheus/alertmanager",
          remedy,
        },
      },
      folders: { "/var/lib/goblin-prometheus": { data: true, setting: "goblin-host:prometheus" } },
      packages: ["prometheus", "prometheus-alertmanager"],
      units: {
        "prometheus.service": {
          enabled: true,
          active: true,
          restartOn: [
            `${FOLDER}/ai-resource-monitor.rules.yml`,
            `${FOLDER}/prometheus.yml`,
            DROP_INS.prometheus,
          ],
          cmdline:
            "/usr/bin/prometheus --config.file=/etc/goblin-host/prometheus/prometheus.yml --query.max-samples=5000000 --storage.tsdb.path=/var/lib/goblin-prometheus/metrics --storage.tsdb.retention.size=1073741824B --storage.tsdb.retention.time=15d --web.external-url=http://127.0.0.1:9090/ --web.listen-address=127.0.0.1:9090",
        },
        "prometheus-alertmanager.service": {
          enabled: true,
          active: true,
          restartOn: [`${FOLDER}/alertmanager.yml`, DROP_INS.alertmanager],
          cmdline:
            "/usr/bin/prometheus-alertmanager --cluster.listen-address= --config.file=/etc/goblin-host/prometheus/alertmanager.yml --storage.path=/var/lib/goblin-prometheus/alertmanager --web.external-url=http://127.0.0.1:9093/ --web.listen-address=127.0.0.1:9093",
        },
      },
      ready: {
        "prometheus.service": {
          http: "http://127.0.0.1:9090/-/ready",
          timeoutSeconds: 180,
          setting: "goblin-host:prometheus",
        },
        "prometheus-alertmanager.service": {
          http: "http://127.0.0.1:9093/-/ready",
          timeoutSeconds: 180,
          setting: "goblin-host:prometheus",
        },
      },
      limits: {
        "prometheus.slice": {
          MemoryMax: "503316480",
          MemoryLow: "125829120",
          CPUWeight: "100",
          IOWeight: "50",
        },
        "prometheus.service": {
          MemoryMax: "402653184",
          MemoryHigh: "268435456",
          MemoryLow: "100663296",
          MemorySwapMax: "201326592",
          CPUQuota: "50%",
          CPUWeight: "100",
          IOWeight: "50",
          TasksMax: "128",
          Slice: "prometheus.slice",
        },
        "prometheus-alertmanager.service": {
          MemoryMax: "100663296",
          MemoryHigh: "67108864",
          MemoryLow: "25165824",
          MemorySwapMax: "50331648",
          CPUQuota: "20%",
          CPUWeight: "100",
          IOWeight: "50",
          TasksMax: "128",
          Slice: "prometheus.slice",
        },
      },
    });
  });

  it("replaces the command line of Debian's unit, and closes what that leaves open", () => {
    expect(contentOf(render(), DROP_INS.alertmanager)).toBe(`${HEADER}
[Service]
CPUQuota=20%
CPUWeight=100
CapabilityBoundingSet=
DevicePolicy=closed
Environment="GOMAXPROCS=1"
Environment="GOMEMLIMIT=57MiB"
EnvironmentFile=
ExecStart=
ExecStart=/usr/bin/prometheus-alertmanager --cluster.listen-address= --config.file=/etc/goblin-host/prometheus/alertmanager.yml --storage.path=/var/lib/goblin-prometheus/alertmanager --web.external-url=http://127.0.0.1:9093/ --web.listen-address=127.0.0.1:9093
IOWeight=50
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
MemoryHigh=64M
MemoryLow=24M
MemoryMax=96M
MemorySwapMax=48M
NoNewPrivileges=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
Restart=on-failure
RestartSec=5s
RestrictAddressFamilies=
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SendSIGKILL=yes
Slice=prometheus.slice
StateDirectory=goblin-prometheus/alertmanager
StateDirectoryMode=0700
SystemCallArchitectures=
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=
SystemCallFilter=@system-service
TasksMax=128
UMask=0077
`);
    expect(contentOf(render(), "/etc/systemd/system/prometheus.slice")).toBe(`${HEADER}
[Unit]
Description=Prometheus and Alertmanager of goblin-host

[Slice]
CPUWeight=100
IOWeight=50
MemoryLow=120M
MemoryMax=480M
`);
  });

  it("gives Go the limits that the kernel holds, and the slice the cores of the system", () => {
    const settings = { memory: { max: "1GiB", high: "800MiB" }, cpu: { quota: "250%" } };
    const bundle = render(settings, {}, { cores: "0-1" });
    expect(linesOf(bundle, DROP_INS.prometheus, /^(Environment|CPUQuota|Memory[MHL])/)).toEqual([
      "CPUQuota=250%",
      'Environment="GOMAXPROCS=2"',
      'Environment="GOMEMLIMIT=720MiB"',
      "EnvironmentFile=",
      "MemoryHigh=800M",
      "MemoryLow=256M",
      "MemoryMax=1G",
    ]);
    expect(bundle.limits?.["prometheus.slice"]).toMatchObject({
      MemoryMax: "1174405120",
      AllowedCPUs: "0-1",
    });
    expect(linesOf(bundle, "/etc/systemd/system/prometheus.slice", /CPUs/)).toEqual([
      "AllowedCPUs=",
      "AllowedCPUs=0-1",
    ]);
  });

  it("has less of both where max is less, and protects no more than high", () => {
    expect(render({ memory: { max: "128MiB" } }).limits?.["prometheus.service"]).toMatchObject({
      MemoryMax: String(128 * 1024 ** 2),
      MemoryHigh: String(85 * 1024 ** 2),
      MemoryLow: String(32 * 1024 ** 2),
    });
    const { limits = {} } = render({ memory: { max: "1GiB", high: "128MiB" } });
    expect(limits["prometheus.service"]?.MemoryLow).toBe(String(128 * 1024 ** 2));
    expect(limits["prometheus.slice"]?.MemoryLow).toBe(String((128 + 24) * 1024 ** 2));
  });

  it("asks a monitor with a token over TLS by copies of its files, which must be there", () => {
    const token = "/etc/ai-resource-monitor/listen.token";
    const [certificate, key] = ["/etc/ai-resource-monitor/c.pem", "/etc/ai-resource-monitor/k.pem"];
    const bundle = render(
      { serverName: "goblin.example.com" },
      { listen: "0.0.0.0:9465", access: { token, certificate, key } },
    );
    const { scrape_configs: jobs } = parse(contentOf(bundle, `${FOLDER}/prometheus.yml`)) as {
      scrape_configs: object[];
    };
    expect(jobs).toEqual([
      {
        job_name: "ai-resource-monitor",
        scheme: "https",
        tls_config: {
          ca_file: "/run/credentials/prometheus.service/monitor-certificate.pem",
          server_name: "goblin.example.com",
        },
        authorization: { credentials_file: "/run/credentials/prometheus.service/monitor-token" },
        static_configs: [{ targets: ["127.0.0.1:9465"], labels: { instance: "goblin" } }],
      },
      {
        job_name: "prometheus",
        static_configs: [{ targets: ["127.0.0.1:9090"], labels: { instance: "goblin" } }],
      },
    ]);
    expect(linesOf(bundle, DROP_INS.prometheus, /^LoadCredential/)).toEqual([
      `LoadCredential=monitor-certificate.pem:${certificate}`,
      `LoadCredential=monitor-token:${token}`,
    ]);
    expect(bundle.requires?.["goblin-host:monitor.access.token"]).toEqual({
      file: token,
      remedy: "Put it there, or do without: pulumi config rm --path 'goblin-host:monitor.access.token'",
    });
    expect(bundle.requires?.["goblin-host:monitor.access.certificate"]?.file).toBe(certificate);
    // The key is the monitor's alone.
    expect(JSON.stringify(bundle)).not.toContain(key);
  });

  it("hands Alertmanager a configuration of the owner's, or a secret one, and has none of its own then", () => {
    const config = "/etc/goblin-host/alertmanager.yml";
    const given = render({ alertmanager: { config } });
    const secret = render({}, {}, { hasSecretConfig: true });
    const at = "/run/credentials/prometheus-alertmanager.service/alertmanager.yml";
    const from = "/etc/goblin-host/credentials/alertmanager.yml";
    for (const [bundle, file] of [
      [given, config],
      [secret, from],
    ] as const) {
      expect(bundle.files?.[`${FOLDER}/alertmanager.yml`]).toBeUndefined();
      expect(bundle.units?.["prometheus-alertmanager.service"]?.cmdline).toContain(` --config.file=${at} `);
      expect(linesOf(bundle, DROP_INS.alertmanager, /^LoadCredential/)).toEqual([
        `LoadCredential=alertmanager.yml:${file}`,
      ]);
    }
    expect(given.requires?.["goblin-host:prometheus.alertmanager.config"]?.file).toBe(config);
    const restartOn = (bundle: typeof given) => bundle.units?.["prometheus-alertmanager.service"]?.restartOn;
    expect(restartOn(given)).toEqual([DROP_INS.alertmanager]);
    expect(restartOn(secret)).toEqual([from, DROP_INS.alertmanager]);
  });

  it("has the rules of the monitor's own settings", () => {
    const rules = (monitor: MonitorSettings) =>
      contentOf(render({}, monitor), `${FOLDER}/ai-resource-monitor.rules.yml`);
    expect(rules({})).toBe(renderPrometheusRules({ for: "60s", intervalSeconds: 10 }));
    expect(rules({ alerts: { for: "5min" }, interval: "60s" })).toBe(
      renderPrometheusRules({ for: "300s", intervalSeconds: 60 }),
    );
  });
});

describe("the configurations", () => {
  it("of Prometheus: the monitor, itself, and where its alerts go", () => {
    expect(
      renderPrometheusConfig({
        host: "goblin",
        monitor: { address: "[::1]:9465" },
        prometheus: { address: "::1", port: 9090 },
        alertmanager: { address: "127.0.0.1", port: 9093 },
        rules: "a.rules.yml",
      }),
    ).toBe(`${HEADER}global:
  scrape_interval: 30s
  evaluation_interval: 30s
alerting:
  alertmanagers:
    - static_configs:
        - targets:
            - 127.0.0.1:9093
rule_files:
  - a.rules.yml
scrape_configs:
  - job_name: ai-resource-monitor
    static_configs:
      - targets:
          - "[::1]:9465"
        labels:
          instance: goblin
  - job_name: prometheus
    static_configs:
      - targets:
          - "[::1]:9090"
        labels:
          instance: goblin
`);
  });

  it("of Alertmanager: nobody is told, or a webhook, and never of the heartbeat", () => {
    expect(renderAlertmanagerConfig()).toBe(`${HEADER}route:
  receiver: nobody
receivers:
  - name: nobody
`);
    expect(renderAlertmanagerConfig({ webhook: "https://hooks.example.com/#hunter2" })).toBe(`${HEADER}route:
  receiver: webhook
  group_by:
    - alertname
    - instance
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - receiver: nobody
      matchers:
        - alertname="AirmHeartbeat"
receivers:
  - name: nobody
  - name: webhook
    webhook_configs:
      - url: https://hooks.example.com/#hunter2
        send_resolved: true
`);
  });

  it("with a secret is a bundle of its own that root alone reads", () => {
    const { files, ...bundle } = renderPrometheusCredentials({ webhook: "https://hooks.example.com/x" });
    expect(bundle).toEqual({ name: "prometheus-credentials", secret: true });
    expect(files).toEqual({
      "/etc/goblin-host/credentials/alertmanager.yml": {
        mode: "0400",
        content: renderAlertmanagerConfig({ webhook: "https://hooks.example.com/x" }),
      },
    });
    expect(renderPrometheusCredentials({}).files).toEqual({});
  });
});

describe("the settings", () => {
  const wrong = (given: unknown): string[] => {
    const checked = checkSettings(PrometheusSettings, given);
    return "issues" in checked
      ? checked.issues.map(
          (issue) => formatIssue(issue, formatPath(issue.path), undefined).split("\n")[0] ?? "",
        )
      : [];
  };

  it("are off unless asked for, and fit a host of 4 GiB", () => {
    const { enabled, listen, retention, memory, cpu, alertmanager } = PrometheusSettings.parse({});
    expect(enabled).toBe(false);
    expect([listen, alertmanager.listen]).toEqual([
      { address: "127.0.0.1", port: 9090 },
      { address: "127.0.0.1", port: 9093 },
    ]);
    expect([retention.days, String(retention.size)]).toEqual([15, "1GiB"]);
    expect([memory.max, usualHigh(memory.max)].map(String)).toEqual(["384MiB", "256MiB"]);
    const { max } = alertmanager.memory;
    expect([max, usualHigh(max)].map(String)).toEqual(["96MiB", "64MiB"]);
    expect([memory.high, alertmanager.memory.high]).toEqual([undefined, undefined]);
    expect([cpu.quota, alertmanager.cpu.quota]).toEqual([50, 20]);
  });

  it.each([
    [{ listen: "0.0.0.0:9090" }, 'listen is "0.0.0.0:9090": others than this host reach that address'],
    [{ listen: "10.0.0.5:9090" }, 'listen is "10.0.0.5:9090": others than this host reach that address'],
    [{ listen: "127.0.0.1:80" }, 'listen is "127.0.0.1:80": a port below 1024 is for root alone'],
    [{ listen: "9090" }, 'listen is "9090": that is no IP address and port'],
    [
      { alertmanager: { listen: "localhost:9093" } },
      'alertmanager.listen is "localhost:9093": that is no IP address and port',
    ],
    [{ retention: "15d" }, 'retention is "15d": that is not allowed here'],
    [{ retention: { days: 0 } }, "retention.days is 0: that is less than 1"],
    [{ retention: { size: "1MiB" } }, 'retention.size is "1MiB": that is less than 128MiB'],
    [{ memory: { max: "64MiB" } }, 'memory.max is "64MiB": that is less than 128MiB'],
    [{ memory: { high: "384MiB" } }, 'memory.high is "384MiB": it must be below max, 384MiB'],
    [
      { alertmanager: { memory: { high: "1MiB" } } },
      'alertmanager.memory.high is "1MiB": that is less than 32MiB',
    ],
    [{ cpu: { quota: "50" } }, 'cpu.quota is "50": a quota needs its percent sign: 100% is one core'],
    [
      { alertmanager: { config: "alertmanager.yml" } },
      'alertmanager.config is "alertmanager.yml": that is no such path',
    ],
    [{ serverName: "goblin example" }, 'serverName is "goblin example": that is no such name'],
    [{ limits: {} }, "limits is {}: there is no such setting"],
  ])("refuse %o", (given, message) => {
    expect(wrong(given)).toEqual([message]);
  });

  it("propose what mends them", () => {
    const fix = (given: unknown): unknown => {
      const checked = checkSettings(PrometheusSettings, given);
      return "issues" in checked ? checked.issues.map((issue) => issue.fix) : [];
    };
    expect(fix({ listen: "[fd00::1]:9090" })).toEqual(["127.0.0.1:9090"]);
    expect(fix({ listen: "[::1]:443" })).toEqual(["[::1]:9090"]);
    expect(fix({ alertmanager: { listen: "127.0.0.1" } })).toEqual(["127.0.0.1:9093"]);
    expect(fix({ memory: { max: "300MiB", high: "300MiB" } })).toEqual(["200MiB"]);
    expect(fix({ memory: { max: "128MiB", high: "1GiB" } })).toEqual(["85MiB"]);
  });
});

describe("PrometheusStack", () => {
  let registered: Registered[];
  let components: typeof import("../../components");
  const monitor = { listen: "127.0.0.1:9465" };

  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
    components = await import("../../components");
  });

  // What a test left unfinished must not meet the mocks of the next one.
  afterEach(settle);

  const found = (name: string) => registered.find((resource) => resource.name === name);

  it("is one bundle, and nobody is told", async () => {
    const stack = new components.PrometheusStack("prometheus", { host, monitor });
    await settle();
    expect(commands(registered).map(({ name }) => name)).toEqual(["prometheus-bundle-apply"]);
    expect(textOf(found("prometheus-bundle-apply"))).toContain('name: "prometheus-stack"\n');
    expect(stack.listen).toEqual({ address: "127.0.0.1", port: 9090 });
  });

  it("tells by an address that is a secret: in a bundle before its own, which follows each new one", async () => {
    const pulumi = await import("@pulumi/pulumi");
    for (const [name, address, webhook] of [
      ["now", "198.51.100.7", "https://hooks.example.com/hunter2"],
      ["later", "198.51.100.8", pulumi.secret("https://hooks.example.com/hunter2")],
    ] as const)
      new components.PrometheusStack(name, {
        host: { ...host, name, address },
        monitor,
        credentials: { webhook },
      });
    await settle();
    for (const name of ["now", "later"]) {
      const secret = found(`${name}-credentials-apply`);
      expect(isSecretInput(secret)).toBe(true);
      expect(textOf(secret)).toContain("          - url: https://hooks.example.com/hunter2\n");
      const own = found(`${name}-bundle-apply`);
      expect(own?.dependsOn).toContain(`${name}-credentials-apply`);
      expect(own?.inputs["create"]).toBe(
        `/usr/local/sbin/ai-resource-manager apply prometheus-stack # for receipt of ${name}-credentials-apply`,
      );
      expect(isSecretInput(own)).toBe(false);
    }
    const others = registered.filter(({ name }) => !name.endsWith("-credentials-apply"));
    expect(JSON.stringify(others)).not.toContain("hunter2");
  });

  it("refuses who is told twice, a monitor without an address, and a certificate without a name", () => {
    const make = (args: object) => () =>
      new components.PrometheusStack("prometheus", { host, monitor, ...args });
    expect(
      make({
        alertmanager: { config: "/etc/goblin-host/alertmanager.yml" },
        credentials: { webhook: "https://hooks.example.com/x" },
      }),
    ).toThrow(
      '"prometheus" tells who is told twice: in alertmanager.config, a file of yours, and in credentials.webhook',
    );
    expect(make({ monitor: {} })).toThrow(
      'the settings of "prometheus" are not valid: Prometheus scrapes the monitor at an address, and it has none; it is listen of the monitor\'s settings',
    );
    const folder = "/etc/ai-resource-monitor";
    const access = { certificate: `${folder}/c.pem`, key: `${folder}/k.pem` };
    expect(make({ monitor: { ...monitor, access } })).toThrow(
      'the settings of "prometheus" are not valid: serverName is missing: the monitor shows a certificate',
    );
  });
});

describe("the next steps", () => {
  const target = { address: "203.0.113.10", port: 2222, user: "deploy" };
  const page = { listen: { address: "127.0.0.1", port: 9465 }, setting: "goblin-host:monitor.listen" };

  it("have a tunnel to Prometheus, whose end has the port that its links have", () => {
    expect(nextSteps(target, page, { address: "127.0.0.1", port: 9191 }).at(-1)).toBe(
      "Prometheus: ssh -N -o ExitOnForwardFailure=yes -L 127.0.0.1:9191:127.0.0.1:9191 -p 2222 deploy@203.0.113.10, then open http://127.0.0.1:9191/",
    );
    expect(nextSteps(target, page, { address: "::1", port: 9090 }).at(-1)).toContain(
      "-L 127.0.0.1:9090:[::1]:9090 ",
    );
    expect(nextSteps(target, page).join("\n")).not.toContain("Prometheus");
  });
});
