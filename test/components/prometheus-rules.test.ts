import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { RATES } from "../../components/prometheus/rates";
import { renderPrometheusRules, ruleName } from "../../components/prometheus/rules";
import { THRESHOLDS_USED } from "../../components/prometheus/thresholds";
import { ALERT_NAMES, type AlertName } from "../../monitor/alerts/condition";
import { debianProgram, hasApt } from "../support/debian-programs";

const ROOT = join(import.meta.dirname, "../..");
const HOST = 'job="ai-resource-monitor",instance="a"';
const OTHER = 'job="ai-resource-monitor",instance="b"';

/** Samples a minute apart: what raises an alert, and what on another host does not. */
interface Case {
  readonly firing: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary: string;
}

const threshold = (alert: string, host: string, value: number, labels = "") => ({
  [`airm_alert_threshold_ratio{alert="${alert}",severity="warning",${host}${labels}}`]: `${value}x20`,
});
/** A ratio over the host's own threshold; the other host has more, and a higher threshold. */
function ratio(alert: string, metric: string, labels: Record<string, string>, summary: string): Case {
  const text = Object.entries(labels)
    .map(([key, value]) => `,${key}="${value}"`)
    .join("");
  const service = labels.service === undefined ? "" : `,service="${labels.service}"`;
  return {
    firing: { [`${metric}{${HOST}${text}}`]: "0.6x20", ...threshold(alert, HOST, 0.5, service) },
    quiet: { [`${metric}{${OTHER}${text}}`]: "0.89x20", ...threshold(alert, OTHER, 0.9, service) },
    labels,
    summary,
  };
}
function fact(
  metric: string,
  labels: Record<string, string>,
  firing: number,
  quiet: number,
  summary: string,
): Case {
  const text = Object.entries(labels)
    .map(([key, value]) => `,${key}="${value}"`)
    .join("");
  return {
    firing: { [`${metric}{${HOST}${text}}`]: `${firing}x20` },
    quiet: { [`${metric}{${OTHER}${text}}`]: `${quiet}x20` },
    labels,
    summary,
  };
}

const OLLAMA = { service: "ollama" };
const DISK = { device: "/dev/vdb", fstype: "xfs", mountpoint: "/srv/models" };

const CASES: Readonly<Record<AlertName, Case>> = {
  memory: ratio("memory", "airm_memory_used_ratio", {}, "High memory usage: 60%"),
  cpu: ratio("cpu", "airm_cpu_used_ratio", {}, "High CPU usage: 60%"),
  swap: ratio("swap", "airm_swap_judged_ratio", {}, "High swap usage: 60%"),
  oom: {
    firing: { [`airm_oom_kills_elsewhere_total{${HOST}}`]: "3x9 5x10" },
    // In a loop in a service: the host counts them, too.
    quiet: {
      [`airm_oom_kills_total{${OTHER}}`]: "7x5 17x14",
      [`airm_oom_kills_elsewhere_total{${OTHER}}`]: "3x20",
    },
    summary: "The kernel killed 2 processes outside the services for memory",
  },
  slice_memory: ratio(
    "slice_memory",
    "airm_slice_memory_used_ratio",
    { slice: "ai.slice" },
    "All AI services together (ai.slice): memory usage at 60%",
  ),
  disk: ratio("disk", "airm_filesystem_used_ratio", DISK, "High disk usage (/srv/models): 60%"),
  disk_inodes: {
    firing: {
      [`airm_filesystem_files{${HOST},mountpoint="/"}`]: "1000x20",
      [`airm_filesystem_files_free{${HOST},mountpoint="/"}`]: "50x20",
      ...threshold("disk_inodes", HOST, 0.9),
    },
    quiet: {
      // btrfs counts none.
      [`airm_filesystem_files{${OTHER},mountpoint="/"}`]: "0x20",
      [`airm_filesystem_files_free{${OTHER},mountpoint="/"}`]: "0x20",
      ...threshold("disk_inodes", OTHER, 0.9),
    },
    labels: { mountpoint: "/" },
    summary: "High inode usage (/): 95%",
  },
  disk_readonly: fact(
    "airm_filesystem_remounted_readonly",
    DISK,
    1,
    0,
    "Disk (/srv/models) has become read-only: the kernel saw errors on it",
  ),
  disk_mount: fact(
    "airm_filesystem_device_error",
    { device: "", mountpoint: "/srv/models" },
    1,
    0,
    "Disk (/srv/models) is not mounted",
  ),
  disk_error: fact("airm_filesystem_device_error", DISK, 1, 0, "Disk (/srv/models) cannot be measured"),
  service_down: fact("airm_service_up", OLLAMA, 0, 1, "Service ollama is not running"),
  service_probe: fact("airm_service_probe_success", OLLAMA, 0, 1, "Service ollama fails its probe"),
  service_memory: ratio(
    "service_memory",
    "airm_service_memory_used_ratio",
    OLLAMA,
    "Service ollama memory usage at 60%",
  ),
  service_thrash: ratio(
    "service_thrash",
    "airm_service_thrash_ratio",
    OLLAMA,
    "Service ollama waits for memory 60% of the time",
  ),
  service_oom: counter(
    "airm_service_oom_kills_total",
    "1x9 2x10",
    "1x20",
    "Service ollama: the kernel killed processes of it for memory",
  ),
  service_restarts: counter(
    "airm_service_restarts_total",
    "0x8 1x2 2x2 3x7",
    "0x9 1x2 2x8",
    "Service ollama started again 3 times",
  ),
  service_vram: ratio(
    "service_vram",
    "airm_service_vram_used_ratio",
    OLLAMA,
    "Service ollama VRAM usage at 60%",
  ),
  gpu: fact("airm_gpu_failed", {}, 2, 0, "2 GPUs are lost, or answer no more"),
  verification: fact(
    "airm_manager_verify_success",
    {},
    0,
    1,
    "Drift: ai-resource-manager verify finds that the host is not as declared",
  ),
  collector: fact("airm_collector_success", { collector: "memory" }, 0, 1, "Not measured: memory"),
};

function counter(metric: string, firing: string, quiet: string, summary: string): Case {
  return {
    firing: { [`${metric}{${HOST},service="ollama"}`]: firing },
    quiet: { [`${metric}{${OTHER},service="ollama"}`]: quiet },
    labels: OLLAMA,
    summary,
  };
}

/** Counters that grow by so much a minute, and what is recorded of that; nothing where it stands still: no sample at all. */
interface RateCase {
  readonly counters: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly recorded: number;
  readonly idle: 0 | undefined;
}

/** Half of `each` a second. */
const per = (counter: string, labels: Record<string, string> = {}, each = 60): RateCase => ({
  counters: { [counter]: 30 * each },
  labels,
  recorded: each / 2,
  idle: 0,
});
const lost = (way: string): RateCase => ({
  counters: { [`airm_network_${way}_errors_total`]: 60, [`airm_network_${way}_drop_total`]: 180 },
  labels: { device: "eth0" },
  recorded: 4,
  idle: 0,
});
const partOf = (counters: Record<string, number>, recorded: number): RateCase => ({
  counters,
  labels: OLLAMA,
  recorded,
  idle: undefined,
});
const pressures = (name: string, counter: string, labels = {}) =>
  Object.fromEntries(
    ["cpu_waiting", "memory_waiting", "io_waiting", "memory_stalled", "io_stalled"].map((kind) => [
      `airm:${name}_${kind}:ratio`,
      per(`airm_${counter}_${kind}_seconds_total`, labels, 1),
    ]),
  );

const RATE_CASES: Readonly<Record<string, RateCase>> = {
  "airm:cpu:cores": per("airm_cpu_seconds_total", { mode: "user" }, 4),
  ...pressures("pressure", "pressure"),
  "airm:disk_read:bytes_per_second": per("airm_disk_read_bytes_total", { device: "sda" }),
  "airm:disk_written:bytes_per_second": per("airm_disk_written_bytes_total", { device: "sda" }),
  "airm:disk_busy:ratio": per("airm_disk_io_time_seconds_total", { device: "sda" }, 1),
  "airm:network_receive:bytes_per_second": per("airm_network_receive_bytes_total", { device: "eth0" }),
  "airm:network_transmit:bytes_per_second": per("airm_network_transmit_bytes_total", { device: "eth0" }),
  "airm:network_receive_lost:packets_per_second": lost("receive"),
  "airm:network_transmit_lost:packets_per_second": lost("transmit"),
  "airm:service_cpu:cores": per("airm_service_cpu_usage_seconds_total", OLLAMA, 2),
  "airm:service_cpu_throttled:ratio": partOf(
    { airm_service_cpu_cfs_throttled_periods_total: 150, airm_service_cpu_cfs_periods_total: 600 },
    0.25,
  ),
  ...pressures("service", "service_pressure", OLLAMA),
  "airm:service_memory_refaulted:bytes_per_second": per("airm_service_memory_refaulted_bytes_total", OLLAMA),
  "airm:service_fs_reads:bytes_per_second": per("airm_service_fs_reads_bytes_total", OLLAMA),
  "airm:service_fs_writes:bytes_per_second": per("airm_service_fs_writes_bytes_total", OLLAMA),
  "airm:service_network_receive:bytes_per_second": per("airm_service_network_receive_bytes_total", OLLAMA),
  "airm:service_network_transmit:bytes_per_second": per("airm_service_network_transmit_bytes_total", OLLAMA),
  "airm:service_prompt_tokens:per_second": per("airm_service_prompt_tokens_total", OLLAMA),
  "airm:service_prompt_tokens:per_busy_second": partOf(
    { airm_service_prompt_tokens_total: 4800, airm_service_prompt_seconds_total: 10 },
    480,
  ),
  "airm:service_predicted_tokens:per_second": per("airm_service_predicted_tokens_total", OLLAMA),
  "airm:service_predicted_tokens:per_busy_second": partOf(
    { airm_service_predicted_tokens_total: 1500, airm_service_predicted_seconds_total: 30 },
    50,
  ),
  "airm:service_prompt_tokens_cached:ratio": partOf(
    { airm_service_prompt_cached_tokens_total: 300, airm_service_prompt_tokens_total: 1200 },
    0.2,
  ),
};

/** The alerts that compare a ratio. */
const RATIO_ALERTS = [
  "memory",
  "cpu",
  "swap",
  "slice_memory",
  "disk",
  "disk_inodes",
  "service_memory",
  "service_thrash",
  "service_vram",
] as const satisfies readonly AlertName[];

test("prometheus/ai-resource-monitor.rules.yml is what the renderer says", () => {
  const file = readFileSync(join(ROOT, "prometheus/ai-resource-monitor.rules.yml"), "utf8");
  expect(file).toBe(renderPrometheusRules());
});

test("every rate that is recorded has its case, and every alert that compares a ratio records how near it is", () => {
  expect(RATES.map(({ record }) => record)).toEqual(Object.keys(RATE_CASES));
  expect(THRESHOLDS_USED.map(({ labels }) => labels.alert)).toEqual(RATIO_ALERTS);
  const comparing = [...renderPrometheusRules().matchAll(/- alert: (\w+)\n +expr: .* > on .*/g)];
  expect(comparing.map(([, name]) => name)).toEqual(RATIO_ALERTS.map(ruleName));
});

test("docs/alerts.md has a section for each alert, and no other", () => {
  const page = readFileSync(join(ROOT, "docs/alerts.md"), "utf8");
  const sections = [...page.matchAll(/^## (\w+)$/gm)].map(([, name]) => name);
  expect(sections).toEqual([...ALERT_NAMES, "silence", "heartbeat"]);
});

describe.skipIf(!hasApt)("promtool (skipped where there is no apt to have it from)", () => {
  const folder = mkdtempSync(join(tmpdir(), "airm-rules-"));
  let promtool: string;
  beforeAll(async () => {
    promtool = await debianProgram("promtool");
    writeFileSync(join(folder, "rules.yml"), renderPrometheusRules({ for: "2m" }));
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function run(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(promtool, args, { cwd: folder, encoding: "utf8" });
    return { status, said: stdout + stderr };
  }

  test("finds the rules right", () => {
    expect(run("check", "rules", "--lint-fatal", "rules.yml")).toEqual({
      status: 0,
      said: expect.stringContaining("SUCCESS") as string,
    });
  });

  test("finds nothing to say about the metrics", () => {
    const input = readFileSync(join(ROOT, "test/monitor/goldens/sample.prom"), "utf8");
    const { status, stdout, stderr } = spawnSync(promtool, ["check", "metrics"], { input, encoding: "utf8" });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test.each([...ALERT_NAMES])("%s fires on the host where it holds, and on no other", (name) => {
    expect(outcomeOf(name, CASES[name])).toEqual({
      status: 0,
      said: expect.stringContaining("SUCCESS") as string,
    });
  });

  test.each(Object.entries(RATE_CASES))(
    "%s is recorded",
    (record, { counters, labels = {}, recorded, idle }) => {
      const text = Object.entries(labels)
        .map(([key, value]) => `,${key}="${value}"`)
        .join("");
      const series = Object.fromEntries(
        Object.entries(counters).flatMap(([counter, step]) => [
          [`${counter}{${HOST}${text}}`, `7+${step}x20`],
          [`${counter}{${OTHER}${text}}`, "7x20"],
        ]),
      );
      const sample = (host: string, value: number | undefined) =>
        value === undefined ? [] : [{ labels: `{${host}${text}}`, value }];
      expect(
        asked(record, series, `round(${record}, 0.001)`, [...sample(HOST, recorded), ...sample(OTHER, idle)]),
      ).toEqual({ status: 0, said: expect.stringContaining("SUCCESS") as string });
    },
  );

  test.each(RATIO_ALERTS)("how near %s is to its own host's threshold is recorded", (name) => {
    const { firing, quiet, labels = {} } = CASES[name];
    const about = Object.entries(labels)
      .map(([key, value]) => `,${key}="${value}"`)
      .join("");
    const used = name === "disk_inodes" ? { [HOST]: 1.056 } : { [HOST]: 1.2, [OTHER]: 0.989 };
    const samples = Object.entries(used).map(([host, value]) => ({
      labels: `{alert="${name}",${host}${about}}`,
      value,
    }));
    const query = `round(airm:alert_threshold_used:ratio{alert="${name}"}, 0.001)`;
    expect(asked(`used-${name}`, { ...firing, ...quiet }, query, samples)).toEqual({
      status: 0,
      said: expect.stringContaining("SUCCESS") as string,
    });
  });

  test("would say so if something else was recorded", () => {
    const [record] = Object.keys(RATE_CASES);
    expect(
      asked("other", { [`airm_cpu_seconds_total{${HOST}}`]: "0+60x20" }, record ?? "", []),
    ).toMatchObject({
      status: 1,
    });
  });

  test("would say so if one did not fire, or another did", () => {
    const { firing, quiet, ...about } = CASES.service_down;
    expect(outcomeOf("service_down", { ...about, firing: quiet, quiet: {} })).toMatchObject({ status: 1 });
    const both = Object.fromEntries(Object.keys(quiet).map((series) => [series, "0x20"]));
    expect(outcomeOf("service_down", { ...about, firing, quiet: both })).toMatchObject({ status: 1 });
  });

  test("a host that is silent, and one that is asked in vain; not one that is scraped once a minute", () => {
    const series = {
      [`airm_last_collection_timestamp_seconds{${HOST}}`]: "0+60x5 300x14",
      // What was collected half a minute before it was scraped, by a clock that is behind.
      [`airm_last_collection_timestamp_seconds{${OTHER}}`]: "-60+60x20",
      [`up{job="ai-resource-monitor",instance="c"}`]: "1x5 0x14",
    };
    const summary = (instance: string) => `${instance} is silent: nothing has been collected there`;
    const expected = ["a", "c"].map((instance) => ({
      exp_labels: { job: "ai-resource-monitor", instance, severity: "critical" },
      exp_annotations: { summary: summary(instance), runbook: "docs/alerts.md#silence" },
    }));
    expect(tested("silence", series, expected)).toEqual({
      status: 0,
      said: expect.stringContaining("SUCCESS") as string,
    });
  });

  test("the heartbeat always fires", () => {
    const expected = [
      {
        exp_labels: { severity: "none" },
        exp_annotations: { summary: "Alerts arrive", runbook: "docs/alerts.md#heartbeat" },
      },
    ];
    expect(tested("heartbeat", {}, expected)).toMatchObject({ status: 0 });
  });

  function outcomeOf(name: AlertName, { firing, quiet, labels = {}, summary }: Case) {
    const rules = renderPrometheusRules();
    const [, declared = ""] = new RegExp(`alert: ${ruleName(name)}\n[^]*?severity: (.*)`).exec(rules) ?? [];
    const severity = name === "collector" ? "critical" : declared;
    const told = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
    return tested(name, { ...firing, ...quiet }, [
      {
        exp_labels: { job: "ai-resource-monitor", instance: "a", severity, ...told },
        exp_annotations: { summary, runbook: `docs/alerts.md#${name}` },
      },
    ]);
  }

  function tested(name: string, series: Record<string, string>, expected: readonly object[]) {
    return tell(name, series, {
      alert_rule_test: [{ eval_time: "15m", alertname: ruleName(name), exp_alerts: expected }],
    });
  }

  function asked(name: string, series: Record<string, string>, expr: string, expected: readonly object[]) {
    return tell(name.replaceAll(":", "-"), series, {
      promql_expr_test: [{ eval_time: "15m", expr, exp_samples: expected }],
    });
  }

  function tell(name: string, series: Record<string, string>, expectation: object) {
    const file = join(folder, `${name}.yml`);
    const input = Object.entries(series).map(([one, values]) => ({ series: one, values }));
    const test = { interval: "1m", input_series: input, ...expectation };
    writeFileSync(file, stringify({ rule_files: ["rules.yml"], evaluation_interval: "1m", tests: [test] }));
    return run("test", "rules", file);
  }
});
