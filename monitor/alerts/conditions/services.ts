import type { ServiceSettings, SettledConfig } from "../../config/schema";
import { percent, size } from "../../render/numbers";
import type { ServiceUsage, Thrash } from "../../report/usage";
import { type AlertInput, countAbove, fact, ratioAbove } from "../condition";
import { RECENT_SECONDS } from "../recent";

/** So many starts again within that time are a loop. */
export const MOST_RESTARTS = 2;

/** What happened to a service of late. */
export interface ServiceEvents {
  readonly oomKills: number | undefined;
  readonly restarts: number | undefined;
}

export function serviceConditions(
  { name, vramThreshold }: ServiceSettings,
  service: ServiceUsage | undefined,
  { oomKills, restarts }: ServiceEvents,
  thresholds: SettledConfig["thresholds"],
): AlertInput[] {
  const { up, probe } = service?.sample ?? {};
  const about = { service: name };
  const critical = { ...about, severity: "critical" } as const;
  const minutes = RECENT_SECONDS / 60;
  return [
    fact(
      "service_down",
      up === undefined ? undefined : !up,
      `Service ${name} is ${up === true ? "running" : "not running"}`,
      critical,
    ),
    ...(probe === undefined
      ? []
      : [
          fact(
            "service_probe",
            !probe.success,
            probe.success
              ? `Service ${name} answers its probe`
              : `Service ${name} fails its probe: ${probe.error ?? "unknown"}`,
            about,
          ),
        ]),
    ...memoryConditions(name, service, thresholds),
    countAbove(
      "service_oom",
      oomKills,
      0,
      `Service ${name}: the kernel killed ${oomKills ?? 0} of its processes for memory within ${minutes} min`,
      critical,
    ),
    countAbove(
      "service_restarts",
      restarts,
      MOST_RESTARTS,
      `Service ${name} started again ${restarts ?? 0} times within ${minutes} min`,
      critical,
    ),
    ...(vramThreshold === undefined ? [] : [vramCondition(name, service, vramThreshold)]),
  ];
}

/**
 * A service's memory is judged by what the kernel cannot drop: the files of models that are mapped are cache. That it drops
 * them and reads them again shows in the time that the service waits.
 */
function memoryConditions(
  name: string,
  service: ServiceUsage | undefined,
  thresholds: SettledConfig["thresholds"],
): AlertInput[] {
  const stopped = service?.sample.up === false;
  const limitless = service?.sample.running !== undefined && service.memoryRatio === undefined;
  const value = stopped ? 0 : service?.memoryRatio;
  return [
    ...(limitless
      ? []
      : [
          ratioAbove("service_memory", value, thresholds.service, usageMessage(name, "memory", value), {
            service: name,
          }),
        ]),
    thrashCondition(name, stopped ? NOTHING_WAITS : service?.thrash, service, thresholds.pressure),
  ];
}

const NOTHING_WAITS: Thrash = { waitingRatio: 0, refaultBytesPerSecond: 0 };

/** Without PSI in the kernel, by how much of its limit it reads again in a minute. */
function thrashCondition(
  name: string,
  thrash: Thrash | undefined,
  service: ServiceUsage | undefined,
  percentage: number,
): AlertInput {
  const { waitingRatio, refaultBytesPerSecond } = thrash ?? {};
  const limitBytes = service?.sample.running?.memory?.limitBytes;
  const again =
    refaultBytesPerSecond === undefined ? "" : `, and reads ${size(refaultBytesPerSecond)}/s of it again`;
  const turnover =
    refaultBytesPerSecond === undefined || limitBytes === undefined || limitBytes === 0
      ? undefined
      : (refaultBytesPerSecond * 60) / limitBytes;
  const [value, message] =
    waitingRatio === undefined
      ? [turnover, `Service ${name} reads its memory again: ${percent(turnover ?? 0)} of its limit a minute`]
      : [waitingRatio, `Service ${name} waits for memory ${percent(waitingRatio)} of the time${again}`];
  return ratioAbove("service_thrash", value, percentage, message, { service: name });
}

function vramCondition(name: string, service: ServiceUsage | undefined, threshold: number): AlertInput {
  const value = service?.sample.up === false ? 0 : service?.vram?.ratio;
  return ratioAbove("service_vram", value, threshold, usageMessage(name, "VRAM", value), { service: name });
}

function usageMessage(name: string, what: string, value: number | undefined): string {
  return `Service ${name} ${what} usage at ${value === undefined ? "an unknown part" : percent(value)}`;
}
