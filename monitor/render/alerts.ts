import type { Report } from "../report/report";
import { localTime } from "./times";

/** How many lines of alerts.log are shown. */
export const TAIL_LINES = 20;

/** What fires now, then the last lines of alerts.log. */
export function renderAlerts({ alerts, logTail, utcOffsetMinutes }: Report): string {
  const firing = alerts
    .filter(({ phase }) => phase === "firing")
    .map(({ message, firedAt }) => `  ${message} (since ${localTime(firedAt ?? 0, utcOffsetMinutes)})`);
  const lines = [
    ...(firing.length === 0 ? ["Firing: none"] : ["Firing:", ...firing]),
    "",
    ...(logTail.length === 0 ? ["Last alerts: none"] : ["Last alerts:", ...logTail.slice(-TAIL_LINES)]),
  ];
  return `${lines.join("\n")}\n`;
}
