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

const OLLAMA = "ai.slice/ai-ollama.slice/ollama.service";
const PROXY = "ai.slice/ai-proxy.slice/local-llm-proxy.service";

/** A node that may be opened has no driver here. */
const ALLOWED = "No such device or address\n";
const DENIED = "Operation not permitted\n";

let vm: Vm;

/** What a process of a cgroup is told when it opens a device. */
const opening = (cgroup: string, device: string): Promise<string> =>
  vm.run(
    `bash -c 'echo $$ >/sys/fs/cgroup/${cgroup}/cgroup.procs; exec 3<>/dev/${device}' 2>&1 | sed 's/.*: //'`,
  );

/** What the verdicts say of a unit's property. */
const row = async (unit: string, property: string): Promise<string> =>
  (await vm.run("ai-resource-manager verify --table || test $? = 3"))
    .split("\n")
    .find((line) => line.includes(unit) && line.includes(property)) ?? "";

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

    // nvidia-smi's GPU 1 is the one with the minor 0.
    expect(await opening(OLLAMA, "nvidia0")).toBe(ALLOWED);
    expect(await opening(OLLAMA, "nvidiactl")).toBe(ALLOWED);
    expect(await opening(OLLAMA, "nvidia1")).toBe(DENIED);
    for (const device of ["nvidia0", "nvidia1", "nvidiactl"])
      expect(await opening(PROXY, device), device).toBe(DENIED);
    // Perl writes its process's name over what /proc/PID/environ shows.
    expect((await vm.run("systemctl show -P Environment ollama")).split(/\s+/)).toContain(
      "CUDA_VISIBLE_DEVICES=0",
    );

    expect(await vm.run("sed 's/:docker:[0-9a-f]*//' /run/nvidia-hook.log | sort -u")).toBe(
      "ai-llamacpp.slice devices=0 capabilities=\nairm.slice devices=all capabilities=utility\n",
    );
  });

  it("says of each limit whether it is enforced or only advice", async () => {
    expect(await row("ollama.service", "GPUs")).toMatch(/ 1 +1 +enforced \(DeviceAllow\)/);
    expect(await row("ollama.service", "VRAM")).toMatch(
      /alert above 80% .*unsupported \(advice: nothing on a host limits VRAM/,
    );
    expect(await row("llamacpp.service", "GPUs")).toMatch(
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

  it("refuses a card that the driver does not have, with those that it has", async () => {
    const said = await vm.run(
      `sed 's/^    gpus: "1"$/    gpus: "GPU-b,2"/' /var/lib/ai-resource-manager/bundles/workload-ollama/bundle.yaml |
        ai-resource-manager apply workload-ollama 2>&1; echo "exit $?"`,
    );
    expect(said).toContain(
      `goblin-host:workloads.ollama.gpu.devices: "2": this host has no GPU 2: it has GPUs 0-1 (0 is 0000:01:00.0 GPU-a, 1 is 0000:02:00.0 GPU-b)`,
    );
    expect(said).toMatch(/exit 2\n$/);
  });

  it("follows a card to its new minor, and keeps what it had while the driver is not loaded", async () => {
    await vm.run("standin-table 0 1");
    // Still open is the node that is another's now.
    expect(await row("ollama.service", "GPUs")).toMatch(
      /inert \(advice: CUDA_VISIBLE_DEVICES alone \(\/dev\/char\/195:0 is open to it, too\)\)/,
    );
    expect(await vm.run("ai-resource-manager verify; echo $?")).toMatch(
      /zz-goblin-exec\.conf.*content differs[^]*\n3\n$/,
    );
    await vm.run("ai-resource-manager apply --stored", { timeoutSeconds: 300 });
    expect(await opening(OLLAMA, "nvidia1")).toBe(ALLOWED);
    expect(await opening(OLLAMA, "nvidia0")).toBe(DENIED);
    expect(await row("ollama.service", "GPUs")).toMatch(/ 1 +1 +enforced \(DeviceAllow\)/);

    await vm.run("umount /proc/driver");
    expect(await vm.run("ai-resource-manager verify workload-ollama; echo $?")).toMatch(/\n0\n$/);
    for (const unit of ["ollama.service", "llamacpp.service"])
      expect(await row(unit, "GPUs")).toMatch(/inert \(the driver says nothing of its GPUs now/);
  });
});
