import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { describeInLong } from "../support/long";
import { deploy, goTo, machine, SMALL_SIZE, tryDeploy } from "../support/machine";
import { CONTAINER, MIXED } from "../support/small-host";

const STANDIN = readFileSync(join(import.meta.dirname, "../support/gpu-standin.sh"), "utf8");
const OVERRIDES = {
  ...MIXED,
  "goblin-host:workloads.ollama.gpu": { devices: ["1"], vramThreshold: 80 },
  "goblin-host:workloads.llamacpp": { ...CONTAINER, gpu: { devices: ["0"] } },
};
const GPUS = `0, GPU-a, NVIDIA L4, 550.90.07, 45, 24576, 14746, 61, 55.12, 72.00, [N/A]
1, GPU-b, NVIDIA L4, 550.90.07, [N/A], 24576, 2048, 40, [N/A], 72.00, [N/A]
`;

let vm: Vm;

/** What a process of a cgroup is told when it opens a device. */
const opening = (cgroup: string, device: string): Promise<string> =>
  vm.run(
    `bash -c 'echo $$ >/sys/fs/cgroup/${cgroup}/cgroup.procs; exec 3<>/dev/${device}' 2>&1 | sed 's/.*: //'`,
  );

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
});

describeInLong("a host with GPUs", () => {
  it("and without NVIDIA's container toolkit is told so by every setting that needs it", async () => {
    const failed = await tryDeploy(vm, "up", { overrides: OVERRIDES });
    expect(failed.exitCode).toBe(1);
    expect(failed.diagnostics.map(({ message }) => message).join("\n")).toMatch(
      /goblin-host:monitor\.gpu: this host has no program nvidia-container-runtime-hook\. .*nvidia-container-toolkit.*pulumi config set --path 'goblin-host:monitor\.gpu' false/,
    );
    const without = { ...OVERRIDES, "goblin-host:monitor.gpu": false };
    const second = await tryDeploy(vm, "up", { overrides: without });
    expect(second.exitCode).toBe(1);
    expect(second.diagnostics.map(({ message }) => message).join("\n")).toContain(
      "goblin-host:workloads.llamacpp.gpu: this host has no program nvidia-container-runtime-hook",
    );
  });

  it("opens to each workload its own, and to the others none", async () => {
    await goTo(vm, "applied", MIXED);
    await vm.run("bash -s", { stdin: STANDIN });
    await vm.run(
      `cat >/etc/ai-resource-monitor/standin-gpus; echo 'GPU-b, '$(systemctl show -P MainPID ollama)', 20480' >/etc/ai-resource-monitor/standin-processes
      systemctl restart docker`,
      { stdin: GPUS },
    );
    await deploy(vm, "up", { overrides: OVERRIDES });
    // The service restarted.
    await vm.run(
      "echo 'GPU-b, '$(systemctl show -P MainPID ollama)', 20480' >/etc/ai-resource-monitor/standin-processes",
    );

    const ollama = "ai.slice/ai-ollama.slice/ollama.service";
    const proxy = "ai.slice/ai-proxy.slice/local-llm-proxy.service";
    expect(await opening(ollama, "nvidia1")).toBe("No such device or address\n");
    expect(await opening(ollama, "nvidiactl")).toBe("No such device or address\n");
    expect(await opening(ollama, "nvidia0")).toBe("Operation not permitted\n");
    for (const device of ["nvidia0", "nvidia1", "nvidiactl"])
      expect(await opening(proxy, device), device).toBe("Operation not permitted\n");
    // Perl writes its process's name over what /proc/PID/environ shows.
    expect((await vm.run("systemctl show -P Environment ollama")).split(/\s+/)).toContain(
      "CUDA_VISIBLE_DEVICES=0",
    );

    expect(await vm.run("sed 's/:docker:[0-9a-f]*//' /run/nvidia-hook.log | sort -u")).toBe(
      "ai-llamacpp.slice devices=0 capabilities=\nairm.slice devices=all capabilities=utility\n",
    );
  });

  it("says of each limit whether it is enforced or only advice", async () => {
    const table = await vm.run("ai-resource-manager verify --table");
    const row = (unit: string, property: string): string =>
      table.split("\n").find((line) => line.includes(unit) && line.includes(property)) ?? "";
    expect(row("ollama.service", "GPUs")).toMatch(/ 1 +1 +enforced \(DeviceAllow\)/);
    expect(row("ollama.service", "VRAM")).toMatch(
      /alert above 80% .*unsupported \(advice: nothing on a host limits VRAM/,
    );
    expect(row("llamacpp.service", "GPUs")).toMatch(
      / 0 +0 +enforced \(device nodes given by the NVIDIA runtime\)/,
    );
  });

  it("has them in the monitor, with an alert on a workload's VRAM, whatever else nvidia-smi prints", async () => {
    await vm.run(
      `for i in $(seq 60); do ai-resource-monitor --display | grep -q '^GPU 0' && break; sleep 1; done
      echo 'Warning: infoROM is corrupted at gpu 0000:01:00.0' >>/etc/ai-resource-monitor/standin-gpus`,
      { timeoutSeconds: 120 },
    );
    expect(await vm.run("ai-resource-monitor --display | tail -n 3")).toBe(
      "\nGPU 0: 45% GPU util, 60% memory util\nGPU 1: GPU util not available, 8% memory util\n",
    );
    await vm.run(
      "for i in $(seq 120); do grep -q 'VRAM' /var/log/ai-monitoring/alerts.log && exit; sleep 1; done; exit 1",
      { timeoutSeconds: 300 },
    );
    expect(await vm.run("sed 's/^[^A]*//' /var/log/ai-monitoring/alerts.log")).toMatch(
      // Within the deployment's watch window.
      /^ALERT: Service ollama VRAM usage at 83% \[deployment \d{8}T\d{6}Z\]\n$/,
    );
    // The alert may be older than the line that is none.
    const metrics = await vm.run(
      `for i in $(seq 60); do
        ai-resource-monitor --prometheus >/run/metrics
        grep -q '^airm_gpu_malformed_lines_total [1-9]' /run/metrics && break
        sleep 1
      done
      cat /run/metrics`,
      { timeoutSeconds: 180 },
    );
    expect(metrics).toMatch(/^airm_gpu_malformed_lines_total [1-9]/m);
    expect(metrics).toMatch(/^airm_service_gpu_memory_used_bytes\{.*service="ollama".*\} 21474836480$/m);
    expect(metrics).not.toMatch(/^airm_gpu_utilization_ratio\{gpu="1"/m);
  });
});
