import { beforeAll, describe, expect, it } from "vitest";
import { readEnforcement } from "../../sandbox/enforcement";
import { activity, difference, fingerprint } from "../support/fingerprint";
import { deploy, get, goTo, machine, ran } from "../support/machine";
import { processesOf } from "../support/processes";

const vm = machine();
const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

/** The specification's table with the design's defaults: no high, low 25%, swap 50% of max. */
const SERVICES = {
  ollama: {
    slice: "ai-ollama",
    max: 8 * GiB,
    low: 2 * GiB,
    swap: 4 * GiB,
    cpu: "200000 100000",
    cores: "0",
    io: 100,
  },
  llamacpp: {
    slice: "ai-llamacpp",
    max: 6 * GiB,
    low: 1536 * MiB,
    swap: 3 * GiB,
    cpu: "150000 100000",
    cores: "1",
    io: 80,
  },
  "local-llm-proxy": {
    slice: "ai-proxy",
    max: GiB,
    low: 256 * MiB,
    swap: 512 * MiB,
    cpu: "50000 100000",
    cores: "0-1",
    io: 50,
  },
} as const;

const BUNDLES = [
  "manager",
  "zram",
  "swap",
  "earlyoom",
  "slices",
  "docker",
  "models",
  "monitor",
  "monitor-timer",
  "workload-ollama",
  "workload-llamacpp",
  "workload-local-llm-proxy",
];

const read = async (path: string): Promise<string> => (await vm.run(`cat ${path}`)).trim();

/** The whole host, as the specification describes it and the kernel shows it. */
async function expectSpecification(): Promise<void> {
  const swaps = (await read("/proc/swaps"))
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s+/));
  expect(swaps.map(([name, , size, , priority]) => [name, Number(size) * 1024, priority]).sort()).toEqual([
    ["/dev/zram0", 8 * GiB - 4096, "100"],
    ["/swapfile", 16 * GiB - 4096, "10"],
  ]);
  expect(await vm.run("stat -c '%a %s' /swapfile")).toBe(`600 ${16 * GiB}\n`);
  expect(await read("/sys/block/zram0/comp_algorithm")).toContain("[lz4]");
  expect((await read("/sys/block/zram0/mm_stat")).split(/\s+/)[3]).toBe(String(4 * GiB));
  expect(await read("/proc/sys/vm/swappiness")).toBe("10");
  const earlyoom = await vm.run("tr '\\0' ' ' </proc/$(systemctl show -p MainPID --value earlyoom)/cmdline");
  expect(earlyoom).toMatch(/^\/usr\/bin\/earlyoom .*-m 10,5 .*-s 100,100 /);
  for (const [name, wanted] of Object.entries(SERVICES)) {
    const group = `/sys/fs/cgroup/ai.slice/${wanted.slice}.slice/${name}.service`;
    const files = [
      "memory.max",
      "memory.high",
      "memory.low",
      "memory.swap.max",
      "cpu.max",
      "io.bfq.weight",
      "pids.max",
    ];
    const cores = `read -r pid <${group}/cgroup.procs; sed -n 's/^Cpus_allowed_list:\\t//p' /proc/$pid/status`;
    const values = (await vm.run([...files.map((file) => `head -n 1 ${group}/${file}`), cores].join("; ")))
      .trim()
      .split("\n");
    expect(values, name).toEqual(
      [
        wanted.max,
        "max",
        wanted.low,
        wanted.swap,
        wanted.cpu,
        `default ${wanted.io}`,
        4096,
        wanted.cores,
      ].map(String),
    );
  }
  const differing = (await readEnforcement(vm)).filter(({ verdict }) => verdict === "DIFFERS");
  expect(differing).toEqual([]);
}

beforeAll(async () => {
  await goTo(vm, "clean");
});

describe("the host stack on a new machine", () => {
  let before: string[];

  it("preview shows what up will create and changes nothing", async () => {
    before = await fingerprint(vm);
    const result = await deploy(vm, "preview");
    expect(
      result.steps.filter(
        ({ op, type, name }) =>
          op === "create" && type === "command:remote:Command" && name.endsWith("-bundle-apply"),
      ),
    ).toHaveLength(BUNDLES.length);
    expect(difference(before, await fingerprint(vm))).toEqual([]);
  });

  it("up applies every bundle in order, and the kernel enforces all of it", async () => {
    await goTo(vm, "applied");
    await expectSpecification();
    for (const port of [11434, 8080, 8090]) {
      expect(await get(vm, port, "/health")).toBe("ok\n");
    }
  });

  it("that was one run of apt, and systemd was reloaded only for what it had loaded before", async () => {
    const history = "/var/log/apt/history.log";
    expect(await vm.run(`grep -c '^Commandline: apt-get .* --no-remove install ' ${history}`)).toBe("1\n");
    const reloads = await vm.run(
      `journalctl -q --no-pager _PID=1 -o cat -g '^Reloading' --since "$(sed -n 's/^End-Date: //p' ${history} | tail -n 1)" | wc -l`,
    );
    // For the packages, zram's generator, and drop-ins of EarlyOOM, of the system's slices and of three workloads: seven
    // where the monitor has no container, and eight were measured with it.
    expect(Number(reloads)).toBeGreaterThan(1);
    expect(Number(reloads)).toBeLessThanOrEqual(8);
  });

  it("the specification's own commands print the limits", async () => {
    const shown = await vm.run(
      "systemctl show ollama -p MemoryMax,MemoryLimit,CPUQuotaPerSecUSec,CPUAffinity",
    );
    expect(shown.trim().split("\n").sort()).toEqual([
      "CPUAffinity=0",
      "CPUQuotaPerSecUSec=2s",
      `MemoryLimit=${8 * GiB}`,
      `MemoryMax=${8 * GiB}`,
    ]);
    expect(await vm.run("zramctl --noheadings --raw -o NAME,DISKSIZE,ALGORITHM")).toContain(
      "/dev/zram0 8G lz4",
    );
    await vm.run(
      "systemctl restart ollama llamacpp && systemctl is-active ollama llamacpp && journalctl -q -u ollama -n 50 >/dev/null",
    );
  });

  it("each service's hardening keeps its exposure at 3.0 or less", async () => {
    for (const unit of Object.keys(SERVICES)) {
      const { stdout } = await vm.ssh(`systemd-analyze security --no-pager ${unit}.service | tail -n 1`);
      const exposure = Number(/: ([0-9.]+) /.exec(stdout)?.[1]);
      expect(exposure, stdout).toBeLessThanOrEqual(3.0);
    }
  });

  it("verify finds nothing, and a second up changes nothing at all", async () => {
    const { code, stdout } = await vm.ssh("ai-resource-manager verify");
    expect([code, stdout]).toEqual([0, expect.stringContaining("all holds")]);
    const earlier = await activity(vm);
    const again = await deploy(vm, "up", { expectNoChanges: true });
    expect(ran(again)).toEqual([]);
    for (const bundle of BUNDLES) {
      const stored = `/var/lib/ai-resource-manager/bundles/${bundle}/bundle.yaml`;
      expect(await vm.run(`ai-resource-manager apply ${bundle} <${stored}`)).toBe(`${bundle}: unchanged\n`);
    }
    expect(await activity(vm)).toBe(earlier);
  });

  it("Ollama sees its own cgroup, read-only, and another service the host's", async () => {
    await goTo(vm, "applied");
    const inside = (name: string, command: string): Promise<string> =>
      vm.run(`nsenter --mount --target "$(systemctl show -P MainPID ${name})" -- sh -c '${command}'`);
    const look = "cat /sys/fs/cgroup/memory.max 2>/dev/null || echo none";
    expect(await inside("ollama", look)).toBe(`${SERVICES.ollama.max}\n`);
    expect(await inside("ollama", "mkdir /sys/fs/cgroup/a 2>&1 || true")).toContain("Read-only file system");
    expect(await inside("llamacpp", look)).toBe("none\n");
    expect(await vm.run("systemctl show -P Environment ollama")).toMatch(
      /\bLLAMA_ARG_CACHE_RAM=1024 OLLAMA_CONTEXT_LENGTH=4096 OLLAMA_MAX_LOADED_MODELS=1\b/,
    );
  });

  it("a changed memory limit is live without a restart, and shows line by line in the preview", async () => {
    await goTo(vm, "applied");
    const started = await vm.run(
      "systemctl show -p ExecMainPID,ActiveEnterTimestampMonotonic ollama llamacpp local-llm-proxy earlyoom",
    );
    const overrides = { "goblin-host:workloads.llamacpp.memory.max": "5GiB" };
    const preview = await deploy(vm, "preview", { overrides });
    const update = preview.steps.find(
      ({ op, type, name }) =>
        op === "update" && type === "command:remote:Command" && name.includes("llamacpp"),
    );
    expect(update?.diff).toContain("- MemoryMax=6G");
    expect(update?.diff).toContain("+ MemoryMax=5G");
    // Read at the next start.
    expect(update?.diff).toContain('+ Environment="LLAMA_ARG_CACHE_RAM=640"');
    // The monitor follows its configuration by itself.
    expect(preview.steps.filter(({ op, type }) => op !== "same" && type.startsWith("docker:"))).toEqual([]);
    await deploy(vm, "up", { overrides });
    expect(await read("/sys/fs/cgroup/ai.slice/ai-llamacpp.slice/llamacpp.service/memory.max")).toBe(
      String(5 * GiB),
    );
    expect(
      await vm.run(
        "systemctl show -p ExecMainPID,ActiveEnterTimestampMonotonic ollama llamacpp local-llm-proxy earlyoom",
      ),
    ).toBe(started);
  });

  it("verify names an edited drop-in and a value written by hand; apply repairs both and touches no other unit", async () => {
    await goTo(vm, "applied");
    await vm.run(
      "sed -i 's/^TasksMax=.*/TasksMax=123/' /etc/systemd/system/ollama.service.d/zz-goblin.conf;" +
        "echo 4294967296 >/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service/memory.max",
    );
    // The monitor's timer starts its service every minute.
    const starts =
      "systemctl show -p Id,ActiveEnterTimestampMonotonic '*.service' | awk 'BEGIN {RS=\"\"} !/Id=(run-|ai-resource-)/'";
    const started = await vm.run(starts);
    const { code, stdout } = await vm.ssh("ai-resource-manager verify");
    expect(code).toBe(3);
    expect(stdout.trim().split("\n")).toEqual([
      "workload-ollama: /etc/systemd/system/ollama.service.d/zz-goblin.conf file: declared as applied, on file content differs (content differs)",
      "workload-ollama: ollama.service MemoryMax: declared 8 GiB, kernel 4 GiB (written by hand or not taken by the kernel)",
    ]);
    const receipt = await vm.run("ai-resource-manager apply --stored workload-ollama");
    expect(receipt).toContain("workload-ollama: applied (generation 2)");
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    expect(await read("/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service/memory.max")).toBe(
      String(8 * GiB),
    );
    expect(await vm.run(starts)).toBe(started);
  });

  it("set-property overrides, run-time and persistent, are drift by name and repaired", async () => {
    await goTo(vm, "applied");
    await vm.run(
      "systemctl set-property --runtime ollama.service MemoryMax=3G; systemctl set-property llamacpp.service TasksMax=77",
    );
    const { code, stdout } = await vm.ssh("ai-resource-manager verify");
    expect(code).toBe(3);
    expect(stdout).toContain(
      "ollama.service MemoryMax: declared 8 GiB, kernel 3 GiB (runtime override /run/systemd/system.control/ollama.service.d/50-MemoryMax.conf)",
    );
    expect(stdout).toContain(
      "llamacpp.service TasksMax: declared 4096, kernel 77 (persistent override /etc/systemd/system.control/llamacpp.service.d/50-TasksMax.conf)",
    );
    await vm.run("ai-resource-manager apply --stored");
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  it("status --json says the same to a program, with at most a dozen processes", async () => {
    await goTo(vm, "applied");
    const processes = await processesOf(vm, "ai-resource-manager status --json >/tmp/status");
    const status = JSON.parse(await vm.run("cat /tmp/status")) as {
      version: string;
      bundles: { name: string; digest: string; findings: unknown[]; limits: { verdict: string }[] }[];
    };
    expect(status.bundles.map(({ name }) => name)).toEqual(BUNDLES);
    expect(status.bundles.flatMap(({ findings }) => findings)).toEqual([]);
    expect(
      status.bundles
        .flatMap(({ limits }) => limits)
        .every(({ verdict }) => ["enforced", "inert"].includes(verdict)),
    ).toBe(true);
    for (const { digest } of status.bundles) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(processes).toBeGreaterThan(1);
    expect(processes).toBeLessThanOrEqual(12);
  });

  it("after a reboot all of it holds before anyone logs in", async () => {
    await goTo(vm, "applied");
    const generations = await vm.run("cat /var/lib/ai-resource-manager/bundles/*/generation");
    await vm.reboot();
    await vm.run("systemctl is-system-running --wait >/dev/null; true");
    await expectSpecification();
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    expect(await vm.run("cat /var/lib/ai-resource-manager/bundles/*/generation")).toBe(generations);
    const boot = await vm.run("systemctl show -p Result,ActiveState ai-resource-manager.service");
    expect(boot.trim().split("\n").sort()).toEqual(["ActiveState=inactive", "Result=success"]);
  });

  it("destroy gives the machine back as it was, but for the monitor's history", async () => {
    await goTo(vm, "clean");
    before = await fingerprint(vm);
    await goTo(vm, "applied");
    const result = await deploy(vm, "destroy");
    expect(ran(result)).toEqual([...BUNDLES].reverse());
    const left = difference(before, await fingerprint(vm));
    expect(left.filter((line) => !/\/var\/lib\/ai-resource-monitor(\/|$)/.test(line))).toEqual([]);
    expect(await vm.run("cat /var/lib/ai-resource-monitor/history/*.jsonl | head -c 1")).toBe("{");
  });
});
