import { size } from "../../render/numbers";
import { type Bar, bar, ofWhole } from "./bars";
import { has, type LlamaCpp, type Metrics, type Model, type Service } from "./document";
import { counted, failureOf, hostTime, notAvailable, sizeText } from "./words";

export interface Fact {
  readonly name: string;
  readonly value: string;
  readonly isBad: boolean;
}

export interface ServiceView {
  readonly name: string;
  readonly about: string;
  readonly state: "running" | "down" | "unknown";
  readonly stateText: string;
  readonly bars: readonly Bar[];
  readonly facts: readonly Fact[];
}

export interface ModelView {
  readonly service: string;
  readonly name: string;
  readonly memory: string;
  readonly vram: string;
  readonly context: string;
}

export function serviceViews(metrics: Metrics): ServiceView[] {
  return (metrics.services ?? []).map((service) => ({
    name: service.name,
    about: [service.unit ?? service.runtime, service.image].filter(has).join(", "),
    ...stateOf(service, metrics),
    bars: service.up === true ? barsOf(service, metrics) : [],
    facts: factsOf(service),
  }));
}

/** Why there is no service to show. */
export function noServices(metrics: Metrics): string | undefined {
  if (!has(metrics.services)) return notAvailable(failureOf(metrics, "services"));
  return metrics.services.length === 0 ? "none configured" : undefined;
}

/** What each engine has loaded, the largest first. */
export function modelViews({ services }: Metrics): ModelView[] {
  return (services ?? []).flatMap(({ name: service, models }) =>
    [...(models ?? [])]
      .sort((one, other) => (other.memoryBytes ?? 0) - (one.memoryBytes ?? 0))
      .map((model: Model) => ({
        service,
        name: [model.name ?? "without a name", model.quantization].filter(has).join(" "),
        memory: sizeText(model.memoryBytes) ?? notAvailable(undefined),
        vram: sizeText(model.vramBytes) ?? notAvailable(undefined),
        context: has(model.contextTokens) ? counted(model.contextTokens, "token") : notAvailable(undefined),
      })),
  );
}

/** What stands where no model does. */
export function noModels(metrics: Metrics): string {
  const failure = failureOf(metrics, "models") ?? failureOf(metrics, "llamacpp");
  if (failure !== undefined) return notAvailable(failure);
  const isAsked = (metrics.services ?? []).some(({ models }) => has(models));
  return isAsked ? "none loaded" : "no engine is asked";
}

function stateOf(service: Service, { utcOffsetMinutes }: Metrics): Pick<ServiceView, "state" | "stateText"> {
  const { up, startTime, problems } = service;
  if (up === true) {
    const since = hostTime(startTime, utcOffsetMinutes);
    return { state: "running", stateText: since === undefined ? "running" : `running since ${since}` };
  }
  if (up === false) return { state: "down", stateText: "not running" };
  return { state: "unknown", stateText: notAvailable(problems?.join("; ")) };
}

function barsOf(service: Service, { thresholds }: Metrics): Bar[] {
  const { name, memory, cpu, thrash, vram, problems } = service;
  const why = (file: string) => problems?.find((problem) => problem.includes(`/${file}`));
  const limitless = has(memory) && !has(memory.limitBytes);
  const cores = [cpu?.limitCores, cpu?.cpusetCores].filter(has);
  return [
    bar(`${name} memory`, "Memory", memory?.usedRatio, {
      why: limitless ? `${sizeText(memory.usedBytes) ?? "used"}, no limit` : why("memory."),
      threshold: thresholds?.["service"],
      notes: limitless ? [] : ofWhole(memory?.usedBytes, memory?.limitBytes),
    }),
    bar(`${name} cpu`, "CPU", cpu?.usedRatio, {
      why: why("cpu.") ?? (has(cpu) ? "needs a second sample" : undefined),
      notes: cores.length === 0 ? ["no quota"] : [`of ${counted(Math.min(...cores), "core")}`],
    }),
    bar(`${name} waiting`, "Waits for memory", thrash?.ratio, {
      why: why("memory.pressure") ?? (has(thrash) ? "the kernel does not tell" : "needs a second sample"),
      threshold: thresholds?.["pressure"],
      notes: ["of the time"],
    }),
    ...(has(vram)
      ? [
          bar(`${name} vram`, "VRAM", vram.ratio, {
            why: "its size is not known",
            threshold: service.vramThreshold,
            notes: has(vram.usedBytes) ? [`${size(vram.usedBytes)} used`] : [],
          }),
        ]
      : []),
  ];
}

function factsOf(service: Service): Fact[] {
  const { restarts, oomKills, memory, llamaCpp } = service;
  const count = (value: number | null | undefined): string =>
    has(value) ? String(value) : notAvailable(undefined);
  return [
    probeFact(service),
    { name: "Restarts", value: count(restarts), isBad: (restarts ?? 0) > 0 },
    { name: "Killed for memory", value: count(oomKills), isBad: (oomKills ?? 0) > 0 },
    ...(has(memory?.swapBytes) ? [{ name: "Swapped", value: size(memory.swapBytes), isBad: false }] : []),
    ...(has(llamaCpp) ? llamaCppFacts(llamaCpp) : []),
  ];
}

/** What it does; what it does not tell is left out, and told by `--json`. */
function llamaCppFacts(told: LlamaCpp): Fact[] {
  const { sleeping, slots, busySlots, requestsDeferred: waiting } = told;
  const fact = (name: string, value: string | undefined): Fact[] =>
    value === undefined ? [] : [{ name, value, isBad: false }];
  const rate = (value: number | null | undefined) =>
    has(value) ? `${value.toFixed(1)} tokens/s` : undefined;
  return [
    ...fact("Model", sleeping === true ? "asleep" : undefined),
    ...fact("Busy slots", has(busySlots) ? `${busySlots} of ${slots ?? "?"}` : undefined),
    ...fact("Waiting requests", has(waiting) ? String(waiting) : undefined),
    ...fact("Reads", rate(told.promptTokensPerSecond)),
    ...fact("Writes", rate(told.predictedTokensPerSecond)),
  ];
}

function probeFact({ probe }: Service): Fact {
  const name = "Probe";
  if (!has(probe)) return { name, value: "not asked", isBad: false };
  if (probe.success === true) {
    const took = has(probe.durationSeconds) ? ` in ${Math.round(probe.durationSeconds * 1000)} ms` : "";
    return { name, value: `answers${took}`, isBad: false };
  }
  return { name, value: `fails: ${probe.error ?? "not told why"}`, isBad: true };
}
