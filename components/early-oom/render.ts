import type { z } from "zod";
import type { Bundle, Limits, PackageAhead } from "../host-bundle/bundle";
import { dropIn } from "../render/drop-in";
import { quoteExecArgument } from "../render/shell";
import { renderUnitFile, replacing } from "../render/unit-file";
import type { EarlyOomSettings } from "./schema";

type Settled = z.output<typeof EarlyOomSettings>;

const UNIT = "earlyoom.service";
const DROP_IN = dropIn(UNIT);

/** What keeps the host reachable and accounted for is never killed. */
const ALWAYS_AVOID = [
  "agetty",
  "ai-resource-guard",
  "ai-resource-manager",
  "ai-resource-monitor",
  "containerd*",
  "dbus-broker*",
  "dbus-daemon",
  "dockerd",
  "earlyoom",
  "init",
  "login",
  "sshd",
  // Since OpenSSH 9.8 and 10.
  "sshd-auth",
  "sshd-session",
  "sudo",
  "systemd*",
];

export const EARLY_OOM_PACKAGES: readonly PackageAhead[] = [{ name: "earlyoom", units: [UNIT] }];

/** What the killer itself needs to run when nothing else does. */
const LIMITS: Limits = { CPUWeight: "1000", MemoryMin: "16777216", OOMScoreAdjust: "-1000" };

/** The `earlyoom` bundle: Debian's package and unit, with arguments that make the memory limit true. */
export function renderEarlyOom(settings: Settled): Bundle {
  const command = earlyOomCommand(settings);
  return {
    name: "earlyoom",
    requires: {
      "goblin-host:earlyOom.memoryPercent": { available: String(settings.memoryPercent), unit: UNIT },
    },
    files: { [DROP_IN]: { mode: "0644", content: renderDropIn(command) } },
    packages: ["earlyoom"],
    units: {
      [UNIT]: { enabled: true, active: true, restartOn: [DROP_IN], cmdline: command.join(" ") },
    },
    limits: { [UNIT]: LIMITS },
  };
}

/**
 * EarlyOOM acts only when memory *and* swap are low (rfjakob/earlyoom#122). `-s 100,100` makes the swap condition
 * always true for both signals, so memory alone decides; with `-s 100` the SIGKILL line would be 50%.
 */
export function earlyOomCommand({ memoryPercent, killMemoryPercent, avoid, prefer }: Settled): string[] {
  const command = [
    "/usr/bin/earlyoom",
    "-m",
    `${memoryPercent},${killMemoryPercent}`,
    "-s",
    "100,100",
    "-r",
    "3600",
  ];
  command.push("--avoid", nameExpression([...ALWAYS_AVOID, ...avoid]));
  return prefer.length === 0 ? command : [...command, "--prefer", nameExpression(prefer)];
}

/** A POSIX regular expression over the 15 characters that the kernel keeps of a process's name (proc(5), comm). */
function nameExpression(names: readonly string[]): string {
  const alternatives = names.map((name) => {
    const open = name.endsWith("*");
    const kept = (open ? name.slice(0, -1) : name).slice(0, 15);
    return kept.replace(/[.+]/g, "[$&]") + (open && kept.length < 15 ? ".*" : "");
  });
  return `^(${[...new Set(alternatives)].sort().join("|")})$`;
}

/** `-p` has no effect under Debian's unit (it runs as a dynamic user): systemd sets what it would have set. */
function renderDropIn(command: readonly string[]): string {
  return renderUnitFile({
    Service: [
      ...replacing("ExecStart", command.map(quoteExecArgument).join(" ")),
      ["CPUWeight", "1000"],
      ["MemoryMin", "16M"],
      ["Nice", "-20"],
      ["OOMScoreAdjust", "-1000"],
    ],
  });
}
