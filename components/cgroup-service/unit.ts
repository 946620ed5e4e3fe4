import { SettingError } from "../settings/field";
import { dropIn, EXEC_DROP_IN } from "../render/drop-in";
import { matching } from "../settings/text-fields";

const SERVICE = /^[A-Za-z0-9][A-Za-z0-9._:-]*(@[A-Za-z0-9._:-]+)?\.service$/;

/** What a host takes as a file's path, less what stands around a unit's name in that of its drop-in. */
export const LONGEST_UNIT = 180 - dropIn("", EXEC_DROP_IN).length;

/** Units whose move into an AI slice would take the host's own legs away: its start, its network, its ways in. */
const PROTECTED = new RegExp(
  `^(${[
    "ssh(@.*)?|sshd(@.*)?|dropbear|getty@.*|serial-getty@.*|console-getty|user@.*|user-runtime-dir@.*",
    "networking|ifup@.*|NetworkManager.*|dhcpcd|wpa_supplicant(@.*)?|resolvconf|nftables|ufw|netfilter-persistent",
    "dbus(-broker)?|polkit|rsyslog|cron|chrony|ntp|ntpsec|apparmor|udev|rescue|emergency|modprobe@.*|cloud-.*",
    "docker|containerd|earlyoom|zramswap|systemd-.*|ai-resource-.*",
  ].join("|")})\\.service$`,
);

/** Whether a unit is the system's, or this project's own. */
export function isProtectedUnit(unit: string): boolean {
  return PROTECTED.test(unit);
}

export const PROTECTED_RULE = "is part of the system and stays out of the AI slices";

/** @throws SettingError for what is no service's unit, or one of the system's */
export function parseUnit(text: string): string {
  const unit = matching(SERVICE, text, `${text}.service`);
  if (isProtectedUnit(unit)) throw new SettingError(`${unit} ${PROTECTED_RULE}`);
  if (unit.length > LONGEST_UNIT)
    throw new SettingError(`it is too long for its files: at most ${LONGEST_UNIT} characters`);
  return unit;
}

const SLICE = /^ai-[a-z0-9_]{1,40}$/;

/**
 * A slice below ai.slice, without its suffix. Every dash nests: ai-a-b.slice is a part of ai-a.slice (systemd.slice(5)).
 * @throws SettingError with the same as one word after ai-
 */
export function parseSlice(text: string): string {
  const word = text
    .toLowerCase()
    .replace(/\.slice$/, "")
    .replace(/^ai-/, "")
    .replace(/[^a-z0-9_]/g, "");
  return matching(SLICE, text, `ai-${word}`);
}

/** The slice of a workload that names none: ai- and its name without dashes. */
export function usualSlice(workload: string): string {
  return `ai-${workload.replaceAll("-", "")}`;
}
