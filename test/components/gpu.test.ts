import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { derivedVariables } from "../../components/cgroup-service/environment";
import { renderCgroupService } from "../../components/cgroup-service/render";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";
import { renderBundle } from "../../components/host-bundle/render";
import { renderContainerUnit } from "../../components/limited-container/render";
import { containerSpec } from "../../components/limited-container/spec";
import { checkSettings } from "../../components/settings/issues";

type Given = Partial<z.input<typeof WorkloadSettings>>;

const SETTING = "goblin-host:workloads.ollama";
const DROP_IN = "/etc/systemd/system/ollama.service.d/zz-goblin-exec.conf";

/** Without an engine: its name would make it Ollama, whose drop-in has a token and variables of other kinds, too. */
function settled(settings: Given) {
  const checked = checkSettings(WorkloadSettings, { memory: { max: "8GiB" }, engine: "none", ...settings });
  if ("issues" in checked)
    throw new Error(checked.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n"));
  return settleWorkload("ollama", checked.value);
}

const service = (settings: Given) =>
  renderCgroupService(settled(settings), { modelsPath: "/srv/models", setting: SETTING });

/** Of the exec drop-in, what is about devices and GPUs. */
const lines = (settings: Given): string[] =>
  (service(settings).files?.[DROP_IN]?.content ?? "")
    .split("\n")
    .filter((line) =>
      /^(Device|PrivateDevices|ProtectClock|Supplementary|Environment="(CUDA|ROCR|HIP))/.test(line),
    );

const allowed = (settings: Given): string[] =>
  lines(settings)
    .filter((line) => /^DeviceAllow=./.test(line))
    .map((line) => line.replace(/^DeviceAllow=(.*) rw$/, "$1"));

describe("a service with NVIDIA's GPUs", () => {
  it("is given the devices of these as the host's driver numbers them, and no others", () => {
    expect(lines({ gpu: { devices: [2, "1"] } })).toEqual([
      "DeviceAllow=",
      "DeviceAllow=/dev/char/195:255 rw",
      "DeviceAllow=/dev/char/195:254 rw",
      "DeviceAllow=@{nvidia-device:2} rw",
      "DeviceAllow=@{nvidia-render:2} rw",
      "DeviceAllow=@{nvidia-device:1} rw",
      "DeviceAllow=@{nvidia-render:1} rw",
      "DeviceAllow=char-nvidia-caps rw",
      "DeviceAllow=char-nvidia-uvm rw",
      "DevicePolicy=closed",
      'Environment="CUDA_VISIBLE_DEVICES=0,1"',
      "ProtectClock=yes",
    ]);
    expect(service({ gpu: { devices: [2, "1"] } })).toMatchObject({
      requires: { [`${SETTING}.gpu.devices`]: { gpus: "2,1", vendor: "nvidia" } },
      files: { [DROP_IN]: { expand: true } },
      limits: { "ollama.service": { GPUs: "2,1", VRAM: "alert above 95%" } },
    });
    expect(allowed({ gpu: { devices: ["GPU-8932f937"] } })).toContain("@{nvidia-device:GPU-8932f937}");
  });

  it("has no name in its list that systemd would open every GPU for", () => {
    for (const devices of [["0"], ["GPU-8932f937", "1"]])
      for (const entry of allowed({ gpu: { devices } }))
        expect(entry).toMatch(
          /^(\/dev\/char\/195:25[45]|@\{nvidia-(device|render):.*\}|char-nvidia-(caps|uvm))$/,
        );
  });

  it("can open all of them with a MIG device, whose card no table has", () => {
    const all = ["char-nvidia", "char-nvidia-frontend", "char-nvidia-caps", "char-nvidia-uvm"];
    expect(allowed({ gpu: { devices: ["0", "MIG-1"] } })).toEqual(all);
    expect(service({ gpu: { devices: ["MIG-1"] } }).files?.[DROP_IN]?.expand).toBeUndefined();
  });

  it("counts them as CUDA does: those that it can open, from 0; all by their order where nothing is hidden", () => {
    const cuda = (settings: Given) => lines(settings).filter((line) => line.includes("CUDA"));
    expect(cuda({ gpu: { devices: [2, 3] } })).toEqual(['Environment="CUDA_VISIBLE_DEVICES=0,1"']);
    expect(cuda({ gpu: { devices: [2, "GPU-1"] } })).toEqual(['Environment="CUDA_VISIBLE_DEVICES=0,1"']);
    expect(cuda({ gpu: { devices: ["GPU-1"] } })).toEqual(['Environment="CUDA_VISIBLE_DEVICES=GPU-1"']);
    for (const hardening of ["none", { except: ["DevicePolicy"] }] as const)
      expect(cuda({ gpu: { devices: [2, 3] }, hardening: hardening as "none" })).toEqual([
        'Environment="CUDA_DEVICE_ORDER=PCI_BUS_ID"',
        'Environment="CUDA_VISIBLE_DEVICES=2,3"',
      ]);
    expect(cuda({ gpu: { devices: [2] }, environment: { CUDA_VISIBLE_DEVICES: "GPU-9" } })).toEqual([
      'Environment="CUDA_VISIBLE_DEVICES=GPU-9"',
    ]);
  });
});

describe("a service with AMD's GPUs", () => {
  it("is given /dev/kfd and the render nodes of these, in the groups that may open them", () => {
    const gpu: Given["gpu"] = { vendor: "amd", devices: ["1", "GPU-00a1"] };
    expect(lines({ gpu })).toEqual([
      "DeviceAllow=",
      "DeviceAllow=@{amd-render:1} rw",
      "DeviceAllow=@{amd-render:GPU-00a1} rw",
      "DeviceAllow=char-kfd rw",
      "DevicePolicy=closed",
      'Environment="ROCR_VISIBLE_DEVICES=0,1"',
      "ProtectClock=yes",
      "SupplementaryGroups=render video",
    ]);
    expect(service({ gpu })).toMatchObject({
      requires: { [`${SETTING}.gpu.devices`]: { gpus: "1,GPU-00a1", vendor: "amd" } },
      files: { [DROP_IN]: { expand: true } },
    });
    // Nothing measures its memory.
    expect(service({ gpu: { vendor: "amd", devices: ["1"] } }).limits?.["ollama.service"]).toMatchObject({
      GPUs: "amd 1",
    });
    expect(service({ gpu: { vendor: "amd", devices: ["1"] } }).limits?.["ollama.service"]).not.toHaveProperty(
      "VRAM",
    );
  });

  it("counts them as ROCm does", () => {
    const rocr = (devices: string[], hardening?: "none") =>
      lines({ gpu: { vendor: "amd", devices }, ...(hardening && { hardening }) }).filter((line) =>
        /ROCR|CUDA/.test(line),
      );
    expect(rocr(["2"], "none")).toEqual(['Environment="ROCR_VISIBLE_DEVICES=2"']);
    expect(rocr(["GPU-00a1"])).toEqual(['Environment="ROCR_VISIBLE_DEVICES=GPU-00a1"']);
    expect(rocr(["/dev/dri/renderD129"])).toEqual(['Environment="ROCR_VISIBLE_DEVICES=0"']);
  });
});

describe("the variables of GPUs", () => {
  const derived = (settings: Given) => derivedVariables(settled(settings));
  const container = { runtime: "container", image: "example/llama:1" } as const;
  const nodes = ["/dev/dri/renderD129", "/dev/dri/renderD130"];

  it("have the rule that they follow from", () => {
    const its = "gpu.devices (2,3)";
    expect(derived({ gpu: { devices: [2, 3] } })).toEqual({
      CUDA_VISIBLE_DEVICES: { value: "0,1", rule: `${its}, counted from 0: it can open no other` },
    });
    expect(derived({ gpu: { devices: [2, 3] }, hardening: "none" })).toEqual({
      CUDA_DEVICE_ORDER: { value: "PCI_BUS_ID", rule: "GPUs are counted as nvidia-smi counts them" },
      CUDA_VISIBLE_DEVICES: { value: "2,3", rule: its },
    });
    expect(derived({ gpu: { vendor: "amd", devices: ["GPU-00a1"] } })).toEqual({
      ROCR_VISIBLE_DEVICES: { value: "GPU-00a1", rule: "gpu.devices (GPU-00a1)" },
    });
  });

  it("are a container's with AMD's, for NVIDIA's runtime sets its own", () => {
    expect(derived({ ...container, gpu: { devices: ["0"] } })).toEqual({});
    expect(derived({ ...container, gpu: { vendor: "amd", devices: ["1"] } })).toEqual({
      ROCR_VISIBLE_DEVICES: { value: "1", rule: "gpu.devices (1)" },
    });
    expect(derived({ ...container, gpu: { vendor: "amd", devices: nodes } })).toEqual({
      ROCR_VISIBLE_DEVICES: {
        value: "0,1",
        rule: `gpu.devices (${nodes.join(",")}), counted from 0: it can open no other`,
      },
    });
  });

  it("give way to their owner's, in a container, too", () => {
    const gpu: Given["gpu"] = { vendor: "amd", devices: ["1"] };
    const own = { environment: { ROCR_VISIBLE_DEVICES: "0" } };
    expect(derived({ ...container, ...own, gpu })).toEqual({});
    expect(containerSpec(settled({ ...container, ...own, gpu })).envs).toContain("ROCR_VISIBLE_DEVICES=0");
    expect(derivedVariables(settled({ ...container, gpu }), ["ROCR_VISIBLE_DEVICES"])).toEqual({});
  });
});

describe("the groups of a service", () => {
  it("are those that it is given beside what its vendor's nodes need", () => {
    const groups = (vendor: "nvidia" | "amd", given: string[]) =>
      lines({ gpu: { vendor, devices: ["0"], groups: given } }).filter((line) => /^Supp/.test(line));
    expect(groups("nvidia", [])).toEqual([]);
    expect(groups("nvidia", ["105"])).toEqual(["SupplementaryGroups=105"]);
    expect(groups("amd", ["105", "9"])).toEqual(["SupplementaryGroups=render video 105 9"]);
  });
});

describe("a service's devices", () => {
  it("are those of every GPU with the profile gpu and none named", () => {
    expect(allowed({ hardening: "gpu" })).toEqual([
      "char-drm",
      "char-kfd",
      "char-nvidia",
      "char-nvidia-frontend",
      "char-nvidia-caps",
      "char-nvidia-uvm",
    ]);
  });

  it("are left alone by an exception, with ProtectClock=, which would close them", () => {
    expect(lines({ hardening: { except: ["PrivateDevices"] } })).toEqual([]);
    expect(lines({ hardening: { profile: "gpu", except: ["DevicePolicy"] } })).toEqual([]);
    // These do not open any.
    expect(lines({ hardening: { except: ["DevicePolicy"] } })).toEqual([
      "PrivateDevices=yes",
      "ProtectClock=yes",
    ]);
  });

  it("are no part of what a variable says", () => {
    const bundle = service({ gpu: { devices: ["0"] }, environment: { A: "@{disk-of:/}" } });
    expect(renderBundle(bundle, "1.1.0")).toContain('Environment="A=@\\x7bdisk-of:/}"');
  });

  it("are filled in beside Ollama's own cgroup, in the same file", () => {
    const file = service({ engine: "ollama", gpu: { devices: ["0"] } }).files?.[DROP_IN];
    expect(file?.expand).toBe(true);
    expect(file?.content.match(/^.*@\{.*$/gm)).toEqual([
      "DeviceAllow=@{nvidia-device:0} rw",
      "DeviceAllow=@{nvidia-render:0} rw",
      "ProtectControlGroups=@{own-cgroup:/ai.slice/ai-ollama.slice/ollama.service}",
    ]);
  });
});

describe("a container", () => {
  const container = (settings: Given) =>
    settled({ runtime: "container", image: "example/llama:1", ...settings });
  const spec = (settings: Given) => containerSpec(container(settings));
  const requires = (settings: Given) => renderContainerUnit(container(settings), SETTING).requires;

  it("gets the GPUs of NVIDIA's that it names by a request to the runtime, or none", () => {
    expect(spec({ gpu: { devices: ["0", "1"] } }).deviceRequests).toEqual([
      { driver: "nvidia", count: 0, deviceIds: ["0", "1"], capabilities: ["gpu"] },
    ]);
    // Images for GPUs ask for all of them by themselves.
    expect(spec({ gpu: { devices: ["0"] } }).envs).not.toContain("NVIDIA_VISIBLE_DEVICES=void");
    expect(spec({}).envs).toContain("NVIDIA_VISIBLE_DEVICES=void");
    expect(spec({}).deviceRequests).toBeUndefined();
    expect(spec({ gpu: { devices: ["0"], groups: ["105"] } }).groupAdds).toEqual(["105"]);
    expect(requires({ gpu: { devices: ["0", "1"] } })).toMatchObject({
      [`${SETTING}.gpu`]: { program: "nvidia-container-runtime-hook" },
      [`${SETTING}.gpu.devices`]: { gpus: "0,1", vendor: "nvidia" },
    });
  });

  it("gets AMD's by their render nodes, and all of /dev/dri where those are not named", () => {
    const device = (path: string) => ({ hostPath: path, containerPath: path, permissions: "rw" });
    const named = spec({ gpu: { vendor: "amd", devices: ["/dev/dri/renderD129", "/dev/dri/renderD130"] } });
    expect(named.devices).toEqual([
      device("/dev/kfd"),
      device("/dev/dri/renderD129"),
      device("/dev/dri/renderD130"),
    ]);
    expect(named.envs).toEqual(["NVIDIA_VISIBLE_DEVICES=void", "ROCR_VISIBLE_DEVICES=0,1"]);
    expect(named).not.toHaveProperty("deviceRequests");
    expect(named).not.toHaveProperty("groupAdds");
    const counted = spec({ gpu: { vendor: "amd", devices: ["1"], groups: [105, "44"] } });
    expect(counted.devices).toEqual([device("/dev/kfd"), device("/dev/dri")]);
    expect(counted.envs).toContain("ROCR_VISIBLE_DEVICES=1");
    expect(counted.groupAdds).toEqual(["105", "44"]);
  });

  it("with AMD's needs no runtime of NVIDIA's, and to be of a group that may open the nodes", () => {
    const needs = (user?: string) =>
      requires({ ...(user && { user }), gpu: { vendor: "amd", devices: ["1"], groups: ["105"] } })?.[
        `${SETTING}.gpu`
      ];
    expect(needs()).toEqual({ device: "/dev/kfd", remedy: expect.stringContaining("amdgpu") as string });
    expect(needs("0:5")).not.toHaveProperty("groups");
    expect(needs("1000")).toMatchObject({ groups: "105" });
    expect(needs("1000:44")).toMatchObject({ groups: "44,105" });
  });
});

describe("what does not go together", () => {
  it.each<[gpu: Given["gpu"], refused: string]>([
    [{ vendor: "amd", devices: ["MIG-1"] }, "gpu.vendor: only NVIDIA's GPUs have MIG devices (MIG-1)"],
    [
      { devices: ["/dev/dri/renderD128"] },
      "gpu.vendor: only AMD's GPUs are given by a render node (/dev/dri/renderD128)",
    ],
    [
      { vendor: "amd", devices: ["0", "/dev/dri/renderD128"] },
      "gpu.devices: some are given by their render node",
    ],
    [{ vendor: "amd", devices: ["/dev/dri/card0"] }, "gpu.devices.0: that is no such name"],
  ])("%o", (gpu, refused) => {
    expect(() => settled({ gpu })).toThrow(refused);
  });
});
