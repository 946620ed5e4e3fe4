import type { Gpu } from "./gpu-schema";

/**
 * What systemd's DeviceAllow= opens. It opens every minor of a major whose name in /proc/devices is matched, and NVIDIA's
 * driver registers nvidia (the cards), nvidiactl and nvidia-modeset with the same one, 195: of those the devices are said by
 * their numbers, which need no node to be there when the service starts.
 */
const NVIDIA_CONTROL = ["/dev/char/195:255", "/dev/char/195:254"];
/** What every program of CUDA's opens beside its cards (nvidia-uvm), and one with a MIG device (nvidia-caps). */
const NVIDIA_SHARED = ["char-nvidia-caps", "char-nvidia-uvm"];
/** Every card of NVIDIA's, by the name of today and the former one. */
const NVIDIA_ALL = ["char-nvidia", "char-nvidia-frontend"];

/**
 * The devices of a workload's GPUs; of every GPU where it names none. AMD's kernel driver asks the device list for a card's
 * render node before it lets a process compute on the card by /dev/kfd, which all share.
 */
export function gpuDevices(gpu: Pick<Gpu, "vendor" | "devices"> | undefined): string[] {
  if (gpu === undefined) return ["char-drm", "char-kfd", ...NVIDIA_ALL, ...NVIDIA_SHARED];
  const { vendor, devices } = gpu;
  if (vendor === "amd") return [...devices.map((device) => `@{amd-render:${device}}`), "char-kfd"];
  if (!isListed(gpu)) return [...NVIDIA_ALL, ...NVIDIA_SHARED];
  return [
    ...NVIDIA_CONTROL,
    ...devices.flatMap((device) => [`@{nvidia-device:${device}}`, `@{nvidia-render:${device}}`]),
    ...NVIDIA_SHARED,
  ];
}

/** Whether a host can tell the devices of each: no table of the driver's has the cards of MIG devices. */
export function isListed({ devices }: Pick<Gpu, "devices">): boolean {
  return !devices.some((device) => device.startsWith("MIG-"));
}

/** Whether they are given by their render nodes, which alone keep a container to them. */
export function areNodes({ devices }: Pick<Gpu, "devices">): boolean {
  return devices.every((device) => device.startsWith("/"));
}
