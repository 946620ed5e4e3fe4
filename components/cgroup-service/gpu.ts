import type { Limits } from "../host-bundle/bundle";
import { areNumbers, type Hardening, hasDeviceList } from "./hardening";
import type { SettledWorkload } from "./workload";

/** Its profile: with a GPU the one that leaves the GPUs' device nodes visible. */
export function hardeningOf({
  hardening,
  gpu,
}: SettledWorkload): Pick<Hardening, "profile" | "except" | "gpus"> {
  return {
    profile: hardening.profile ?? (gpu === undefined ? "standard" : "gpu"),
    except: hardening.except,
    gpus: gpu?.devices ?? [],
  };
}

/**
 * CUDA counts the GPUs that a process can open. Where the device list hides the others, its own are 0, 1, ... whatever
 * nvidia-smi calls them; where nothing is hidden, they are counted as nvidia-smi does. A UUID means the same everywhere.
 */
export function gpuEnvironment(workload: SettledWorkload): Record<string, string> {
  const { gpu } = workload;
  if (gpu === undefined) return {};
  if (!areNumbers(gpu.devices)) return { CUDA_VISIBLE_DEVICES: gpu.devices.join(",") };
  if (hasDeviceList(hardeningOf(workload)))
    return { CUDA_VISIBLE_DEVICES: gpu.devices.map((_, index) => index).join(",") };
  return { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: gpu.devices.join(",") };
}

/** What `verify --table` says of its GPUs and of their memory. */
export function gpuLimits({ gpu }: SettledWorkload): Limits {
  return gpu === undefined ? {} : { GPUs: gpu.devices.join(","), VRAM: `alert above ${gpu.vramThreshold}%` };
}
