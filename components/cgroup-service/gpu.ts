import type { BundleRequirement, Limits } from "../host-bundle/bundle";
import type { Directive } from "../render/unit-file";
import type { Derived } from "./environment";
import { areNodes } from "./gpu-devices";
import { type Hardening, opensOnlyItsOwn } from "./hardening";
import type { SettledWorkload } from "./workload";

/** Its profile: with a GPU the one that leaves the GPUs' device nodes visible. */
export function hardeningOf({
  hardening,
  gpu,
}: SettledWorkload): Pick<Hardening, "profile" | "except" | "gpu"> {
  return {
    profile: hardening.profile ?? (gpu === undefined ? "standard" : "gpu"),
    except: hardening.except,
    gpu,
  };
}

/** Whether its programs may find a GPU: a container gets those that it names, a service those that are not hidden. */
export function mayUseGpu(workload: SettledWorkload): boolean {
  if (workload.gpu !== undefined || workload.runtime === "container") return workload.gpu !== undefined;
  const { profile, except } = hardeningOf(workload);
  return profile !== "standard" || except.includes("PrivateDevices");
}

/**
 * The variable that tells a runtime which GPUs are meant. A runtime counts those that a process can open, from 0, whatever
 * they are called elsewhere: where the others are hidden, a number is another one, and a render node is none at all. A UUID
 * means the same everywhere. NVIDIA's runtime sets a container's by itself.
 */
export function gpuVariables(workload: SettledWorkload): Record<string, Derived> {
  const { gpu, runtime } = workload;
  if (gpu === undefined || (gpu.vendor === "nvidia" && runtime === "container")) return {};
  const { vendor, devices } = gpu;
  const its = `gpu.devices (${devices.join(",")})`;
  const variable = vendor === "nvidia" ? "CUDA_VISIBLE_DEVICES" : "ROCR_VISIBLE_DEVICES";
  const visible = (value: string, rule: string) => ({ [variable]: { value, rule } });
  if (devices.every((device) => /^(GPU|MIG)-/.test(device))) return visible(devices.join(","), its);
  if (runtime === "container" ? areNodes(gpu) : opensOnlyItsOwn(hardeningOf(workload)))
    return visible(
      devices.map((_, index) => index).join(","),
      `${its}, counted from 0: it can open no other`,
    );
  return {
    // CUDA's own order is the fastest first; ROCm has one order only.
    ...(vendor === "nvidia"
      ? { CUDA_DEVICE_ORDER: { value: "PCI_BUS_ID", rule: "GPUs are counted as nvidia-smi counts them" } }
      : {}),
    ...visible(devices.join(","), its),
  };
}

/** The groups that may open the nodes. AMD's are for root and render, or video, of the host (Debian's udev rules). */
export function gpuGroups({ gpu }: SettledWorkload): Directive[] {
  if (gpu === undefined) return [];
  const groups = [...(gpu.vendor === "amd" ? ["render", "video"] : []), ...gpu.groups];
  return groups.length === 0 ? [] : [["SupplementaryGroups", groups.join(" ")]];
}

/** What the host is asked before anything changes: whether it has these cards. */
export function gpuRequirement(
  { gpu }: SettledWorkload,
  setting: string,
): Readonly<Record<string, BundleRequirement>> {
  if (gpu === undefined) return {};
  return { [`${setting}.gpu.devices`]: { gpus: gpu.devices.join(","), vendor: gpu.vendor } };
}

/** What `verify --table` says of its GPUs, and of their memory where the monitor measures it. */
export function gpuLimits({ gpu }: SettledWorkload): Limits {
  if (gpu === undefined) return {};
  const ids = gpu.devices.join(",");
  if (gpu.vendor === "amd") return { GPUs: `amd ${ids}` };
  return { GPUs: ids, VRAM: `alert above ${gpu.vramThreshold}%` };
}
