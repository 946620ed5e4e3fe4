import { describe, expect, test } from "vitest";
import {
  containerId,
  parseCpuLimit,
  parseCpuStat,
  parseIoStat,
  parseLimit,
  parseProcessCgroup,
  parseStartTicks,
  slicePath,
} from "../../monitor/parse/cgroup";
import { busyRatio, type CpuTimes, parseCpuTimes } from "../../monitor/parse/cpu";
import { parseVerdicts, parseVerification } from "../../monitor/parse/documents";
import { parseLoadedModels } from "../../monitor/parse/ollama";
import { parseGpuLine, parseGpuProcessLine } from "../../monitor/parse/gpu";
import { parseLoad, parseOomKills } from "../../monitor/parse/load";
import { parseArcReclaimable, parseMeminfo } from "../../monitor/parse/memory";
import { mountOf, parseMountinfo } from "../../monitor/parse/mountinfo";
import { parseStall } from "../../monitor/parse/pressure";
import { parseSwaps, parseZram } from "../../monitor/parse/swap";

describe("memory", () => {
  const meminfo = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nCached: 300 kB\n";

  test("available memory is the kernel's, ZFS's reclaimable cache added, never more than there is", () => {
    expect(parseMeminfo(meminfo, undefined)).toEqual({
      totalBytes: 1000 * 1024,
      availableBytes: 400 * 1024,
      freeBytes: 100 * 1024,
      cachedBytes: 300 * 1024,
      zfsArcReclaimableBytes: undefined,
    });
    expect(parseMeminfo(meminfo, 200 * 1024).availableBytes).toBe(600 * 1024);
    expect(parseMeminfo(meminfo, 900 * 1024).availableBytes).toBe(1000 * 1024);
  });

  test.each([
    ["", "MemTotal"],
    ["MemTotal: 10", "MemAvailable"],
    ["MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvail", "MemAvailable"],
  ])("a torn text %j is an error that names what is missing", (text, missing) => {
    expect(() => parseMeminfo(text, undefined)).toThrow(`/proc/meminfo has no ${missing}`);
  });

  test("a cache at its minimum gives nothing", () => {
    expect(parseArcReclaimable("c_min 4 100\nsize 4 350\n")).toBe(250);
    expect(parseArcReclaimable("c_min 4 100\nsize 4 50\n")).toBe(0);
    expect(() => parseArcReclaimable("size 4 50\n")).toThrow("arcstats has no c_min");
  });
});

describe("swap", () => {
  const heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

  test("devices have their type, and octal escapes are undone", () => {
    const text = `${heading}/dev/zram0 partition 8 4 100\n/srv/a\\040b\\134c file 16 0 -2\n/dev/vda2 partition 4 4 5\n`;
    expect(parseSwaps(text)).toEqual([
      { device: "/dev/zram0", type: "zram", sizeBytes: 8192, usedBytes: 4096, priority: 100 },
      { device: "/srv/a b\\c", type: "file", sizeBytes: 16384, usedBytes: 0, priority: -2 },
      { device: "/dev/vda2", type: "partition", sizeBytes: 4096, usedBytes: 4096, priority: 5 },
    ]);
    expect(parseSwaps(heading)).toEqual([]);
  });

  test("torn texts are errors", () => {
    expect(() => parseSwaps("")).toThrow("/proc/swaps has no heading");
    expect(() => parseSwaps(`${heading}/dev/zram0 part`)).toThrow("not whole");
    expect(() => parseZram("zram0", "1 2", "10", undefined)).toThrow("not whole");
  });

  test("zram's columns; a kernel without the later ones has no limit", () => {
    expect(parseZram("zram0", "100 50 60\n", "1000\n", "lzo [lz4]\n")).toEqual({
      device: "zram0",
      diskSizeBytes: 1000,
      originalBytes: 100,
      compressedBytes: 50,
      memoryUsedBytes: 60,
      memoryLimitBytes: 0,
      algorithm: "lz4",
    });
  });
});

describe("CPU", () => {
  const times = (...cpus: [string, number[]][]): CpuTimes =>
    parseCpuTimes(["cpu 0 0 0 0", ...cpus.map(([name, ticks]) => `${name} ${ticks.join(" ")}`)].join("\n"));

  test("busy is all but idle and iowait; steal is busy, guest is in user already", () => {
    const before = times(["cpu0", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
    const after = times(["cpu0", [10, 5, 5, 60, 10, 2, 3, 5, 10, 5]]);
    expect(busyRatio(before, after)).toBeCloseTo(0.3, 10);
  });

  test("no time passed is no answer", () => {
    const same = times(["cpu0", [1, 2, 3, 4]]);
    expect(busyRatio(same, same)).toBeUndefined();
  });

  test("a counter that went backwards counts as no time", () => {
    const before = times(["cpu0", [500, 0, 0, 500]], ["cpu1", [0, 0, 0, 0]]);
    const after = times(["cpu0", [10, 0, 0, 20]], ["cpu1", [25, 0, 0, 75]]);
    expect(busyRatio(before, after)).toBe(0.25);
  });

  test("a CPU that came brings no past, one that went takes none", () => {
    const before = times(["cpu0", [0, 0, 0, 0]], ["cpu2", [9000, 0, 0, 0]]);
    const after = times(["cpu0", [50, 0, 0, 50]], ["cpu1", [0, 0, 0, 90_000]]);
    expect(busyRatio(before, after)).toBe(0.5);
  });

  test("torn texts are errors, and an old kernel without steal is not", () => {
    expect(() => parseCpuTimes("cpu  1 2")).toThrow("not whole");
    expect(() => parseCpuTimes("intr 1\n")).toThrow("no cpu lines");
    expect(times(["cpu0", [1, 2, 3, 4]]).cpus.get("cpu0")?.steal).toBe(0);
  });
});

describe("load, OOM kills, pressure", () => {
  test("whole texts", () => {
    expect(parseLoad("1.52 0.97 0.41 3/612 98765\n")).toEqual({ one: 1.52, five: 0.97, fifteen: 0.41 });
    expect(parseOomKills("pgfault 9\noom_kill 7\n")).toBe(7);
    expect(parseOomKills("pgfault 9\n")).toBeUndefined();
    expect(parseStall("some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n")).toEqual({
      waitingSeconds: 1.5,
      stalledSeconds: undefined,
    });
  });

  test("torn texts are errors", () => {
    expect(() => parseLoad("1.52")).toThrow("not whole");
    expect(() => parseStall("some avg10=0.0")).toThrow("no `some` line");
  });
});

describe("mounts", () => {
  const mounts = parseMountinfo(
    [
      "1 0 8:1 / / rw - ext4 /dev/a rw",
      "2 1 8:2 / /srv rw shared:1 master:2 - xfs /dev/b rw",
      "3 2 8:3 / /srv/models ro,noatime - ext4 /dev/c rw",
      "4 2 8:4 / /srv/models rw - nfs4 host:/m ro",
      "5 1 8:5 / /srv/models\\040old rw - ext4 /dev/d rw",
      "6 1 8:6 / /torn",
    ].join("\n"),
  );

  test("the deepest mount, and of two on one folder the one on top", () => {
    expect(mountOf(mounts, "/srv/models")).toEqual({
      mountpoint: "/srv/models",
      numbers: "8:4",
      root: "/",
      device: "host:/m",
      fstype: "nfs4",
      readOnly: true,
      remountedReadOnly: true,
    });
    expect(mounts.map(({ readOnly, remountedReadOnly }) => [readOnly, remountedReadOnly])).toEqual([
      [false, false],
      [false, false],
      [true, false],
      [true, true],
      [false, false],
    ]);
    expect(mountOf(mounts, "/srv/models/a")?.device).toBe("host:/m");
    expect(mountOf(mounts, "/srv/models2")?.device).toBe("/dev/b");
    expect(mountOf(mounts, "/srv/models old/x")?.device).toBe("/dev/d");
    expect(mountOf(mounts, "/srvx")?.device).toBe("/dev/a");
    expect(mountOf([], "/srv")).toBeUndefined();
  });
});

describe("cgroups", () => {
  test("limits: max is none", () => {
    expect(parseLimit("max\n")).toBeUndefined();
    expect(parseLimit("0\n")).toBe(0);
    expect(() => parseLimit("")).toThrow("neither a number nor max");
    expect(parseCpuLimit("150000 100000\n")).toBe(1.5);
    expect(parseCpuLimit("max 100000\n")).toBeUndefined();
    expect(() => parseCpuLimit("150000")).toThrow("not whole");
    expect(() => parseCpuLimit("150000 0")).toThrow("not whole");
  });

  test("cpu.stat without the cpu controller has no periods", () => {
    expect(parseCpuStat("usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\n")).toEqual({
      usageSeconds: 3,
      userSeconds: 2,
      systemSeconds: 1,
      periods: undefined,
      throttledPeriods: undefined,
      throttledSeconds: undefined,
    });
    expect(() => parseCpuStat("user_usec 1")).toThrow("no usage_usec");
  });

  test("io.stat adds devices; a device without numbers adds nothing", () => {
    expect(parseIoStat("8:0 rbytes=10 wbytes=1\n8:16 \n7:0 rbytes=5 wbytes=2\n")).toEqual({
      readBytes: 15,
      writeBytes: 3,
    });
  });

  test("processes: a name with blanks and brackets, and the unified line among v1's", () => {
    const stat = `7 (a) b (c) S ${Array.from({ length: 18 }, (_, index) => index + 4).join(" ")} 4711 0`;
    expect(parseStartTicks(stat)).toBe(4711);
    expect(parseStartTicks("7 (a")).toBeUndefined();
    expect(parseProcessCgroup("1:cpu:/x\n0::/ai.slice/a.service\n")).toBe("ai.slice/a.service");
    expect(parseProcessCgroup("1:cpu:/x\n")).toBeUndefined();
  });

  test("names of slices and containers", () => {
    expect(slicePath("ai-ollama.slice")).toBe("ai.slice/ai-ollama.slice");
    expect(slicePath("ai-local-llm.slice")).toBe("ai.slice/ai-local.slice/ai-local-llm.slice");
    expect(slicePath("airm.slice")).toBe("airm.slice");
    const id = "0123456789abcdef".repeat(4);
    expect(containerId(`docker-${id}.scope`)).toBe(id);
    expect(containerId(id)).toBe(id);
    expect(containerId("ollama.service")).toBeUndefined();
    expect(containerId(`docker-${id}`.slice(0, -1))).toBeUndefined();
  });
});

describe("GPU", () => {
  test("what the driver does not tell is undefined, never 0", () => {
    expect(
      parseGpuLine("0, GPU-b, GT 710, 470.256.02, [N/A], 2048, 0, [Not Supported], [N/A], [N/A], [N/A]"),
    ).toEqual({
      index: "0",
      uuid: "GPU-b",
      name: "GT 710",
      driverVersion: "470.256.02",
      utilizationRatio: undefined,
      memoryTotalBytes: 2 ** 31,
      memoryUsedBytes: 0,
      temperatureCelsius: undefined,
      powerWatts: undefined,
      powerLimitWatts: undefined,
      mig: false,
    });
  });

  test.each(["", "No devices were found", "0, GPU-b, GT 710", "x, GPU, a, b, 1, 2, 3, 4, 5, 6, 7"])(
    "%j is no GPU",
    (line) => {
      expect(() => parseGpuLine(line)).toThrow("not a line of 11 fields");
    },
  );

  test("processes", () => {
    expect(parseGpuProcessLine("GPU-a, 12, 100")).toEqual({
      gpuUuid: "GPU-a",
      pid: 12,
      memoryUsedBytes: 100 * 2 ** 20,
    });
    expect(parseGpuProcessLine("GPU-a, 12, [N/A]")).toBeUndefined();
    expect(() => parseGpuProcessLine("GPU-a, twelve, 100")).toThrow("not a line of a process");
  });
});

describe("documents", () => {
  test("Ollama's models", () => {
    expect(
      parseLoadedModels('{"models":[{"name":"a","size":10,"size_vram":4},{"name":"b","size":1}]}'),
    ).toMatchObject([
      { name: "a", memoryBytes: 10, vramBytes: 4 },
      { name: "b", memoryBytes: 1, vramBytes: 0 },
    ]);
    expect(() => parseLoadedModels("<html>")).toThrow("no JSON");
    expect(() => parseLoadedModels("[]")).toThrow("no JSON object");
    expect(() => parseLoadedModels("{}")).toThrow("no list of models");
    expect(() => parseLoadedModels('{"models":[{"size":1}]}')).toThrow("without name or size");
  });

  test("the manager's verification", () => {
    expect(parseVerification('{"time":1,"exitCode":3,"findings":2}')).toEqual({
      time: 1,
      exitCode: 3,
      findings: 2,
    });
    expect(() => parseVerification('{"time":1,"exi')).toThrow("no JSON");
    expect(() => parseVerification('{"time":1,"exitCode":"3","findings":2}')).toThrow("needs the numbers");
  });

  test("the manager's verdicts, a limit of two bundles once", () => {
    const text = [
      "slices\tai-ollama.slice\tMemoryMax\tinert",
      "ollama\tollama.service\tMemoryMax\tenforced",
      "ollama\tai-ollama.slice\tMemoryMax\tenforced",
      "",
    ].join("\n");
    expect(parseVerdicts(text)).toEqual([
      { service: "ai-ollama.slice", limit: "MemoryMax", verdict: "enforced" },
      { service: "ollama", limit: "MemoryMax", verdict: "enforced" },
    ]);
    expect(parseVerdicts("")).toEqual([]);
    expect(() => parseVerdicts("ollama\tollama.service\tMemo")).toThrow("without its four fields");
    expect(() => parseVerdicts("a\tb\tc\td\te")).toThrow("without its four fields");
  });
});
