import type { BundleRequirement } from "../host-bundle/bundle";

/** What dockerd needs to give a container a GPU: it looks for this program when it starts. */
export const NVIDIA_RUNTIME = {
  program: "nvidia-container-runtime-hook",
  remedy:
    "It comes with NVIDIA's container toolkit: install the package nvidia-container-toolkit, and run systemctl restart docker",
} as const satisfies BundleRequirement;

/** A request to the NVIDIA runtime, as `docker run --gpus` makes it. */
export interface DeviceRequest {
  readonly driver: string;
  readonly count: number;
  readonly deviceIds: string[];
  readonly capabilities: string[];
}

export function gpuRequest(devices: readonly string[]): DeviceRequest {
  return { driver: "nvidia", count: 0, deviceIds: [...devices], capabilities: ["gpu"] };
}

/** All GPUs, to look at: the runtime adds nvidia-smi and NVML, and no CUDA. */
export const WATCH_ALL_GPUS: DeviceRequest = {
  driver: "nvidia",
  count: -1,
  deviceIds: [],
  capabilities: ["gpu", "utility"],
};

/** Images for GPUs ask for all of them by themselves; where the NVIDIA runtime is dockerd's default they would get them. */
export const NO_GPU = { NVIDIA_VISIBLE_DEVICES: "void" };
