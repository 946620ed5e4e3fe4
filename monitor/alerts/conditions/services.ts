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
  { name, vramThreshold, health }: ServiceSettings,
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
    ...(health === undefined
      ? []
      : [
          fact(
            "service_probe",
            probe && !probe.success,
            probe?.success === true
              ? `Service ${name} answers its probe`
              : `Service ${name} fails its probe: ${probe?.error ?? "unknown"}`,
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
  const memory = service?.sample.running?.memory;
  // Not the same as one whose memory could not be read.
  const limitless = memory !== undefined && memory.limitBytes === undefined;
  const value = stopped ? 0 : service?.memoryRatio;
  return [
    ...(limitless
      ? []
      : [
          ratioAbove("service_memory", value, thresholds.service, usageMessage(name, "memory", value), {
            service: name,
          }),
        ]),
    thrashCondition(name, stopped ? NOTHING_WAITS : service?.thrash, thresholds.pressure),
  ];
}

const NOTHING_WAITS: Thrash = { ratio: 0, waitingRatio: 0, refaultBytesPerSecond: 0 };

function thrashCondition(name: string, thrash: Thrash | undefined, percentage: number): AlertInput {
  const { ratio, waitingRatio, refaultBytesPerSecond } = thrash ?? {};
  const again =
    refaultBytesPerSecond === undefined ? "" : `, and reads ${size(refaultBytesPerSecond)}/s of it again`;
  const message =
    waitingRatio === undefined
      ? `Service ${name} reads its memory again: ${percent(ratio ?? 0)} of its limit a minute`
      : `Service ${name} waits for memory ${percent(waitingRatio)} of the time${again}`;
  return ratioAbove("service_thrash", ratio, percentage, message, { service: name });
}

function vramCondition(name: string, service: ServiceUsage | undefined, threshold: number): AlertInput {
  const value = service?.sample.up === false ? 0 : service?.vram?.ratio;
  return ratioAbove("service_vram", value, threshold, usageMessage(name, "VRAM", value), { service: name });
}

function usageMessage(name: string, what: string, value: number | undefined): string {
  return `Service ${name} ${what} usage at ${value === undefined ? "an unknown part" : percent(value)}`;
}
