import type { z } from "zod";
import { NO_GPU, WATCH_ALL_GPUS } from "../limited-container/gpu";
import { type ContainerMount, type ContainerSpec, dockerCpus } from "../limited-container/spec";
import { MONITOR_CONTAINER, MONITOR_FOLDERS, MONITOR_GRACE_SECONDS, MONITOR_USER } from "./render";
import type { MonitorSettings } from "./schema";

/** The monitor's slice, outside ai.slice, so that it sees and outlives what happens there. */
export const MONITOR_SLICE = "airm.slice";

/** The monitor's container: it reads the host and can change nothing of it. */
export function monitorSpec(
  { memory, cpus }: z.output<typeof MonitorSettings>,
  { modelsPath, network, gpu }: { modelsPath: string; network: boolean; gpu: boolean },
): ContainerSpec & { cgroupnsMode: string; usernsMode: string } {
  const { run, managerRun, state, log, config } = MONITOR_FOLDERS;
  return {
    name: MONITOR_CONTAINER,
    memory: memory.mebibytes,
    // It does not swap: its slice says 0. The 1 MiB is what a reload of systemd leaves alone (moby#51446).
    memorySwap: memory.mebibytes + 1,
    ...dockerCpus(cpus),
    cgroupParent: MONITOR_SLICE,
    cgroupnsMode: "host",
    // What its folders are owned by is a user of the host's, which a dockerd with userns-remap would make another one's; and that
    // refuses the host's network and cgroups to everything else.
    usernsMode: "host",
    restart: "unless-stopped",
    readOnly: true,
    tmpfs: { "/tmp": "rw,nosuid,nodev,size=4m" },
    securityOpts: ["no-new-privileges:true"],
    capabilities: { drops: ["ALL"] },
    user: MONITOR_USER,
    command: ["serve", "--path.procfs", "/host/proc", "--path.rootfs", "/host"],
    envs: gpu ? [] : Object.entries(NO_GPU).map(([name, value]) => `${name}=${value}`),
    ...(gpu ? { deviceRequests: [WATCH_ALL_GPUS] } : {}),
    ports: [],
    mounts: [
      mount("/proc", "/host/proc", true),
      { ...mount(modelsPath, `/host${modelsPath}`, true), bindOptions: { propagation: "rslave" } },
      mount(config, config, true),
      mount(managerRun, managerRun, true),
      mount(run, run, false),
      mount(state, state, false),
      mount(log, log, false),
    ],
    networkMode: network ? "host" : "none",
    logDriver: "json-file",
    logOpts: { "max-file": "3", "max-size": "10m" },
    destroyGraceSeconds: MONITOR_GRACE_SECONDS,
  };
}

function mount(source: string, target: string, readOnly: boolean): ContainerMount {
  return { type: "bind", source, target, readOnly };
}
