import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { GpuReading } from "../../monitor/collectors/nvidia-smi";
import type { MonitorConfig, SettledConfig } from "../../monitor/config/schema";
import { Monitor } from "../../monitor/monitor";
import type { Capacity } from "../../monitor/report/capacity";
import { History } from "../../monitor/output/history";
import { parseCollected } from "../../monitor/output/outputs";
import { readOutput } from "../../monitor/cli/print";
import {
  collectorOf,
  FakeClock,
  FixtureHost,
  GPU_READING,
  settled,
  type TestTools,
  terabyte,
} from "./fixture-host";
import { FilesystemCollector } from "../../monitor/collectors/filesystem";

const hosts: FixtureHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
});

class Bench {
  readonly host: FixtureHost;
  readonly clock = new FakeClock();
  readonly warnings: string[] = [];
  readonly config: SettledConfig;
  usedGib = 450;
  inodesFree = 900;
  diskError: Error | undefined;
  monitor: Monitor;

  constructor(situations: string[], config: MonitorConfig = {}, tools: TestTools = {}) {
    this.host = new FixtureHost(...situations);
    hosts.push(this.host);
    this.host.write("manager/monitor-request", "t0 +0000\n");
    this.config = settled({ alerts: { forSeconds: 0 }, ...config });
    this.tools = tools;
    this.monitor = this.start();
  }

  private readonly tools: TestTools;

  start(): Monitor {
    const filesystem = new FilesystemCollector(this.host.roots, () =>
      this.diskError === undefined
        ? Promise.resolve({ ...terabyte(this.usedGib, 0), ffree: this.inodesFree })
        : Promise.reject(this.diskError),
    );
    const collector = collectorOf(this.host, this.config, { clock: this.clock, filesystem, ...this.tools });
    this.monitor = new Monitor(this.config, this.host.roots, collector, this.clock, (message) =>
      this.warnings.push(message),
    );
    return this.monitor;
  }

  available(gib: number): void {
    this.host.write(
      "proc/meminfo",
      `MemTotal: ${20 * 2 ** 20} kB\nMemFree: 0 kB\nMemAvailable: ${Math.floor(gib * 2 ** 20)} kB\nCached: 0 kB\n`,
    );
  }

  async pass(seconds = 10) {
    this.clock.pass(seconds);
    return this.monitor.collect();
  }

  get unseen(): readonly string[] | undefined {
    return parseCollected(readFileSync(join(this.host.roots.run, "collected"), "utf8"))?.unseen;
  }

  get log(): string {
    return readFileSync(join(this.host.roots.log, "alerts.log"), "utf8");
  }
}

describe("room for more work", () => {
  const judged = async (bench: Bench, availableGib: number) => {
    bench.available(availableGib);
    const { capacity } = await bench.pass();
    const { available, reasons, headroom } = JSON.parse(capacity) as Capacity;
    expect(bench.monitor.available).toBe(available);
    return [available, reasons.join(), headroom.memory];
  };

  test("what was full stays so until five points of it are free again", async () => {
    const bench = new Bench(["systemd"]);
    bench.monitor.prime();
    bench.host.overlay("systemd-10s-later");
    await bench.pass();
    // Two samples of CPU that are the same are no time, and none of it measured.
    expect(await judged(bench, 10)).toEqual([false, "cpu is not measured", 0.35]);
    const cpu = () => {
      const stat = readFileSync(join(bench.host.folder, "proc/stat"), "utf8");
      const more = (line: string) =>
        line.replace(
          /^(cpu\S*\s+(?:\d+ ){3})(\d+)/,
          (_, head: string, idle: string) => head + String(Number(idle) + 1000),
        );
      bench.host.write("proc/stat", stat.split("\n").map(more).join("\n"));
    };
    const course = [];
    for (const gib of [10, 2, 3.4, 4, 3.4, 3]) {
      cpu();
      course.push(await judged(bench, gib));
    }
    expect(course.map(([available, reasons]) => [available, reasons])).toEqual([
      [true, ""],
      [false, "memory is full"],
      [false, "memory is full"],
      [true, ""],
      [true, ""],
      [false, "memory is full"],
    ]);
  });

  test("VRAM: the fullest budget that has a threshold, else the fullest card", async () => {
    const room = async (services: MonitorConfig["services"]) => {
      const bench = new Bench(
        ["systemd"],
        { ...(services && { services }) },
        { gpu: { read: () => Promise.resolve(GPU_READING) } },
      );
      const { capacity } = await bench.pass();
      return (JSON.parse(capacity) as Capacity).headroom.vram;
    };
    const ollama = { name: "ollama", runtime: "systemd", vramMaxBytes: 12.5 * 2 ** 30 } as const;
    expect(await room([{ ...ollama, vramThreshold: 90 }])).toBeCloseTo(0.1, 10);
    expect(await room([ollama])).toBeCloseTo(0.4, 10);
  });
});

describe("alerts, from the kernel's numbers to the log", () => {
  test("memory: the specification's line, and its end", async () => {
    const bench = new Bench([]);
    bench.available(1.6);
    bench.clock.pass(290);
    const raised = await bench.pass();
    bench.available(4.4);
    const resolved = await bench.pass();
    expect(bench.log).toBe(
      "2025-12-08 10:35:00 ALERT: High memory usage: 92% (18.4GB/20GB)\n" +
        "2025-12-08 10:35:10 RESOLVED: High memory usage: 78% (15.6GB/20GB)\n",
    );
    expect(raised.alerts).toBe(
      "Firing:\n  High memory usage: 92% (18.4GB/20GB) (since 2025-12-08 10:35:00)\n\n" +
        "Last alerts:\n2025-12-08 10:35:00 ALERT: High memory usage: 92% (18.4GB/20GB)\n",
    );
    expect(raised.prometheus).toContain('airm_alert_firing{alert="memory",severity="warning"} 1');
    expect(raised.capacity).toContain('"available": false');
    expect(resolved.alerts).toMatch(/^Firing: none\n\nLast alerts:\n/);
  });

  test("disk, swap, CPU, a service and its VRAM", async () => {
    const bench = new Bench(
      ["systemd"],
      {
        thresholds: { cpu: 40, service: 52 },
        services: [{ name: "ollama", runtime: "systemd", vramThreshold: 90, vramMaxBytes: 10.5 * 2 ** 30 }],
      },
      { gpu: { read: () => Promise.resolve(GPU_READING) } },
    );
    bench.usedGib = 942.08;
    bench.host.write("proc/swaps", "Filename Type Size Used Priority\n/swapfile file 16777216 12058624 10\n");
    bench.monitor.prime();
    bench.host.overlay("systemd-10s-later");
    await bench.pass();
    expect(bench.log.split("\n").map((line) => line.slice(20))).toEqual([
      "ALERT: High CPU usage: 45%",
      "ALERT: High swap usage: 71% (11.5GB/16GB)",
      "ALERT: High disk usage (/srv/models): 92% (0.92TB/1TB)",
      "ALERT: High disk usage (/): 92% (0.92TB/1TB)",
      "ALERT: Service ollama memory usage at 52%",
      "ALERT: Service ollama VRAM usage at 95%",
      "",
    ]);
  });

  /** The lines of the log so far, without their times; the log begins anew. */
  const told = (bench: Bench): string[] => {
    const lines = bench.log.trimEnd().split("\n");
    rmSync(join(bench.host.roots.log, "alerts.log"));
    return lines.map((line) => line.slice(20));
  };

  test("a service that is down, and one that fails its probe", async () => {
    let status = 503;
    const bench = new Bench(
      ["systemd"],
      {
        services: [
          { name: "ollama", runtime: "systemd" },
          { name: "llamacpp", runtime: "systemd", health: { http: "http://127.0.0.1:1/health" } },
        ],
      },
      { http: { status: () => Promise.resolve(status), get: () => Promise.reject(new Error("unexpected")) } },
    );
    const events = "cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.events";
    bench.host.write(events, "populated 0\nfrozen 0\n");
    const down = await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: Service ollama is not running",
      "ALERT: Service llamacpp fails its probe: status 503",
    ]);
    expect(down.prometheus).toContain(
      'airm_alert_firing{alert="service_down",severity="critical",service="ollama"} 1',
    );
    bench.host.write(events, "populated 1\nfrozen 0\n");
    status = 200;
    await bench.pass();
    expect(told(bench)).toEqual([
      "RESOLVED: Service ollama is running",
      "RESOLVED: Service llamacpp answers its probe",
    ]);
  });

  test("processes that the kernel killed for memory: of a service that took its cgroup along, and of none", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const slice = "cgroup/ai.slice/ai-ollama.slice";
    const killed = (all: number, ofSlice: number) => {
      const vmstat = readFileSync(join(bench.host.folder, "proc/vmstat"), "utf8");
      bench.host.write("proc/vmstat", vmstat.replace(/^oom_kill .*$/m, `oom_kill ${all}`));
      bench.host.write(`${slice}/memory.events`, `low 0\nhigh 0\nmax 9\noom 3\noom_kill ${ofSlice}\n`);
    };
    killed(5, 2);
    await bench.pass();
    expect(() => bench.log).toThrow("ENOENT");
    killed(6, 3);
    bench.host.remove(`${slice}/ollama.service`);
    const { json } = await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: Service ollama is not running",
      "ALERT: Service ollama: the kernel killed 1 of its processes for memory within 10 min",
    ]);
    expect(JSON.parse(json)).toMatchObject({ services: [{ oomKills: 3 }] });
    bench.host.overlay("systemd");
    killed(8, 3);
    await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: Out of memory: the kernel killed 2 processes outside the services within 10 min",
      "RESOLVED: Service ollama is running",
    ]);
    await bench.pass(700);
    expect(told(bench)).toEqual([
      "RESOLVED: Out of memory: the kernel killed 0 processes outside the services within 10 min",
      "RESOLVED: Service ollama: the kernel killed 0 of its processes for memory within 10 min",
    ]);
  });

  test("what was counted goes on over a restart of the monitor, and not over a reboot", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const killed = (all: number, ofSlice: number) => {
      bench.host.write("proc/vmstat", `oom_kill ${all}\n`);
      bench.host.write("cgroup/ai.slice/ai-ollama.slice/memory.events", `oom_kill ${ofSlice}\n`);
    };
    killed(5, 2);
    await bench.pass();
    killed(7, 3);
    await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: Out of memory: the kernel killed 1 process outside the services within 10 min",
      "ALERT: Service ollama: the kernel killed 1 of its processes for memory within 10 min",
    ]);
    // While it was away one more of the service's, and two others.
    killed(10, 4);
    bench.start();
    const { prometheus } = await bench.pass();
    expect(prometheus).toContain("airm_oom_kills_elsewhere_total 3\n");
    expect(prometheus).toContain('airm_service_oom_kills_total{service="ollama"} 4\n');
    expect(() => bench.log).toThrow("ENOENT");
    await bench.pass(700);
    expect(told(bench)).toHaveLength(2);
    bench.host.write("proc/sys/kernel/random/boot_id", "another\n");
    killed(1, 1);
    bench.start();
    const rebooted = await bench.pass();
    expect(rebooted.prometheus).toContain("airm_oom_kills_elsewhere_total 0\n");
    expect(() => bench.log).toThrow("ENOENT");
  });

  test.each([
    "[",
    "{}",
    '{"bootId":"B","collector":{},"conditions":{}}',
    '{"bootId":"B","collector":{"oomKills":{"a":7},"gpus":[]},"conditions":{"recent":{},"elsewhere":{"total":0,"ahead":0,"services":{}}}}',
  ])("counters that cannot be are none: %s", async (text) => {
    const bench = new Bench(["systemd"]);
    const boot = readFileSync(join(bench.host.roots.procfs, "sys/kernel/random/boot_id"), "utf8").trim();
    bench.host.write("state/counters.json", text.replace('"B"', JSON.stringify(boot)));
    bench.start();
    await bench.pass();
    expect(bench.warnings.length).toBe(text === "{}" ? 0 : 1);
    expect(readFileSync(join(bench.host.roots.state, "counters.json"), "utf8")).toContain(boot);
  });

  test("a file that cannot be read ends no alert, whose ever it is", async () => {
    const bench = new Bench(
      ["systemd"],
      {
        thresholds: { service: 35 },
        services: [{ name: "ollama", runtime: "systemd", health: { http: "http://127.0.0.1:1/" } }],
      },
      { http: { status: () => Promise.resolve(500), get: () => Promise.reject(new Error("unexpected")) } },
    );
    await bench.pass();
    expect(told(bench)).toHaveLength(3);
    for (const file of [
      "ai.slice/memory.stat",
      "ai.slice/ai-ollama.slice/ollama.service/memory.stat",
      "cgroup.controllers",
    ]) {
      const path = join(bench.host.folder, "cgroup", file);
      const whole = readFileSync(path, "utf8");
      rmSync(path);
      if (file !== "cgroup.controllers") bench.host.write(`cgroup/${file}`, "anon 1\n");
      await bench.pass();
      expect(() => bench.log, file).toThrow("ENOENT");
      bench.host.write(`cgroup/${file}`, whole);
      await bench.pass();
      expect(() => bench.log, file).toThrow("ENOENT");
    }
  });

  test("a collection a moment after another is compared with what was before that", async () => {
    const bench = new Bench(["systemd"], { thresholds: { cpu: 40 } });
    bench.monitor.prime();
    bench.host.overlay("systemd-10s-later");
    await bench.pass();
    expect(told(bench)).toEqual(["ALERT: High CPU usage: 45%"]);
    const stat = readFileSync(join(bench.host.folder, "proc/stat"), "utf8");
    const idle = stat.replace(
      /^(cpu\S*\s+(?:\d+ ){3})(\d+)/gm,
      (_, head: string, ticks: string) => head + String(Number(ticks) + 2),
    );
    bench.host.write("proc/stat", idle);
    const { display } = await bench.pass(0.02);
    expect(display).toContain("CPU: 44%");
    expect(() => bench.log).toThrow("ENOENT");
  });

  test("a service that starts again and again", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    await bench.pass();
    for (const pid of [800, 801, 802]) {
      bench.host.write(
        `proc/${pid}/stat`,
        `${pid} (ollama) S ${Array.from({ length: 18 }, () => 1).join(" ")} ${pid}000 0`,
      );
      bench.host.write("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.procs", `${pid}\n`);
      for (const old of [500, 501, pid - 1])
        rmSync(join(bench.host.folder, `proc/${old}`), { recursive: true, force: true });
      await bench.pass();
    }
    expect(told(bench)).toEqual(["ALERT: Service ollama started again 3 times within 10 min"]);
  });

  test("the slice of all services is full, its page cache left out", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const gib = 2 ** 30;
    bench.host.write("cgroup/ai.slice/cgroup.events", "populated 1\n");
    bench.host.write("cgroup/ai.slice/memory.max", `${16 * gib}\n`);
    const use = (anon: number) => {
      bench.host.write("cgroup/ai.slice/memory.current", `${16 * gib}\n`);
      bench.host.write(
        "cgroup/ai.slice/memory.stat",
        `anon ${anon * gib}\nfile 0\nfile_mapped 0\ninactive_file 0\nactive_file ${(16 - anon) * gib}\n`,
      );
    };
    use(15.5);
    const { prometheus } = await bench.pass();
    expect(prometheus).toContain('airm_slice_memory_used_ratio{slice="ai.slice"} 0.96875');
    use(3);
    await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: All AI services together (ai.slice): memory usage at 96% (15.5GB/16GB)",
      "RESOLVED: All AI services together (ai.slice): memory usage at 18% (3GB/16GB)",
    ]);
  });

  test("inodes, a disk that has become read-only, one that does not answer; the root's as well", async () => {
    const bench = new Bench([]);
    const mounts = (models: string, root = "rw") => {
      bench.host.write(
        "proc/1/mountinfo",
        `28 1 254:1 / / rw - ext4 /dev/vda1 ${root}\n95 28 254:16 / /srv/models rw - xfs /dev/vdb ${models}\n`,
      );
    };
    mounts("rw");
    bench.inodesFree = 20;
    await bench.pass();
    expect(told(bench)).toEqual([
      "ALERT: High inode usage (/srv/models): 98%",
      "ALERT: High inode usage (/): 98%",
    ]);
    mounts("ro", "ro,errors=remount-ro");
    bench.inodesFree = 900;
    const { prometheus } = await bench.pass();
    expect(told(bench)).toEqual([
      "RESOLVED: High inode usage (/srv/models): 10%",
      "ALERT: Disk (/srv/models) has become read-only: the kernel saw errors on it",
      "RESOLVED: High inode usage (/): 10%",
      "ALERT: Disk (/) has become read-only: the kernel saw errors on it",
    ]);
    expect(prometheus).toContain(
      'airm_filesystem_remounted_readonly{device="/dev/vda1",fstype="ext4",mountpoint="/"} 1',
    );
    mounts("rw");
    bench.diskError = Object.assign(new Error("gone"), { code: "ESTALE" });
    await bench.pass();
    expect(told(bench)).toEqual([
      "RESOLVED: Disk (/srv/models) is as it was mounted",
      "ALERT: Disk (/srv/models) cannot be measured: ESTALE",
      "RESOLVED: Disk (/) is as it was mounted",
      "ALERT: Disk (/) cannot be measured: ESTALE",
    ]);
  });

  test("a service that waits for its memory, however little of it is in use; stopped, it waits no more", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const folder = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const stat = readFileSync(join(bench.host.folder, folder, "memory.stat"), "utf8");
    const waited = (microseconds: number, refaults: number) => {
      const line = (word: string) => `${word} avg10=0.00 avg60=0.00 avg300=0.00 total=${microseconds}\n`;
      bench.host.write(`${folder}/memory.pressure`, line("some") + line("full"));
      bench.host.write(
        `${folder}/memory.stat`,
        stat.replace(/(workingset_refault_file) .*/, `$1 ${refaults}`),
      );
    };
    waited(3_000_000, 0);
    bench.monitor.prime();
    waited(7_500_000, 220_848);
    await bench.pass();
    expect(bench.log).toContain(
      "ALERT: Service ollama waits for memory 45% of the time, and reads 86.3MB/s of it again\n",
    );
    bench.host.write(`${folder}/cgroup.events`, "populated 0\nfrozen 0\n");
    await bench.pass();
    expect(bench.log).toMatch(/RESOLVED: Service ollama waits for memory 0% of the time/);
  });

  test("where the kernel tells no pressure, a service that reads its limit again and again", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const folder = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const stat = readFileSync(join(bench.host.folder, folder, "memory.stat"), "utf8");
    bench.host.remove(`${folder}/memory.pressure`);
    bench.host.remove("proc/pressure");
    bench.monitor.prime();
    bench.host.write(`${folder}/memory.stat`, stat.replace(/(workingset_refault_file) .*/, "$1 220848"));
    await bench.pass();
    expect(bench.log).toContain("ALERT: Service ollama reads its memory again: 63% of its limit a minute\n");
  });

  test("a service whose cgroup cannot be read stays as it was, and nobody says that it stopped", async () => {
    const bench = new Bench(["systemd"], {
      thresholds: { service: 52 },
      services: [{ name: "ollama", runtime: "systemd" }],
    });
    await bench.pass();
    const events = "cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.events";
    bench.host.remove(events);
    bench.host.write(`${events}/x`, "");
    const { display, prometheus } = await bench.pass();
    expect(display).toMatch(/^ {2}ollama: not available \(EISDIR/m);
    expect(prometheus).not.toContain("airm_service_up");
    expect(bench.log).not.toContain("RESOLVED");
  });

  test("a GPU that is lost, also while nobody can ask", async () => {
    const known = ["0", "1"].map((index) => ({ index, name: "NVIDIA L4" }));
    let problems: GpuReading["problems"] | undefined = [
      { index: "1", text: "GPU 1 (NVIDIA L4) has vanished" },
    ];
    const read = () =>
      problems === undefined
        ? Promise.reject(new Error("no answer"))
        : Promise.resolve({ ...GPU_READING, known, problems });
    const bench = new Bench([], {}, { gpu: { read } });
    const { display, prometheus } = await bench.pass();
    expect(bench.log).toBe("2025-12-08 10:30:10 ALERT: GPU 1 (NVIDIA L4) has vanished\n");
    expect(display).toMatch(/memory util\nGPU 1 \(NVIDIA L4\) has vanished\n$/);
    expect(prometheus).toContain('airm_alert_firing{alert="gpu",severity="critical",gpu="1"} 1');
    problems = undefined;
    await bench.pass();
    expect(bench.log).not.toContain("RESOLVED");
    problems = [];
    await bench.pass();
    expect(bench.log).toContain("RESOLVED: GPU 1 (NVIDIA L4) answers\n");
  });

  test("what cannot be read for three collections in a row, and its end; the others' alerts go on", async () => {
    const bench = new Bench(["systemd"], {
      thresholds: { service: 50 },
      services: [
        { name: "ollama", runtime: "systemd" },
        { name: "llamacpp", runtime: "systemd" },
      ],
    });
    const meminfo = readFileSync(join(bench.host.roots.procfs, "meminfo"), "utf8");
    const torn = "cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service/memory.stat";
    const stat = readFileSync(join(bench.host.folder, torn), "utf8");
    bench.host.remove("proc/meminfo");
    bench.host.write(torn, "");
    await bench.pass();
    await bench.pass();
    expect(bench.log).toBe("2025-12-08 10:30:10 ALERT: Service ollama memory usage at 52%\n");
    expect(bench.unseen).toEqual(["memory"]);
    const blind = await bench.pass();
    expect(bench.log.split("\n").slice(1)).toEqual([
      `2025-12-08 10:30:30 ALERT: Not measured: memory (${bench.host.roots.procfs}/meminfo is not there)`,
      expect.stringMatching(
        /^2025-12-08 10:30:30 ALERT: Not measured: services \(llamacpp: .*memory\.stat has no/,
      ),
      "",
    ]);
    expect(blind.prometheus).toContain(
      'airm_alert_firing{alert="collector",severity="critical",collector="memory"} 1',
    );
    expect(blind.prometheus).toContain(
      'airm_alert_firing{alert="collector",severity="warning",collector="services"} 1',
    );
    expect(blind.display).toContain(
      `Memory: not available (${bench.host.roots.procfs}/meminfo is not there)`,
    );
    expect(blind.display).toMatch(/ {2}llamacpp: memory not available \(.*memory\.stat has no \S+: torn/);
    // A restart has not seen it fail three times: nothing is said to have ended.
    bench.start();
    await bench.pass();
    expect(bench.log).not.toContain("RESOLVED");
    bench.host.write("proc/meminfo", meminfo);
    bench.host.write(torn, stat);
    await bench.pass();
    expect(bench.log).toContain("2025-12-08 10:30:50 RESOLVED: Measured again: memory\n");
    expect(bench.unseen).toEqual([]);
  });

  test("a service that stops ends its alert; one without a limit has none", async () => {
    const bench = new Bench(["systemd"], {
      thresholds: { service: 50 },
      services: [{ name: "ollama", runtime: "systemd" }],
    });
    await bench.pass();
    const service = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    bench.host.write(`${service}/cgroup.events`, "populated 0\n");
    await bench.pass();
    bench.host.write(`${service}/cgroup.events`, "populated 1\n");
    bench.host.write(`${service}/memory.max`, "max\n");
    bench.host.write("cgroup/ai.slice/memory.max", "max\n");
    const { prometheus } = await bench.pass();
    expect(bench.log.split("\n").map((line) => line.slice(20))).toEqual([
      "ALERT: Service ollama memory usage at 52%",
      "ALERT: Service ollama is not running",
      "RESOLVED: Service ollama memory usage at 0%",
      "RESOLVED: Service ollama is running",
      "",
    ]);
    expect(prometheus).not.toContain("airm_service_memory_limit_bytes");
  });

  test("mapped model files are cache: a full limit of it is no alert", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    const service = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    bench.host.write(`${service}/memory.current`, "8589934592\n");
    bench.host.write(
      `${service}/memory.stat`,
      "anon 180000000\nfile 8409934592\nfile_mapped 8000000000\ninactive_file 400000000\nactive_file 8000000000\n",
    );
    const { display } = await bench.pass();
    expect(display).toContain("  ollama: 181.1MB / 8GB (2%)");
    expect(() => bench.log).toThrow("ENOENT");
  });

  test("the manager's verdicts are a metric as long as there are any", async () => {
    const bench = new Bench([]);
    expect((await bench.pass()).prometheus).not.toContain("airm_limit_enforced{");
    bench.host.write(
      "manager/limits.tsv",
      "ollama\tollama.service\tMemoryMax\tenforced\nslices\tai.slice\tIOWeight\tinert\n",
    );
    const { prometheus } = await bench.pass();
    expect(prometheus).toContain(
      'airm_limit_enforced{service="ollama",limit="MemoryMax",verdict="enforced"} 1\n' +
        'airm_limit_enforced{service="ai.slice",limit="IOWeight",verdict="inert"} 0\n',
    );
    bench.host.write("manager/limits.tsv", "torn\tli");
    expect((await bench.pass()).prometheus).toContain('airm_collector_success{collector="limits"} 0\n');
  });

  test("a drifted host: raised by the verification's result, with its metrics", async () => {
    const bench = new Bench([]);
    const verify = (exitCode: number, findings: number) => {
      bench.host.write("manager/last-verify.json", JSON.stringify({ time: 1765189000, exitCode, findings }));
    };
    verify(3, 2);
    const { prometheus } = await bench.pass();
    expect(prometheus).toContain("airm_manager_verify_success 0\n");
    expect(prometheus).toContain("airm_manager_verify_findings 2\n");
    expect(prometheus).toContain("airm_manager_verify_timestamp_seconds 1765189000\n");
    verify(0, 0);
    await bench.pass();
    verify(2, 0);
    await bench.pass();
    expect(bench.log.split("\n").map((line) => line.slice(20))).toEqual([
      "ALERT: Drift: 2 findings by ai-resource-manager verify",
      "RESOLVED: Drift: 0 findings by ai-resource-manager verify",
      "ALERT: Drift: unknown, ai-resource-manager verify ended with 2",
      "",
    ]);
  });

  test("a mount that is required and missing is told at once", async () => {
    const bench = new Bench([], {
      models: { path: "/srv/other", mount: "required" },
      alerts: { forSeconds: 0 },
    });
    const { prometheus } = await bench.pass();
    expect(bench.log.slice(20)).toBe("ALERT: Disk (/srv/other) is not mounted\n");
    expect(prometheus).toContain(
      'airm_alert_firing{alert="disk_mount",severity="critical",path="/srv/other"} 1',
    );
    // It is told of as what it should be, and the root's, which its path lies on, as it is.
    expect(prometheus).toContain(
      'airm_filesystem_device_error{device="",fstype="",mountpoint="/srv/other"} 1',
    );
    expect(prometheus).toContain(
      'airm_filesystem_device_error{device="/dev/vda1",fstype="ext4",mountpoint="/"} 0',
    );
    expect(prometheus).toContain('airm_alert_firing{alert="disk",severity="warning",path="/"} 0');
  });

  test("a restart of the monitor neither repeats nor forgets", async () => {
    const bench = new Bench([]);
    bench.available(1);
    await bench.pass();
    bench.start();
    await bench.pass();
    bench.available(10);
    bench.start();
    await bench.pass();
    expect(bench.log.split("\n").map((line) => line.slice(20, 28))).toEqual(["ALERT: H", "RESOLVED", ""]);
  });

  test("a stepped clock neither raises nor ends one, and its lines tell the time they were written at", async () => {
    const bench = new Bench([], { alerts: { forSeconds: 60 } });
    bench.available(1);
    await bench.pass();
    bench.clock.time += 86_400_000;
    await bench.pass();
    bench.clock.time -= 2 * 86_400_000;
    await bench.pass();
    expect(() => bench.log).toThrow("ENOENT");
    await bench.pass(50);
    expect(bench.log).toMatch(/^2025-12-07 10:31:20 ALERT: High memory usage: 95% \(19GB\/20GB\)\n$/);
  });

  test("the host's offset comes with a request", async () => {
    const bench = new Bench([]);
    bench.host.write("manager/monitor-request", "t1 -0330\n");
    bench.available(1);
    await bench.pass();
    expect(bench.log).toMatch(/^2025-12-08 07:00:10 /);
    const collected = parseCollected(readFileSync(join(bench.host.roots.run, "collected"), "utf8"));
    expect(collected).toEqual({
      uptimeSeconds: 10_000,
      intervalSeconds: 10,
      unixSeconds: 1765189810,
      token: "t1",
      unseen: [],
    });
  });
});

describe("nothing that fails stops collection", () => {
  test("a full /var/log", async () => {
    const bench = new Bench([]);
    mkdirSync(bench.host.roots.log);
    symlinkSync("/dev/full", join(bench.host.roots.log, "alerts.log"));
    bench.available(1);
    await bench.pass();
    const { prometheus, display } = await bench.pass();
    expect(display).toContain("Memory: 95% (19GB/20GB)");
    expect(prometheus).toContain("airm_alert_log_errors_total 2\n");
    expect(bench.warnings).toEqual(["alerts.log cannot be written; its lines are kept and tried again"]);
  });

  test("a state folder that is a file", async () => {
    const bench = new Bench([]);
    writeFileSync(bench.host.roots.state, "");
    const { prometheus } = await bench.pass();
    expect(prometheus).toMatch(/airm_state_errors_total [1-9]/);
    expect(bench.warnings.length).toBeGreaterThan(0);
  });

  test("outputs that cannot be written are an error, and the old ones stay whole", async () => {
    const bench = new Bench([]);
    await bench.pass();
    const before = readFileSync(join(bench.host.roots.run, "display.txt"), "utf8");
    rmSync(join(bench.host.roots.run, "metrics.json"));
    mkdirSync(join(bench.host.roots.run, "metrics.json"));
    await expect(bench.pass()).rejects.toThrow();
    rmSync(join(bench.host.roots.run, "metrics.json"), { recursive: true });
    expect(readFileSync(join(bench.host.roots.run, "collected"), "utf8")).toBe("10000 10 1765189810 t0 -\n");
    expect(readdirSync(bench.host.roots.run).filter((name) => name.startsWith("."))).toEqual([]);
    expect(before).toContain("Memory:");
  });
});

describe("printing what was rendered", () => {
  test("as it was, while it is fresh", async () => {
    const bench = new Bench([]);
    const { display } = await bench.pass();
    expect(readOutput("display", bench.host.roots)).toEqual({ text: display, unseen: [] });
    bench.host.write("proc/uptime", "10030.00 1\n");
    expect(readOutput("display", bench.host.roots)).toEqual({ text: display, unseen: [] });
  });

  test.each([
    ["10031.00 1\n", "the last collection is 31 s old (allowed: 30 s)."],
    ["20.00 1\n", "the last collection is of an earlier boot."],
  ])("stale at uptime %j", async (uptime, why) => {
    const bench = new Bench([]);
    await bench.pass();
    bench.host.write("proc/uptime", uptime);
    expect(readOutput("json", bench.host.roots)).toMatchObject({
      stale: expect.stringContaining(why) as string,
    });
  });

  test("nothing yet, and a torn stamp", async () => {
    const bench = new Bench([]);
    const nothing = { stale: expect.stringContaining("nothing has been collected") as string };
    expect(readOutput("alerts", bench.host.roots)).toMatchObject(nothing);
    await bench.pass();
    bench.host.write("run/collected", "10000 1");
    expect(readOutput("alerts", bench.host.roots)).toMatchObject(nothing);
  });
});

describe("the history", () => {
  const names = (bench: Bench) => readdirSync(join(bench.host.roots.state, "history")).sort();

  test("a line a minute, that parses", async () => {
    const bench = new Bench(["systemd"], { services: [{ name: "ollama", runtime: "systemd" }] });
    for (let index = 0; index < 13; index++) await bench.pass(10);
    const text = readFileSync(join(bench.host.roots.state, "history", names(bench)[0] ?? ""), "utf8");
    const records = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ time }) => time)).toEqual([
      "2025-12-08T10:30:10Z",
      "2025-12-08T10:31:10Z",
      "2025-12-08T10:32:10Z",
    ]);
    expect(records[0]).toMatchObject({
      memory: 0.65,
      swap: 0.125,
      rootDisk: expect.any(Number) as number,
      services: { ollama: { usedBytes: 4509715661, memory: 0.525, waiting: null } },
      firing: [],
    });
    expect(records[1]).toMatchObject({ services: { ollama: { waiting: 0 } } });
  });

  test("a torn last line stays alone", async () => {
    const bench = new Bench([]);
    await bench.pass();
    const path = join(bench.host.roots.state, "history", names(bench)[0] ?? "");
    writeFileSync(path, '{"time":"2025-', { flag: "a" });
    bench.start();
    await bench.pass();
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines[1]).toBe('{"time":"2025-');
    expect((JSON.parse(lines[2] ?? "") as { memory: number }).memory).toBe(0.65);
  });

  test("a line that is absurd costs itself only", () => {
    const bench = new Bench([]);
    const folder = join(bench.host.roots.state, "history");
    mkdirSync(folder, { recursive: true });
    const good = {
      time: "2025-12-08T10:30:10Z",
      memory: 0.65,
      swap: null,
      cpu: 0.1,
      disk: 0.4,
      services: { ollama: { memory: 0.5, cpu: null }, proxy: null },
      firing: ["High memory usage: 92% (18.4GB/20GB)"],
    };
    const absurd = [
      null,
      [],
      7,
      "x",
      {},
      { ...good, time: 7 },
      { ...good, time: "yesterday" },
      { ...good, memory: "much" },
      { ...good, cpu: -1 },
      { ...good, disk: 1e300 },
      { ...good, services: null },
      { ...good, services: { ollama: 7 } },
      { ...good, services: { ollama: { memory: {}, cpu: 0 } } },
      { ...good, firing: [7] },
      { ...good, firing: "all" },
    ];
    const lines = [...absurd, good].map((line) => JSON.stringify(line));
    writeFileSync(join(folder, "history-00000001.jsonl"), `${lines.join("\n")}\n`);
    const read = [...new History(bench.host.roots.state, bench.config.history).between(0, 8.64e15)];
    expect(read).toEqual([good]);
  });

  test("old segments go, the newest stays, and the whole keeps its bound", async () => {
    const bench = new Bench([], { history: { everySeconds: 1, maxBytes: 2 ** 20 } });
    await bench.pass();
    const folder = join(bench.host.roots.state, "history");
    for (let number = 1; number <= 12; number++) {
      const name = `history-${String(number).padStart(8, "0")}.jsonl`;
      writeFileSync(join(folder, name), `${"x".repeat(2 ** 17)}\n`);
    }
    await bench.pass();
    const left = names(bench);
    expect(left.at(-1)).toBe("history-00000013.jsonl");
    expect(left).toHaveLength(8);
    expect(left[0]).toBe("history-00000006.jsonl");
  });

  test("segments older than the bound go", () => {
    const bench = new Bench([]);
    const folder = join(bench.host.roots.state, "history");
    mkdirSync(folder, { recursive: true });
    for (const name of ["history-00000001.jsonl", "history-00000002.jsonl"])
      writeFileSync(join(folder, name), "{}\n");
    const history = new History(bench.host.roots.state, { everySeconds: 60, days: 7, maxBytes: 2 ** 24 });
    const snapshot = { time: Date.now() + 8 * 86_400_000, monotonicSeconds: 0 };
    history.add({ snapshot, usage: {}, alerts: [] } as unknown as Parameters<History["add"]>[0]);
    expect(names(bench)).toEqual(["history-00000002.jsonl", "history-00000003.jsonl"]);
  });
});
