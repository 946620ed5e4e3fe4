import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FilesystemCollector } from "../../monitor/collectors/filesystem";
import type { MonitorConfig } from "../../monitor/config/schema";
import { mountOf, parseMountinfo } from "../../monitor/parse/mountinfo";
import { blindOf } from "../../monitor/report/snapshot";
import { deriveUsage } from "../../monitor/report/usage";
import {
  collectorOf,
  FakeClock,
  FixtureHost,
  GPU_READING,
  SERVICES,
  settled,
  terabyte,
} from "./fixture-host";

const hosts: FixtureHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
});

function fixture(...situations: string[]): FixtureHost {
  const host = new FixtureHost(...situations);
  hosts.push(host);
  return host;
}

const ollama = (more: Partial<NonNullable<MonitorConfig["services"]>[number]> = {}) =>
  settled({ services: [{ name: "ollama", runtime: "systemd", ...more }] });

test("a bare host: what it has not is absent, and nothing failed", async () => {
  const snapshot = await collectorOf(fixture(), settled()).collect();
  expect(snapshot.pressure).toBeUndefined();
  expect(snapshot.swap).toEqual([]);
  expect(snapshot.collectors.map(({ name, state }) => `${name}: ${state}`)).toEqual([
    "boot: ok",
    "cpu: ok",
    "deployment: absent",
    "disks: absent",
    "filesystem: ok",
    "gpu: absent",
    "limits: absent",
    "llamacpp: absent",
    "load: ok",
    "memory: ok",
    "models: absent",
    "network: absent",
    "oom: ok",
    "pressure: absent",
    "probes: absent",
    "rootfs: ok",
    "services: ok",
    "slice: absent",
    "swap: ok",
    "verification: absent",
    "zram: absent",
  ]);
});

test("a collector that fails spares the rest, and says why", async () => {
  const host = fixture();
  host.write("proc/meminfo", "MemTotal: 12");
  host.write("proc/stat", "");
  const snapshot = await collectorOf(host, settled()).collect();
  expect(snapshot.memory).toBeUndefined();
  expect(snapshot.load?.one).toBe(1.52);
  expect(
    snapshot.collectors.filter(({ state }) => state === "failed").map(({ name, error }) => [name, error]),
  ).toEqual([
    ["cpu", "/proc/stat has no cpu lines: torn"],
    ["memory", "/proc/meminfo has no MemAvailable: torn, or of another kernel"],
  ]);
});

test("what every host has is never absent: a file that is not there is a failure, by its name", async () => {
  const host = fixture();
  const { procfs } = host.roots;
  for (const file of ["meminfo", "stat", "loadavg", "1/mountinfo", "self/mountinfo", "swaps", "vmstat"])
    if (existsSync(join(procfs, file))) host.remove(`proc/${file}`);
  const { collectors } = await collectorOf(host, settled()).collect();
  expect(
    collectors.filter(({ state }) => state === "failed").map(({ name, error }) => [name, error]),
  ).toEqual([
    ["cpu", `${procfs}/stat is not there`],
    ["filesystem", `${procfs}/self/mountinfo is not there`],
    ["load", `${procfs}/loadavg is not there`],
    ["memory", `${procfs}/meminfo is not there`],
    ["rootfs", `${procfs}/self/mountinfo is not there`],
  ]);
  const blind = ["cpu", "filesystem", "load", "memory", "rootfs"];
  expect(blindOf(collectors).map(({ name }) => name)).toEqual(blind);
});

test("a service's file that is torn costs that part of that service, and is named", async () => {
  const host = fixture("systemd");
  const ollama = "ai.slice/ai-ollama.slice/ollama.service";
  const whole = await collectorOf(host, settled({ services: SERVICES })).collect();
  host.write(`cgroup/${ollama}/memory.stat`, "anon 12\n");
  host.write("cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service/cpu.stat", "user_usec 1\n");
  const torn = await collectorOf(host, settled({ services: SERVICES })).collect();
  const parts = (snapshot: typeof torn, name: string) => {
    const { memory, cpu, io, tasks } = snapshot.services?.find((one) => one.name === name)?.running ?? {};
    return { memory, cpu, io, tasks };
  };
  expect(parts(torn, "ollama")).toEqual({ ...parts(whole, "ollama"), memory: undefined });
  expect(parts(torn, "llamacpp")).toEqual({ ...parts(whole, "llamacpp"), cpu: undefined });
  expect(parts(torn, "local-llm-proxy")).toEqual(parts(whole, "local-llm-proxy"));
  expect(torn.collectors.find(({ name }) => name === "services")).toMatchObject({
    state: "failed",
    error:
      `ollama: ${ollama}/memory.stat has no inactive_file: torn, or of another kernel; ` +
      "llamacpp: ai.slice/ai-llamacpp.slice/llamacpp.service/cpu.stat has no usage_usec: torn",
  });
});

test("what a collection reads once for all, the next one reads anew: shared limits and mounts", async () => {
  const host = fixture("systemd");
  const collector = collectorOf(host, settled({ services: SERVICES }));
  const limitsOf = async () => {
    const { services, slice, rootFilesystem } = await collector.collect(settled({ services: SERVICES }));
    const { memory, cpu } = services?.find(({ name }) => name === "ollama")?.running ?? {};
    const [of, cores] = [memory?.limitBytes, cpu?.limitCores];
    return { of, cores, slice: slice?.memory?.limitBytes, readOnly: rootFilesystem?.readOnly };
  };
  host.write("cgroup/ai.slice/memory.max", "6442450944\n");
  host.write("cgroup/ai.slice/cpu.max", "150000 100000\n");
  host.write("proc/1/mountinfo", "22 1 253:1 / / rw,relatime - ext4 /dev/vda1 rw\n");
  expect(await limitsOf()).toEqual({ of: 6442450944, cores: 1.5, slice: 6442450944, readOnly: false });
  host.write("cgroup/ai.slice/memory.max", "5368709120\n");
  host.write("cgroup/ai.slice/cpu.max", "50000 100000\n");
  host.write("proc/1/mountinfo", "22 1 253:1 / / ro,relatime - ext4 /dev/vda1 ro\n");
  expect(await limitsOf()).toEqual({ of: 5368709120, cores: 0.5, slice: 5368709120, readOnly: true });
});

test("zram before a disk: each device on its own, zram's RAM in neither, and only the disk is judged", async () => {
  const config = settled();
  const snapshot = await collectorOf(fixture("zram-and-disk"), config).collect();
  expect(snapshot.swap?.map(({ device, type }) => [device, type])).toEqual([
    ["/dev/zram0", "zram"],
    ["/srv/swap file", "file"],
  ]);
  expect(snapshot.zram).toEqual([
    {
      device: "zram0",
      diskSizeBytes: 8 * 2 ** 30,
      originalBytes: 8 * 2 ** 30,
      compressedBytes: 2 * 2 ** 30,
      memoryUsedBytes: 2_200_000_000,
      memoryLimitBytes: 4 * 2 ** 30,
      algorithm: "lz4",
    },
  ]);
  const { swap } = deriveUsage(snapshot, undefined, config);
  expect(swap?.total?.sizeBytes).toBe(24 * 2 ** 30);
  expect(swap?.disk?.ratio).toBeCloseTo(0.1, 6);
  // The disk is in use, so all swap counts, of which a third is left.
  expect(swap?.judged).toEqual(swap?.total);
});

test("a full zram alone is normal use", async () => {
  const host = fixture("zram-and-disk");
  host.write(
    "proc/swaps",
    "Filename Type Size Used Priority\n/dev/zram0 partition 100 100 100\n/swapfile file 10 0 10\n",
  );
  const config = settled();
  const usageOf = async () => deriveUsage(await collectorOf(host, config).collect(), undefined, config).swap;
  expect((await usageOf())?.judged?.ratio).toBe(0);
  host.write("proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 100 100 100\n");
  expect((await usageOf())?.judged).toBeUndefined();
  expect((await usageOf())?.total?.ratio).toBe(1);
});

test("ZFS's cache above its minimum is available", async () => {
  const { memory } = await collectorOf(fixture("zfs"), settled()).collect();
  expect(memory?.zfsArcReclaimableBytes).toBe(4 * 2 ** 30);
  expect(memory?.availableBytes).toBe(11 * 2 ** 30);
});

describe("CPU over two samples", () => {
  test("the sums only grow, where the kernel's iowait and idle went back", async () => {
    const host = fixture();
    const collector = collectorOf(host, settled());
    const line = (idle: number, iowait: number) =>
      ["cpu", "cpu0"].map((name) => `${name} 100 0 100 ${idle} ${iowait} 0 0 0 0 0\n`).join("");
    const totals = [];
    for (const [idle, iowait] of [
      [1000, 50],
      [1100, 40],
      [1050, 60],
      [1150, 61],
    ] as const) {
      host.write("proc/stat", line(idle, iowait));
      const { cpu } = await collector.collect();
      totals.push([cpu?.total.idle, cpu?.total.iowait]);
    }
    expect(totals).toEqual([
      [10, 0.5],
      [11, 0.5],
      [11, 0.7],
      [12, 0.71],
    ]);
  });

  test.each([
    // cpu0 went back; cpu1: 100 user + 100 system busy, 300 idle.
    ["counter-reset", 0.4],
    // cpu2 and cpu3 went, cpu4 came: cpu0 and cpu1 have 100 user and 300 idle each.
    ["hotplug", 0.25],
  ])("%s", async (later, busy) => {
    const host = fixture();
    const config = settled();
    const collector = collectorOf(host, config);
    const before = await collector.collect();
    host.overlay(later);
    const after = await collector.collect();
    expect(deriveUsage(after, before, config).cpuRatio).toBeCloseTo(busy, 10);
  });
});

describe("services", () => {
  test("as units: working set, limits up the tree, start of the oldest process", async () => {
    const config = settled({ services: SERVICES ?? [] });
    const snapshot = await collectorOf(fixture("systemd"), config).collect();
    const [first, second, third] = snapshot.services ?? [];
    expect(first?.running?.cgroup).toBe("ai.slice/ai-ollama.slice/ollama.service");
    expect(first?.running?.memory).toMatchObject({
      usageBytes: 4509715661 + 2147483648,
      workingSetBytes: 4509715661,
      limitBytes: 8 * 2 ** 30,
      swapBytes: 1048576,
    });
    expect(first?.running?.startTimeSeconds).toBe(1765180000 + 1200);
    expect(first?.running?.tasks).toBe(2);
    expect(second?.running?.cpu?.limitCores).toBe(1.5);
    expect(third?.running?.cgroup).toBe("ai.slice/ai-proxy.slice/local-llm-proxy.service");
  });

  test("the least limit counts: of its own, its slice and ai.slice", async () => {
    const host = fixture("systemd");
    host.write("cgroup/ai.slice/memory.max", "5368709120\n");
    host.write("cgroup/ai.slice/ai-ollama.slice/cpu.max", "50000 100000\n");
    const { services } = await collectorOf(host, ollama()).collect();
    expect(services?.[0]?.running?.memory?.limitBytes).toBe(5 * 2 ** 30);
    expect(services?.[0]?.running?.cpu?.limitCores).toBe(0.5);
  });

  test("a unit that is still in the slice it was started in is found there", async () => {
    const host = fixture();
    host.write("cgroup/system.slice/ollama.service/cgroup.events", "populated 1\n");
    const { services } = await collectorOf(host, ollama()).collect();
    expect(services?.[0]?.running?.cgroup).toBe("system.slice/ollama.service");
    expect(services?.[0]?.running?.memory).toBeUndefined();
  });

  test("containers under systemd: the scope with processes, and the limit of its slice", async () => {
    const host = fixture("docker-systemd");
    const { services } = await collectorOf(
      host,
      ollama({ runtime: "container", image: "ollama/ollama" }),
    ).collect();
    const running = services?.[0]?.running;
    expect(running?.containerId).toBe("a".repeat(64));
    expect(running?.cgroup).toBe(`ai.slice/ai-ollama.slice/docker-${"a".repeat(64)}.scope`);
    expect(running?.memory?.limitBytes).toBe(8 * 2 ** 30);
    expect(running?.cpu?.limitCores).toBe(2);
  });

  test("of two containers that run, while one replaces the other, the larger is shown", async () => {
    const host = fixture("docker-systemd");
    host.write(
      `cgroup/ai.slice/ai-ollama.slice/docker-${"b".repeat(64)}.scope/cgroup.events`,
      "populated 1\n",
    );
    const { services } = await collectorOf(host, ollama({ runtime: "container" })).collect();
    expect(services?.[0]?.running?.containerId).toBe("a".repeat(64));
  });

  test("containers under cgroupfs, which does not nest slices", async () => {
    const { services } = await collectorOf(
      fixture("docker-cgroupfs"),
      ollama({ runtime: "container" }),
    ).collect();
    expect(services?.[0]?.running?.cgroup).toBe(`ai-ollama.slice/${"a".repeat(64)}`);
    expect(services?.[0]?.running?.memory?.limitBytes).toBe(8 * 2 ** 30);
  });

  test("a cgroup that is given is taken", async () => {
    const host = fixture("systemd");
    const { services } = await collectorOf(
      host,
      ollama({ cgroup: "ai.slice/ai-llamacpp.slice/llamacpp.service" }),
    ).collect();
    expect(services?.[0]?.running?.memory?.workingSetBytes).toBe(2254857831);
  });

  test("hidepid: everything but the start time, and the collector's own mounts", async () => {
    const host = fixture("hidepid");
    host.remove("proc/1");
    const snapshot = await collectorOf(host, ollama()).collect();
    expect(snapshot.services?.[0]?.running?.startTimeSeconds).toBeUndefined();
    expect(snapshot.services?.[0]?.running?.memory?.workingSetBytes).toBe(4509715661);
    expect(snapshot.filesystem?.mountpoint).toBe("/");
    expect(snapshot.collectors.filter(({ state }) => state === "failed")).toEqual([]);
  });

  test("a start is a new folder: counted once, and CPU time is not compared over it", async () => {
    const host = fixture("systemd");
    const config = ollama();
    const clock = new FakeClock();
    const collector = collectorOf(host, config, { clock });
    const folder = join(host.roots.cgroup, "ai.slice/ai-ollama.slice/ollama.service");
    const before = await collector.collect();
    // The old folder's inode stays taken, so that the new one gets another.
    mkdirSync(join(host.folder, "kept"));
    const { renameSync } = await import("node:fs");
    renameSync(folder, join(host.folder, "kept/ollama.service"));
    clock.pass(10);
    const stopped = await collector.collect();
    expect(stopped.services?.[0]).toMatchObject({ running: undefined, restarts: 0 });
    host.overlay("systemd");
    clock.pass(10);
    const after = await collector.collect();
    expect(after.services?.[0]?.restarts).toBe(1);
    expect(deriveUsage(after, before, config).services?.[0]?.cpuRatio).toBeUndefined();
    expect((await collector.collect()).services?.[0]?.restarts).toBe(1);
  });

  test("from within a container, where cgroup.procs shows zeros, processes tell where they belong", async () => {
    const host = fixture("systemd");
    host.write("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.procs", "0\n0\n");
    const { services } = await collectorOf(host, ollama()).collect();
    expect(services?.[0]?.running?.startTimeSeconds).toBe(1765180000 + 1200);
  });

  test("an automatic restart, which keeps the cgroup, is a new oldest process", async () => {
    const host = fixture("systemd");
    const collector = collectorOf(host, ollama());
    await collector.collect();
    host.remove("proc/501");
    expect((await collector.collect()).services?.[0]?.restarts).toBe(0);
    host.remove("proc/500");
    host.write("proc/800/stat", `800 (ollama) S ${Array.from({ length: 18 }, () => 1).join(" ")} 900000 0`);
    host.write("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.procs", "800\n");
    const after = (await collector.collect()).services?.[0];
    expect([after?.restarts, after?.running?.startTimeSeconds]).toEqual([1, 1765180000 + 9000]);
  });

  test("a start whose process was not caught is no restart, and one that was missed is told by the next", async () => {
    const host = fixture("systemd");
    const collector = collectorOf(host, ollama());
    const procs = "cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.procs";
    const stat = (pid: number) => {
      host.write(
        `proc/${pid}/stat`,
        `${pid} (ollama) S ${Array.from({ length: 18 }, () => 1).join(" ")} ${pid}000 0`,
      );
    };
    const restarts = async () => (await collector.collect()).services?.[0]?.restarts;
    // It has ended while it was looked for.
    for (const pid of [500, 501]) host.remove(`proc/${pid}`);
    expect(await restarts()).toBe(0);
    stat(800);
    host.write(procs, "800\n");
    expect(await restarts()).toBe(0);
    host.remove("proc/800");
    expect(await restarts()).toBe(0);
    stat(801);
    host.write(procs, "801\n");
    expect(await restarts()).toBe(1);
  });

  test("without a quota CPU is a part of all cores; a counter that went back is 0", async () => {
    const host = fixture("systemd");
    const path = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    host.write(`${path}/cpu.max`, "max 100000\n");
    const config = ollama();
    const clock = new FakeClock();
    const collector = collectorOf(host, config, { clock });
    const before = await collector.collect();
    clock.pass(10);
    host.overlay("systemd-10s-later");
    const after = await collector.collect();
    expect(deriveUsage(after, before, config).services?.[0]?.cpuRatio).toBeCloseTo(7 / 10 / 4, 10);
    // A collection that had to wait before it read (a throttled container) measured from reading to reading.
    const late = { ...after, monotonicSeconds: after.monotonicSeconds - 3 };
    expect(deriveUsage(late, before, config).services?.[0]?.cpuRatio).toBeCloseTo(7 / 10 / 4, 10);
    // Only the monotonic clock counts: the time of day may be set in between.
    const stepped = { ...after, time: after.time - 3_600_000 };
    expect(deriveUsage(stepped, before, config).services?.[0]?.cpuRatio).toBeCloseTo(7 / 10 / 4, 10);
    clock.pass(10);
    host.overlay("systemd");
    host.write(`${path}/cpu.max`, "max 100000\n");
    expect(deriveUsage(await collector.collect(), after, config).services?.[0]?.cpuRatio).toBe(0);
  });

  test("without a quota CPU is a part of its cpuset, and a wide quota of what there is", async () => {
    const host = fixture("systemd");
    const path = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const ratio = async (quota: string, cpuset: string) => {
      host.overlay("systemd");
      host.write(`${path}/cpu.max`, `${quota} 100000\n`);
      host.write(`${path}/cpuset.cpus.effective`, `${cpuset}\n`);
      const clock = new FakeClock();
      const collector = collectorOf(host, ollama(), { clock });
      const before = collector.sample();
      clock.pass(10);
      host.overlay("systemd-10s-later");
      return deriveUsage(await collector.collect(), before, ollama()).services?.[0]?.cpuRatio;
    };
    expect(await ratio("max", "0,2")).toBeCloseTo(7 / 10 / 2, 10);
    expect(await ratio("max", "0-2")).toBeCloseTo(7 / 10 / 3, 10);
    expect(await ratio("100000", "0-2")).toBeCloseTo(7 / 10, 10);
    expect(await ratio("1600000", "0-15")).toBeCloseTo(7 / 10 / 4, 10);
  });

  test("a model that is mapped is no memory in use; what is locked, dirty or anonymous is", async () => {
    const host = fixture("systemd");
    const path = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const gib = 2 ** 30;
    const ratio = async (usage: number, stat: Record<string, number>) => {
      host.write(`${path}/memory.current`, `${usage * gib}\n`);
      host.write(`${path}/memory.max`, `${16 * gib}\n`);
      host.write("cgroup/ai.slice/ai-ollama.slice/memory.max", "max\n");
      host.write("cgroup/ai.slice/memory.max", "max\n");
      const lines = { anon: 0, file: 0, file_mapped: 0, inactive_file: 0, active_file: 0, ...stat };
      host.write(
        `${path}/memory.stat`,
        Object.entries(lines)
          .map(([key, value]) => `${key} ${value * gib}\n`)
          .join(""),
      );
      const snapshot = await collectorOf(host, ollama()).collect();
      return deriveUsage(snapshot, undefined, ollama()).services?.[0]?.memoryRatio;
    };
    expect(await ratio(15.75, { anon: 1, file: 14.75, file_mapped: 14.75, active_file: 14.75 })).toBe(1 / 16);
    expect(await ratio(15.75, { anon: 1, file: 14.75, file_mapped: 14.75, unevictable: 14.75 })).toBe(
      15.75 / 16,
    );
    expect(await ratio(12, { anon: 2, file: 10, active_file: 10, file_dirty: 3, file_writeback: 1 })).toBe(
      6 / 16,
    );
    expect(await ratio(4, { anon: 2, slab_reclaimable: 1 })).toBe(3 / 16);
  });

  test("thrash is the part of the time spent waiting for memory, and what was read again", async () => {
    const host = fixture("systemd");
    const path = "cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const config = ollama();
    const clock = new FakeClock();
    const collector = collectorOf(host, config, { clock });
    const stat = readFileSync(join(host.folder, path, "memory.stat"), "utf8");
    const thrash = async () => {
      const before = await collector.collect();
      clock.pass(10);
      host.write(`${path}/memory.stat`, stat.replace(/(workingset_refault_file) .*/, "$1 256090"));
      return deriveUsage(await collector.collect(), before, config).services?.[0]?.thrash;
    };
    const pressure = "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    host.write(`${path}/memory.pressure`, `some avg10=0 avg60=0 avg300=0 total=3000000\n${pressure}`);
    const before = await collector.collect();
    clock.pass(10);
    host.write(`${path}/memory.pressure`, `some avg10=0 avg60=0 avg300=0 total=7500000\n${pressure}`);
    const after = deriveUsage(await collector.collect(), before, config).services?.[0]?.thrash;
    expect(after).toEqual({ ratio: 0.45, waitingRatio: 0.45, refaultBytesPerSecond: 0 });
    host.remove(`${path}/memory.pressure`);
    const refaultBytesPerSecond = 256_000 * 409.6;
    // The kernel tells of pressure, and this file could not be read: nothing is made of the rest.
    expect(await thrash()).toEqual({ ratio: undefined, waitingRatio: undefined, refaultBytesPerSecond });
    host.remove("proc/pressure");
    host.write(`${path}/memory.stat`, stat);
    const ratio = (refaultBytesPerSecond * 60) / (8 * 2 ** 30);
    expect(await thrash()).toEqual({ ratio, waitingRatio: undefined, refaultBytesPerSecond });
  });

  test("one that cannot be looked for is unknown, not stopped, and the others are whole", async () => {
    const host = fixture("systemd");
    host.remove("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.events");
    host.write("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.events/x", "");
    const config = settled({ services: SERVICES ?? [] });
    const { services, collectors } = await collectorOf(host, config).collect();
    expect(services?.map(({ up, running }) => [up, running !== undefined])).toEqual([
      [undefined, false],
      [true, true],
      [true, true],
    ]);
    expect(services?.[0]?.problems).toEqual([expect.stringContaining("EISDIR")]);
    expect(collectors.find(({ name }) => name === "services")).toMatchObject({
      state: "failed",
      error: expect.stringContaining("ollama: EISDIR") as string,
    });
  });

  test.each(["btime 0", "btime 99999999999", "btime x", ""])(
    "%j is no boot time, and costs the start times",
    async (btime) => {
      const host = fixture("systemd");
      const stat = readFileSync(join(host.roots.procfs, "stat"), "utf8");
      host.write("proc/stat", stat.replace(/^btime .*$/m, btime));
      const { services } = await collectorOf(host, ollama()).collect();
      expect(services?.[0]?.running?.startTimeSeconds).toBeUndefined();
      expect(services?.[0]?.running?.memory?.limitBytes).toBe(8 * 2 ** 30);
    },
  );

  test("another configuration keeps what was counted", async () => {
    const host = fixture("systemd");
    const collector = collectorOf(host, ollama());
    await collector.collect();
    host.remove("proc/501");
    host.remove("proc/500");
    host.write("proc/800/stat", `800 (ollama) S ${Array.from({ length: 18 }, () => 1).join(" ")} 900000 0`);
    host.write("cgroup/ai.slice/ai-ollama.slice/ollama.service/cgroup.procs", "800\n");
    expect((await collector.collect()).services?.[0]?.restarts).toBe(1);
    const more = settled({ services: SERVICES ?? [], thresholds: { memory: 50 } });
    expect((await collector.collect(more)).services?.map(({ restarts }) => restarts)).toEqual([1, 0, 0]);
    expect((await collector.collect(settled())).services).toEqual([]);
    expect((await collector.collect()).services?.[0]?.restarts).toBe(0);
  });

  test("CPU is dated when it is read, however long the collection has been at work", async () => {
    const clock = new FakeClock();
    const still = clock.monotonic;
    clock.monotonic = () => {
      clock.pass(1);
      return still();
    };
    const { monotonicSeconds, services } = await collectorOf(fixture("systemd"), ollama(), {
      clock,
    }).collect();
    expect(services?.[0]?.running?.readAtSeconds).toBeGreaterThan(monotonicSeconds);
  });

  test("VRAM joins by cgroup, children included; what runs elsewhere is nobody's", async () => {
    const host = fixture("systemd");
    const config = ollama({ vramMaxBytes: 20 * 2 ** 30 });
    const snapshot = await collectorOf(host, config, {
      gpu: { read: () => Promise.resolve(GPU_READING) },
    }).collect();
    expect(snapshot.gpu?.services).toEqual([{ service: "ollama", gpu: "0", usedBytes: 10 * 2 ** 30 }]);
    expect(deriveUsage(snapshot, undefined, config).services?.[0]?.vram).toEqual({
      usedBytes: 10 * 2 ** 30,
      ratio: 0.5,
    });
  });

  test("where the driver hides processes, Ollama's own account of VRAM stands in", async () => {
    const host = fixture("systemd");
    const config = ollama({ ollama: "http://127.0.0.1:11434/" });
    const urls: string[] = [];
    const snapshot = await collectorOf(host, config, {
      gpu: { read: () => Promise.resolve({ ...GPU_READING, processes: [] }) },
      http: {
        status: () => Promise.reject(new Error("no probe")),
        get: (url) => {
          urls.push(url);
          const body = '{"models":[{"name":"a","size":9,"size_vram":12884901888}]}';
          return Promise.resolve({ status: 200, body });
        },
      },
    }).collect();
    expect(urls).toEqual(["http://127.0.0.1:11434/api/ps"]);
    expect(deriveUsage(snapshot, undefined, config).services?.[0]?.vram?.ratio).toBe(0.5);
  });
});

test("endpoints: a failed probe is a result, an Ollama without an answer a failure", async () => {
  const host = fixture("systemd");
  host.write("cgroup/system.slice/b.service/cgroup.events", "populated 1\n");
  const config = settled({
    services: [
      // One that does not run is asked for no models.
      { name: "c", runtime: "systemd", ollama: "http://127.0.0.1:1" },
      { name: "a", runtime: "systemd", health: { http: "http://127.0.0.1:1/a" } },
      {
        name: "b",
        runtime: "systemd",
        health: { http: "http://127.0.0.1:1/b" },
        ollama: "http://127.0.0.1:1",
      },
    ],
  });
  const { services, collectors } = await collectorOf(host, config, {
    http: {
      status: (url) => (url.endsWith("/a") ? Promise.resolve(503) : Promise.reject(new Error("refused"))),
      get: () => Promise.reject(new Error("refused")),
    },
  }).collect();
  expect(services?.map(({ probe }) => [probe?.success, probe?.error])).toEqual([
    [undefined, undefined],
    [false, "status 503"],
    [false, "refused"],
  ]);
  expect(collectors.find(({ name }) => name === "models")).toMatchObject({
    state: "failed",
    error: "b: refused",
  });
  expect(collectors.find(({ name }) => name === "probes")?.state).toBe("ok");
});

describe("the models' filesystem", () => {
  const models = settled().models;

  test("a hung mount costs one call in flight and the timeout, and is measured again when it answers", async () => {
    vi.useFakeTimers();
    try {
      const host = fixture();
      let answer: ((stats: ReturnType<typeof terabyte>) => void) | undefined;
      const ask = vi.fn(
        () =>
          new Promise<ReturnType<typeof terabyte>>((resolve) => {
            answer = resolve;
          }),
      );
      const collector = new FilesystemCollector(host.roots, ask);
      const first = collector.collect(models);
      await vi.advanceTimersByTimeAsync(4999);
      let settledFirst = false;
      void first.then(() => (settledFirst = true));
      await vi.advanceTimersByTimeAsync(0);
      expect(settledFirst).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect((await first).problem).toBe("no answer");
      expect((await collector.collect(models)).problem).toBe("no answer");
      expect(ask).toHaveBeenCalledTimes(1);
      expect(collector.hung).toBe(true);
      answer?.(terabyte());
      await vi.advanceTimersByTimeAsync(0);
      expect(collector.hung).toBe(false);
      const again = collector.collect(models);
      answer?.(terabyte());
      expect((await again).space?.sizeBytes).toBe(2 ** 40);
      expect(ask).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test("the path is looked for under the host's root", async () => {
    const host = fixture();
    mkdirSync(join(host.roots.rootfs, "srv/models"), { recursive: true });
    const measured = await new FilesystemCollector(host.roots).collect(models);
    expect(measured.space?.sizeBytes).toBeGreaterThan(0);
    rmSync(host.roots.rootfs, { recursive: true });
    expect((await new FilesystemCollector(host.roots).collect(models)).problem).toBe("no such folder");
  });

  test("where the host's mounts are hidden, the container's own tell as much as they can", async () => {
    const host = fixture();
    host.remove("proc/1");
    const at = join(host.roots.rootfs, "srv/models");
    const ask = () => Promise.resolve(terabyte());
    const isMount = async (root: string) => {
      host.write(
        "proc/self/mountinfo",
        `9 1 8:1 / / rw - overlay overlay rw\n10 9 8:2 ${root} ${at} ro - xfs /dev/vdb rw\n`,
      );
      const collected = await new FilesystemCollector(host.roots, ask).collect(models);
      return [collected.device, collected.isMount];
    };
    expect(await isMount("/")).toEqual(["/dev/vdb", true]);
    expect(await isMount("/srv/models")).toEqual(["/dev/vdb", false]);
  });

  test("a folder on / is measured unless a mount is required; then it is told, not its parent measured", async () => {
    const host = fixture();
    const path = "/srv/plain";
    const ask = vi.fn(() => Promise.resolve(terabyte()));
    const any = await new FilesystemCollector(host.roots, ask).collect({ path, mount: "any" });
    expect(any).toMatchObject({ mountpoint: "/", isMount: false, problem: undefined });
    const required = await new FilesystemCollector(host.roots, ask).collect({ path, mount: "required" });
    expect(required).toMatchObject({
      mountpoint: "/",
      isMount: false,
      problem: "not mounted",
      space: undefined,
    });
  });

  test("required is another filesystem than the root's, wherever the path leads; an automounter is not asked", async () => {
    const host = fixture();
    const look = async (path: string, numbers?: string, mountinfo = "") => {
      host.write(
        "proc/1/mountinfo",
        `28 1 254:1 / / rw - ext4 /dev/vda1 rw\n95 28 254:16 / /data rw - xfs /dev/vdb rw\n${mountinfo}`,
      );
      const ask = vi.fn(() =>
        Promise.resolve({ ...terabyte(), ...(numbers === undefined ? {} : { numbers }) }),
      );
      const found = await new FilesystemCollector(host.roots, ask).collect({ path, mount: "required" });
      return [found.device, found.isMount, found.problem, ask.mock.calls.length];
    };
    expect(await look("/data//models/", "254:16")).toEqual(["/dev/vdb", true, undefined, 1]);
    // A link to /data/models.
    expect(await look("/srv/models", "254:16")).toEqual(["/dev/vdb", true, undefined, 1]);
    expect(await look("/srv/models", "254:1")).toEqual(["/dev/vda1", false, "not mounted", 1]);
    const autofs = "96 28 0:50 / /srv/models rw - autofs systemd-1 rw\n";
    expect(await look("/srv/models", "0:50", autofs)).toEqual(["systemd-1", false, "not mounted", 0]);
    expect(
      await look("/srv/models", "0:51", `${autofs}97 96 0:51 / /srv/models rw - nfs4 nas:/m rw\n`),
    ).toEqual(["nas:/m", true, undefined, 1]);
  });

  test("a filesystem's device is that of its own mount", async () => {
    const host = fixture();
    const path = host.roots.rootfs;
    mkdirSync(path, { recursive: true });
    const own = mountOf(parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")), path);
    host.write(
      "proc/1/mountinfo",
      `28 1 999:1 / / rw - ext4 /dev/vda1 rw\n95 28 ${own?.numbers} / /data rw - xfs /dev/vdb rw\n`,
    );
    const found = await new FilesystemCollector(host.roots).collect({ path: "/", mount: "any" });
    expect(found.device).toBe("/dev/vdb");
  });
});
