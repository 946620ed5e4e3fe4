import type { BundleFile, BundleUnit } from "../host-bundle/bundle";
import { MANAGER as PROGRAM } from "../host-bundle/commands";
import { renderUnitFile } from "../render/unit-file";

/** Where the reports of what happened on a host are kept. */
export const AUDIT_FOLDER = "/var/log/ai-resource-manager";

const PERIODS = ["weekly", "monthly"] as const;
type Period = (typeof PERIODS)[number];

/** A service and a timer for each period. */
export function auditFiles(): Record<string, BundleFile> {
  const file = (name: string, content: string): [string, BundleFile] => [
    `/etc/systemd/system/${name}`,
    { mode: "0644", content },
  ];
  return Object.fromEntries(
    PERIODS.flatMap((period) => [
      file(`ai-resource-audit-${period}.service`, renderService(period)),
      file(`ai-resource-audit-${period}.timer`, renderTimer(period)),
    ]),
  );
}

export function auditTimers(): Record<string, BundleUnit> {
  const wanted = { enabled: true, active: true };
  return Object.fromEntries(PERIODS.map((period) => [`ai-resource-audit-${period}.timer`, wanted]));
}

function renderService(period: Period): string {
  return renderUnitFile({
    Unit: [["Description", description(period)]],
    Service: [
      ["ExecStart", `${PROGRAM} audit --save ${period}`],
      ["IOSchedulingClass", "idle"],
      ["Nice", "19"],
      ["NoNewPrivileges", "yes"],
      ["PrivateTmp", "yes"],
      ["ProtectHome", "yes"],
      ["ProtectSystem", "strict"],
      ["ReadWritePaths", `${AUDIT_FOLDER} -/run/ai-resource-manager -/var/lib/ai-resource-manager`],
      ["Type", "oneshot"],
    ],
  });
}

function renderTimer(period: Period): string {
  return renderUnitFile({
    Unit: [["Description", description(period)]],
    Timer: [
      ["OnCalendar", period],
      ["Persistent", "true"],
      ["RandomizedDelaySec", "2h"],
    ],
    Install: [["WantedBy", "timers.target"]],
  });
}

function description(period: Period): string {
  return `${period === "weekly" ? "Weekly" : "Monthly"} audit of goblin-host`;
}
