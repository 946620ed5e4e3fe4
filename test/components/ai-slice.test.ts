import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { renderSlices } from "../../components/ai-slice/render";
import { ReserveSettings } from "../../components/ai-slice/schema";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";

function render(
  workloads: Record<string, z.input<typeof WorkloadSettings>>,
  reserve: z.input<typeof ReserveSettings> = {},
) {
  const settled = Object.entries(workloads).map(([name, given]) =>
    settleWorkload(name, WorkloadSettings.parse(given)),
  );
  return renderSlices(settled, {
    reserve: ReserveSettings.parse(reserve),
    guard: "#!/usr/bin/env bash\n",
    modelsPath: "/srv/models",
    setting: "goblin-host:reserve",
  });
}

const TABLE = {
  ollama: { memory: { max: "8GiB" }, io: "high" },
  llamacpp: { memory: { max: "6GiB" }, io: "medium" },
} as const;

describe("the slices", () => {
  it("hold the workloads, pass their weights and protection on, and protect sshd", () => {
    const { files = {}, limits, ioSchedulers, requires, units } = render(TABLE);
    expect(requires).toBeUndefined();
    expect(ioSchedulers).toEqual({ "/": "bfq", "/srv/models": "bfq" });
    expect(files["/etc/systemd/system/ai.slice"]).toEqual({
      mode: "0644",
      expand: true,
      content: `${HEADER}

[Unit]
Description=AI workloads of goblin-host

[Slice]
CPUWeight=100
IOWeight=200
MemoryLow=3584M
MemoryMax=@{memory-less:2147483648:10%}
`,
    });
    expect(files["/etc/systemd/system/ai-ollama.slice"]?.content).toBe(`${HEADER}

[Unit]
Description=AI workload ollama

[Slice]
CPUWeight=200
IOWeight=100
MemoryLow=2G
`);
    expect(files["/etc/systemd/system/ssh.service.d/zz-goblin.conf"]?.content).toBe(`${HEADER}

[Service]
CPUWeight=1000
IOWeight=1000
MemoryMin=64M
`);
    expect(files["/etc/systemd/system/init.scope.d/zz-goblin.conf"]?.content).toContain("[Scope]\n");
    expect(files["/etc/modules-load.d/goblin-bfq.conf"]?.content).toBe(`${HEADER}\nbfq\n`);
    expect(units).toEqual({
      "ai-resource-guard.service": {
        enabled: true,
        active: true,
        restartOn: ["/usr/local/sbin/ai-resource-guard", "/etc/systemd/system/ai-resource-guard.service"],
      },
    });
    expect(files["/usr/local/sbin/ai-resource-guard"]).toEqual({
      mode: "0755",
      content: "#!/usr/bin/env bash\n",
    });
    expect(Object.keys(files)).toEqual([
      "/usr/local/sbin/ai-resource-guard",
      "/etc/systemd/system/ai-resource-guard.service",
      "/etc/modules-load.d/goblin-bfq.conf",
      "/etc/udev/rules.d/60-goblin-io-scheduler.rules",
      "/etc/systemd/system/ai.slice",
      "/etc/systemd/system/airm.slice",
      "/etc/systemd/system/ai-ollama.slice",
      "/etc/systemd/system/ai-llamacpp.slice",
      "/etc/systemd/system/ssh.service.d/zz-goblin.conf",
      "/etc/systemd/system/system.slice.d/zz-goblin.conf",
      "/etc/systemd/system/user.slice.d/zz-goblin.conf",
      "/etc/systemd/system/init.scope.d/zz-goblin.conf",
    ]);
    expect(limits).toEqual({
      "ai.slice": {
        CPUWeight: "100",
        IOWeight: "200",
        MemoryLow: "3758096384",
        MemoryMax: "@{memory-less:2147483648:10%}",
      },
      "airm.slice": { CPUWeight: "200", MemoryMin: "33554432" },
      "ai-ollama.slice": { CPUWeight: "200", IOWeight: "100", MemoryLow: "2147483648" },
      "ai-llamacpp.slice": { CPUWeight: "150", IOWeight: "80", MemoryLow: "1610612736" },
      "ssh.service": { CPUWeight: "1000", IOWeight: "1000", MemoryMin: "67108864" },
      "system.slice": { CPUWeight: "200", IOWeight: "200", MemoryMin: "268435456" },
      "user.slice": { CPUWeight: "200", IOWeight: "200", MemoryMin: "134217728" },
      "init.scope": { CPUWeight: "1000", IOWeight: "200", MemoryMin: "33554432" },
      "ai-resource-guard.service": { CPUWeight: "1000", MemoryMin: "8388608", OOMScoreAdjust: "-1000" },
    });
  });

  it("keep the system and the workloads on their own cores", () => {
    const { files = {}, limits = {}, requires } = render(TABLE, { cores: "0,1", memory: "4GiB" });
    expect(requires).toEqual({ "goblin-host:reserve.cores": { cores: "0-1" } });
    expect(Object.entries(limits).map(([unit, { AllowedCPUs }]) => [unit, AllowedCPUs])).toEqual([
      ["ai.slice", "@{cores-except:0-1}"],
      ["airm.slice", "0-1"],
      ["ai-ollama.slice", undefined],
      ["ai-llamacpp.slice", undefined],
      ["ssh.service", undefined],
      ["system.slice", "0-1"],
      ["user.slice", "0-1"],
      ["init.scope", "0-1"],
      ["ai-resource-guard.service", undefined],
    ]);
    expect(files["/etc/systemd/system/ai.slice"]?.content).toContain("AllowedCPUs=@{cores-except:0-1}\n");
    expect(limits["ai.slice"]?.MemoryMax).toBe("@{memory-less:4294967296:10%}");
  });

  it("carry all limits of a container, of which docker exposes only some", () => {
    const { limits = {} } = render({
      proxy: {
        runtime: "container",
        image: "x",
        memory: { max: "1GiB", swap: 0 },
        cpu: { quota: "50%", cores: "2" },
        io: "low",
      },
    });
    expect(limits["ai-proxy.slice"]).toEqual({
      AllowedCPUs: "2",
      CPUQuota: "50%",
      CPUWeight: "100",
      IOWeight: "50",
      MemoryHigh: "infinity",
      MemoryLow: "268435456",
      MemoryMax: "1073741824",
      MemorySwapMax: "0",
      TasksMax: "4096",
    });
  });

  it("say in every file what they say in the limits", () => {
    const { files = {}, limits = {} } = render(TABLE, { cores: "0" });
    for (const [unit, declared] of Object.entries(limits)) {
      if (unit === "ai-resource-guard.service") continue;
      const content =
        files[`/etc/systemd/system/${unit}`]?.content ??
        files[`/etc/systemd/system/${unit}.d/zz-goblin.conf`]?.content;
      // A list is cleared before it is filled: its name stands there twice.
      const names = new Set([...(content ?? "").matchAll(/^([A-Za-z]+)=/gm)].map(([, name]) => name));
      names.delete("Description");
      expect([unit, [...names]]).toEqual([unit, Object.keys(declared).sort()]);
    }
  });

  it("say in the guard's unit what they say in its limits", () => {
    const unit = render(TABLE).files?.["/etc/systemd/system/ai-resource-guard.service"]?.content;
    expect(unit).toContain("\nCPUWeight=1000\n");
    expect(unit).toContain("\nMemoryMin=8M\n");
    expect(unit).toContain("\nOOMScoreAdjust=-1000\n");
  });
});
