import type { Bundle } from "../host-bundle/bundle";
import { renderUnitFile } from "../render/unit-file";

const SERVICE = "ai-resource-monitor.service";
const TIMER = "ai-resource-monitor.timer";

/**
 * The `monitor-timer` bundle: a collection every so often, whose journal says what fires
 * (`journalctl -u ai-resource-monitor`). Applied after the monitor's container, it proves that the monitor collects.
 * @param collect time between collections, `60s`
 * @param revision of the monitor: another one must prove it anew
 */
export function renderMonitorTimer(collect: string, revision: string): Bundle {
  const unit = (name: string) => `/etc/systemd/system/${name}`;
  return {
    name: "monitor-timer",
    files: {
      [unit(SERVICE)]: { mode: "0644", content: renderService() },
      [unit(TIMER)]: { mode: "0644", content: renderTimer(collect) },
    },
    units: { [TIMER]: { enabled: true, active: true, restartOn: [unit(TIMER)] } },
    ready: {
      [TIMER]: {
        command: "/usr/local/bin/ai-resource-monitor --collect",
        timeoutSeconds: 120,
        revision,
        setting: "goblin-host:monitor",
      },
    },
  };
}

function renderService(): string {
  return renderUnitFile({
    Unit: [
      ["Description", "Collection of the AI host's metrics"],
      ["After", "docker.service"],
    ],
    Service: [
      ["ExecStart", "/usr/local/bin/ai-resource-monitor --collect"],
      ["NoNewPrivileges", "yes"],
      ["PrivateNetwork", "yes"],
      ["PrivateTmp", "yes"],
      ["ProtectHome", "yes"],
      ["ProtectSystem", "strict"],
      ["ReadWritePaths", "/run/ai-resource-manager"],
      ["TimeoutStartSec", "60"],
      ["Type", "oneshot"],
    ],
  });
}

function renderTimer(collect: string): string {
  return renderUnitFile({
    Unit: [["Description", "Collections of the AI host's metrics"]],
    Timer: [
      ["AccuracySec", "1s"],
      ["OnActiveSec", collect],
      ["OnUnitActiveSec", collect],
    ],
    Install: [["WantedBy", "timers.target"]],
  });
}
