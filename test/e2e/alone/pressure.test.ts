import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { deploy, get, goTo, machine } from "../support/machine";
import { mainPids, reachableDuring } from "../support/reach";

const MiB = 1024 ** 2;
const WORKLOADS = ["ollama", "llamacpp", "local-llm-proxy"];
const pressureScript = readFileSync(join(import.meta.dirname, "..", "support", "pressure.sh"), "utf8");

describe("workloads that press against their limits", () => {
  const vm = machine();

  beforeAll(async () => {
    await goTo(vm, "applied");
    await deploy(vm, "up", {
      overrides: {
        "goblin-host:workloads.ollama.memory": { max: "512MiB", swap: "0" },
        "goblin-host:workloads.ollama.cpu.quota": "40%",
        "goblin-host:workloads.llamacpp.memory": { max: "512MiB", swap: "128MiB" },
        "goblin-host:workloads.local-llm-proxy.memory": { max: "128MiB", swap: "0" },
      },
    });
  });

  /** By cgroup, how many kills it counts: in itself (memory.events.local), or below it too (memory.events). */
  async function oomKills(file: "memory.events" | "memory.events.local"): Promise<Record<string, number>> {
    const found = await vm.run(
      `cd /sys/fs/cgroup && grep -r --include=${file} -H '^oom_kill [^0]' . || true`,
    );
    return Object.fromEntries(
      [...found.matchAll(/^\.\/(.*)\/memory\.events\S*:oom_kill (\d+)$/gm)].map(([, group, count]) => [
        group ?? "",
        Number(count),
      ]),
    );
  }

  /** Asks a child of the workload for memory until it is killed; every 100 ms the swap in use, and the end. */
  async function press(port: number, group: string, mib: number) {
    const printed = await vm.run(`bash -s ${port} ${group} ${mib} 60`, { stdin: pressureScript });
    const lines = printed.trim().split("\n");
    const swap = lines.flatMap((line) => (line.startsWith("swap ") ? [Number(line.slice(5))] : []));
    return { swap, end: lines.at(-1) };
  }

  const healthy =
    (...ports: number[]) =>
    async (): Promise<void> => {
      for (const port of ports) expect(await get(vm, port, "/health"), `port ${port}`).toBe("ok\n");
    };

  it("without swap, an allocation past the limit is one kill in its own cgroup, and nobody else's", async () => {
    const group = "ai.slice/ai-ollama.slice/ollama.service";
    expect(await vm.run(`cat /sys/fs/cgroup/${group}/memory.{max,swap.max}`)).toBe(`${512 * MiB}\n0\n`);
    expect(await oomKills("memory.events")).toEqual({});
    const before = await mainPids(vm, ["ssh", "earlyoom", ...WORKLOADS]);
    const { result } = await reachableDuring(vm, () => press(11434, group, 900), healthy(8080, 8090));
    expect(result.end).toMatch(/^killed after \d+ ms$/);
    expect(Math.max(...result.swap)).toBe(0);
    expect(await oomKills("memory.events.local")).toEqual({ [group]: 1 });
    expect(await oomKills("memory.events")).toEqual({
      "ai.slice": 1,
      "ai.slice/ai-ollama.slice": 1,
      [group]: 1,
    });
    // OOMPolicy=continue: the killed child does not take its server along.
    expect(await get(vm, 11434, "/health")).toBe("ok\n");
    expect(await mainPids(vm, ["ssh", "earlyoom", ...WORKLOADS])).toBe(before);
  });

  it("with an allowance, swap is used up to it and never beyond, and then it is killed", async () => {
    const group = "ai.slice/ai-llamacpp.slice/llamacpp.service";
    const others = await oomKills("memory.events.local");
    const before = await mainPids(vm, ["ssh", "earlyoom", ...WORKLOADS]);
    const { result } = await reachableDuring(vm, () => press(8080, group, 1200), healthy(11434, 8090));
    expect(result.end).toMatch(/^killed after \d+ ms$/);
    expect(Math.max(...result.swap)).toBeLessThanOrEqual(128 * MiB);
    expect(Math.max(...result.swap)).toBeGreaterThanOrEqual(0.99 * 128 * MiB);
    expect(await oomKills("memory.events.local")).toEqual({ ...others, [group]: 1 });
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    expect(await mainPids(vm, ["ssh", "earlyoom", ...WORKLOADS])).toBe(before);
  });

  it("a main process that is killed is started again, as its unit says", async () => {
    const others = ["ssh", "earlyoom", "ollama", "llamacpp"];
    const before = await mainPids(vm, others);
    const restarts = async () => Number(await vm.run("systemctl show -p NRestarts --value local-llm-proxy"));
    const earlier = await restarts();
    const { result } = await reachableDuring(
      vm,
      async () => {
        // The answer never comes: who should give it is dead.
        await vm.ssh(
          "exec 3<>/dev/tcp/127.0.0.1/8090; printf 'GET /allocate?mib=400 HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3",
        );
        return vm.run(
          "until (exec 3<>/dev/tcp/127.0.0.1/8090) 2>/dev/null; do sleep 0.5; done; systemctl is-active local-llm-proxy",
          { timeoutSeconds: 60 },
        );
      },
      healthy(11434, 8080),
    );
    expect(result).toBe("active\n");
    expect(await restarts()).toBe(earlier + 1);
    expect(await vm.run("journalctl -q -o cat -u local-llm-proxy -n 20")).toContain(
      "A process of this unit has been killed by the OOM killer.",
    );
    expect(await get(vm, 8090, "/health")).toBe("ok\n");
    expect(await mainPids(vm, others)).toBe(before);
  });

  it("more threads than the quota get the quota's time, on the workload's cores", async () => {
    const group = "/sys/fs/cgroup/ai.slice/ai-ollama.slice/ollama.service";
    const script = `
      look() { while read -r key value; do printf '%s %s\\n' "$key" "$value"; done <${group}/cpu.stat; echo "now \${EPOCHREALTIME/./}"; }
      exec 3<>/dev/tcp/127.0.0.1/11434; printf 'GET /burn?seconds=14&threads=6 HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3 >/dev/null
      sleep 1; look; sleep 10; look
      while read -r pid; do while read -r key value; do [ "$key" != Cpus_allowed_list: ] || echo "cores $value"; done </proc/$pid/status; done <${group}/cgroup.procs`;
    const { result } = await reachableDuring(
      vm,
      () => vm.run("bash -s", { stdin: script }),
      healthy(8080, 8090),
    );
    const grown = (key: string): number => {
      const [first, second] = [...result.matchAll(new RegExp(`^${key} (\\d+)$`, "gm"))].map(([, n]) =>
        Number(n),
      );
      return (second ?? NaN) - (first ?? NaN);
    };
    const share = grown("usage_usec") / grown("now");
    expect(share).toBeLessThanOrEqual(0.4 * 1.1);
    expect(share).toBeGreaterThanOrEqual(0.4 * 0.5);
    expect(grown("nr_throttled")).toBeGreaterThan(10);
    // The server and its six children.
    expect([...result.matchAll(/^cores (.*)$/gm)].map(([, cores]) => cores)).toEqual(Array(7).fill("0"));
    await vm.run("exec 3<>/dev/tcp/127.0.0.1/11434; printf 'GET /release HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3");
  });
});
