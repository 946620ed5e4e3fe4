import { gpuLimits } from "../cgroup-service/gpu";
import type { SettledWorkload } from "../cgroup-service/workload";
import type { Bundle } from "../host-bundle/bundle";
import { parseDuration } from "../render/duration";
import { renderUnitFile } from "../render/unit-file";
import { containerGpuRequirements } from "./gpu";

/**
 * The bundle `workload-NAME` of a container: a thin unit of the workload's name, so that `systemctl restart`, `status`
 * and `journalctl -u` mean the container. The bundle of the same workload as a service has the same name: the one
 * follows the other as an update, and what ran before is stopped first.
 * @param setting path of the workload's settings, for the host's error messages
 */
export function renderContainerUnit(workload: SettledWorkload, setting: string): Bundle {
  const { name, unit, gpu, stopGrace } = workload;
  const path = `/etc/systemd/system/${unit}`;
  return {
    name: `workload-${name}`,
    files: { [path]: { mode: "0644", content: renderUnit(workload) } },
    units: { [unit]: { enabled: true, container: name, restartOn: [path] } },
    containers: { [name]: { graceSeconds: parseDuration(stopGrace), setting } },
    ...(gpu === undefined
      ? {}
      : { requires: containerGpuRequirements(workload, setting), limits: { [unit]: gpuLimits(workload) } }),
  };
}

/**
 * The bundle `ready-NAME`, applied after the container: starts the unit and proves that the container is well.
 * @param revision another one asks for another proof
 * @param setting path of the workload's settings, for the host's error messages
 */
export function renderContainerReadiness(
  { name, unit, health }: SettledWorkload,
  revision: string,
  setting: string,
): Bundle {
  return {
    name: `ready-${name}`,
    ready: {
      [unit]: {
        start: true,
        ...(health?.http === undefined ? {} : { http: health.http }),
        ...(health?.command === undefined ? {} : { command: health.command }),
        timeoutSeconds: parseDuration(health?.timeout ?? "60s"),
        container: name,
        revision,
        setting,
      },
    },
  };
}

/**
 * The client that is attached to the container is the unit's process: the container's output is the unit's journal,
 * its end the unit's end. Docker restarts the container by itself; the client follows. `Wants=`, not `Requires=`: a
 * restart of dockerd leaves containers running (live-restore), so it must not stop this unit.
 */
function renderUnit({ name, stopGrace }: SettledWorkload): string {
  const grace = parseDuration(stopGrace);
  return renderUnitFile({
    Unit: [
      ["Description", `AI workload ${name} (container)`],
      ["After", "docker.service"],
      ["Wants", "docker.service"],
      ["StartLimitIntervalSec", "0"],
    ],
    Service: [
      ["ExecStart", `/usr/bin/docker start --attach ${name}`],
      // Also run when the client has ended by itself: then Docker has restarted the container, and it must not be stopped.
      ["ExecStop", `/bin/sh -c 'test -z "$$MAINPID" || exec /usr/bin/docker stop --time ${grace} ${name}'`],
      ["Restart", "always"],
      ["RestartSec", "5"],
      ["TimeoutStopSec", String(grace + 15)],
      // The client's exit code is the container's; 130, 137 and 143 are a stop.
      ["SuccessExitStatus", "130 137 143"],
    ],
    Install: [["WantedBy", "multi-user.target"]],
  });
}
