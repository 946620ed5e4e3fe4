import { join } from "node:path";
import type { ConditionsState } from "../alerts/conditions";
import type { CollectorState } from "../collectors/collector";
import { errorText, readText } from "../host/files";
import { isObject } from "../parse/documents";
import { ensureFolder, writeAtomically } from "./atomic";

/** What is counted over many collections, and must not begin anew with a restart. */
export interface Counters {
  readonly collector: CollectorState;
  readonly conditions: ConditionsState;
}

/** `counters.json` in the state folder: of one boot, as the kernel's own counts are. */
export class CounterStore {
  private readonly path: string;
  private last: string | undefined;

  constructor(private readonly folder: string) {
    this.path = join(folder, "counters.json");
  }

  /** Undefined without one of this boot. What cannot be used costs itself only, and `warn` hears of it. */
  load(bootId: string | undefined, warn: (message: string) => void): Counters | undefined {
    try {
      const text = readText(this.path);
      if (text === undefined || bootId === undefined) return undefined;
      const stored: unknown = JSON.parse(text);
      if (isObject(stored) && stored.bootId !== bootId) return undefined;
      if (isObject(stored) && isCounters(stored)) return stored;
      warn(`${this.path} holds no counters; they start anew`);
    } catch (error) {
      warn(`${this.path}: ${errorText(error)}; counters start anew`);
    }
    return undefined;
  }

  /** Writes what changed. */
  save(bootId: string | undefined, counters: Counters): void {
    const text = `${JSON.stringify({ bootId, ...counters })}\n`;
    if (text === this.last) return;
    ensureFolder(this.folder);
    writeAtomically(this.path, text);
    this.last = text;
  }
}

function isCounters(value: object): value is Counters {
  const { collector, conditions } = value as Record<string, unknown>;
  if (!isObject(collector) || !isObject(conditions)) return false;
  const { oomKills, gpus } = collector;
  const { recent, elsewhere } = conditions;
  if (!isObject(oomKills) || !Array.isArray(gpus) || !isObject(recent) || !isObject(elsewhere)) return false;
  const { services, host } = elsewhere;
  return (
    Object.values(oomKills).every(
      (count) =>
        isObject(count) && typeof count.folder === "string" && isCount(count.last) && isCount(count.total),
    ) &&
    gpus.every((gpu) => isObject(gpu) && typeof gpu.index === "string" && typeof gpu.name === "string") &&
    Object.values(recent).every(
      (counter) =>
        isObject(counter) &&
        isCount(counter.last) &&
        Array.isArray(counter.steps) &&
        counter.steps.every((step) => isObject(step) && isCount(step.at) && isCount(step.by)),
    ) &&
    isCount(elsewhere.total) &&
    isCount(elsewhere.ahead) &&
    (host === undefined || isCount(host)) &&
    isObject(services) &&
    Object.values(services).every(isCount)
  );
}

const isCount = (value: unknown): boolean => Number.isFinite(value) && Number(value) >= 0;
