import { describe, expect, it } from "vitest";
import { parseReadings, renderEnforcement, rowsOf } from "./enforcement";
import { limitRow } from "./limit-row";

const swaps =
  "Filename\t\tType\t\tSize\t\tUsed\t\tPriority /swapfile file\t\t16777212\t0\t\t10 /dev/zram0 partition\t8388604\t0\t\t100";
const kernel = parseReadings(`swaps\tproc\t${swaps}
zram0\tdisksize\t8589934592
zram0\tcomp_algorithm\tlzo lzo-rle [lz4] zstd
vm.swappiness\tsysctl\t10
ollama.service\tmemory.max\t8589934592
ollama.service\tmemory.high\tmax
ollama.service\tcpu.max\t200000 100000
ollama.service\tcpuset.cpus.effective\t0-1,4
ollama.service\tio.bfq.weight\tdefault 109
ollama.service\tio.max\t254:0 rbps=1048576 wbps=max riops=max wiops=max
`);

describe("a limit beside the kernel's own word", () => {
  it.each([
    ["MemoryMax", "8589934592", "ok"],
    ["MemoryMax", "8589934593", "DIFFERS"],
    ["MemoryHigh", "infinity", "ok"],
    ["MemoryHigh", "1048576", "DIFFERS"],
    ["CPUQuota", "200%", "ok"],
    ["CPUQuota", "150%", "DIFFERS"],
    ["AllowedCPUs", "0-1,4", "ok"],
    ["IOWeight", "200", "ok"],
    ["IOWeight", "100", "DIFFERS"],
    ["IOReadBandwidthMax", "/srv/models 1048576", "ok"],
    ["IOWriteBandwidthMax", "/srv/models 1048576", "DIFFERS"],
    ["MemoryMax", "@{memory-less:2147483648:10}", "ok"],
    ["MemoryHigh", "@{memory-less:2147483648:10}", "DIFFERS"],
    ["TasksMax", "4096", "not running"],
    ["DevicePolicy", "closed", "not compared"],
  ])("%s=%s: %s", (property, declared, verdict) => {
    expect(limitRow("ollama.service", property, declared, kernel).verdict).toBe(verdict);
  });
});

describe("the table", () => {
  const bundle = {
    limits: { "ollama.service": { MemoryMax: "8589934592" } },
    swapFiles: { "/swapfile": { size: "17179869184", priority: "10" } },
    zram: { zram0: { size: "8589934592", algorithm: "lz4", priority: "100" } },
    sysctls: { "vm.swappiness": "60" },
  };

  it("shows swap, zram, sysctls and limits, and what does not hold", () => {
    expect(renderEnforcement(rowsOf(bundle, kernel))).toBe(`\
unit            property   declared  kernel  verdict
--------------  ---------  --------  ------  -------
zram0           size       8GiB      8GiB    ok
zram0           algorithm  lz4       lz4     ok
zram0           priority   100       100     ok
/swapfile       size       16GiB     16GiB   ok
/swapfile       priority   10        10      ok
vm.swappiness   sysctl     60        10      DIFFERS
ollama.service  MemoryMax  8GiB      8GiB    ok
`);
  });

  it("says in words what the host resolves", () => {
    const limits = {
      "ollama.service": { MemoryMax: "@{memory-less:2147483648:10%}", AllowedCPUs: "@{cores-except:0-1}" },
    };
    expect(renderEnforcement(rowsOf({ limits, swapFiles: {}, zram: {}, sysctls: {} }, kernel))).toBe(`\
unit            property     declared              kernel  verdict
--------------  -----------  --------------------  ------  -------
ollama.service  MemoryMax    RAM less 2GiB or 10%  8GiB    ok
ollama.service  AllowedCPUs  all but 0-1           0-1,4   ok
`);
  });

  it("says when a swap is off", () => {
    const rows = rowsOf(bundle, parseReadings("swaps\tproc\tFilename Type Size Used Priority\n"));
    expect(
      rows.filter(({ verdict }) => verdict === "DIFFERS").map(({ subject, property }) => [subject, property]),
    ).toEqual([
      ["zram0", "size"],
      ["zram0", "algorithm"],
      ["zram0", "priority"],
      ["/swapfile", "size"],
      ["/swapfile", "priority"],
      ["vm.swappiness", "sysctl"],
    ]);
  });
});
