import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { renderPrometheusRules, ruleName } from "../../components/prometheus/rules";
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

test("prometheus/ai-resource-monitor.rules.yml is what the renderer says", () => {
  const file = readFileSync(join(ROOT, "prometheus/ai-resource-monitor.rules.yml"), "utf8");
  expect(file).toBe(renderPrometheusRules());
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
    const file = join(folder, `${name}.yml`);
    const test = {
      interval: "1m",
      input_series: Object.entries(series).map(([one, values]) => ({ series: one, values })),
      alert_rule_test: [{ eval_time: "15m", alertname: ruleName(name), exp_alerts: expected }],
    };
    writeFileSync(file, stringify({ rule_files: ["rules.yml"], evaluation_interval: "1m", tests: [test] }));
    return run("test", "rules", file);
  }
});
