import type { Bundle, BundleFile, BundleRequirement, PackageAhead } from "../host-bundle/bundle";
import { NVIDIA_RUNTIME } from "../limited-container/gpu";
import { FILE_HEADER } from "../render/unit-file";

/** The user of the monitor's image (monitor/Dockerfile), which no host has. */
export const MONITOR_USER = "65532:65532";

/** The name of its container, and the seconds that it may take to stop. */
export const MONITOR_CONTAINER = "ai-resource-monitor";
export const MONITOR_GRACE_SECONDS = 10;

/** Folders that the container mounts, and what must become of them. */
export const MONITOR_FOLDERS = {
  run: "/run/ai-resource-monitor",
  managerRun: "/run/ai-resource-manager",
  state: "/var/lib/ai-resource-monitor",
  log: "/var/log/ai-monitoring",
  config: "/etc/ai-resource-monitor",
} as const;

/** iostat, of sysstat, is one of the specification's own commands. */
export const MONITOR_PACKAGES: readonly PackageAhead[] = [{ name: "logrotate" }, { name: "sysstat" }];

/**
 * The `monitor` bundle: what the host needs before the monitor's container starts. Folders under /run are gone after a
 * reboot, and dockerd would make them as root's: tmpfiles.d makes them first (systemd-tmpfiles-setup runs before any
 * service). History and log stay when the bundle goes.
 * @param command the text of the host's command, under its name and the specification's
 * @param gpu whether its container gets the GPUs
 * @param setting path of the settings, for the host's error messages
 */
export function renderMonitorHost(
  config: string,
  command: string,
  { gpu, setting }: { gpu: boolean; setting: string },
): Bundle {
  const { run, managerRun, state, log, config: folder } = MONITOR_FOLDERS;
  const program: BundleFile = { mode: "0755", content: command };
  return {
    name: "monitor",
    ...(gpu ? { requires: { [`${setting}.gpu`]: monitorNeeds(setting) } } : {}),
    folders: {
      [log]: { mode: "0755", owner: MONITOR_USER, data: true, setting },
      [run]: { mode: "0755", owner: MONITOR_USER, setting },
      [state]: { mode: "0755", owner: MONITOR_USER, data: true, setting },
    },
    files: {
      "/etc/logrotate.d/ai-monitoring": { mode: "0644", content: renderLogrotate(log) },
      "/etc/tmpfiles.d/ai-resource-monitor.conf": {
        mode: "0644",
        content: `${FILE_HEADER}d ${managerRun} 0755 root root\nd ${run} 0755 ${MONITOR_USER.replace(":", " ")}\n`,
      },
      [`${folder}/config.json`]: { mode: "0644", content: config },
      "/usr/local/bin/ai-resource-monitor": program,
      "/usr/local/bin/ai-resource-monitor.sh": program,
    },
    packages: MONITOR_PACKAGES.map(({ name }) => name),
    containers: { [MONITOR_CONTAINER]: { graceSeconds: MONITOR_GRACE_SECONDS, setting } },
  };
}

function monitorNeeds(setting: string): BundleRequirement {
  const without = `To do without the GPUs' numbers: pulumi config set --path '${setting}.gpu' false`;
  return { ...NVIDIA_RUNTIME, remedy: `${NVIDIA_RUNTIME.remedy}. ${without}` };
}

/** Weekly: alerts are few. `su`, because logrotate refuses a folder that is not root's without it. */
function renderLogrotate(log: string): string {
  const [user = "", group = ""] = MONITOR_USER.split(":");
  return `${FILE_HEADER}${log}/alerts.log {
    su ${user} ${group}
    weekly
    rotate 8
    missingok
    notifempty
    compress
    delaycompress
    create 0644 ${user} ${group}
}
`;
}
