import type { Report } from "../report/report";
import type { Gpu } from "../parse/gpu";
import type { ServiceUsage } from "../report/usage";
import { percent, size } from "./numbers";
import { utcTime } from "./times";

/** The layout of the specification's sample, line for line. */
export function renderDisplay(report: Report): string {
  const { snapshot } = report;
  const gpus = snapshot.gpu?.gpus ?? [];
  const lines = [
    "=== AI System Resource Metrics ===",
    `Timestamp: ${utcTime(snapshot.time)}`,
    "",
    `Memory: ${memory(report)}`,
    `Swap: ${swap(report)}`,
    `CPU: ${report.usage.cpuRatio === undefined ? notAvailable(report, "cpu") : percent(report.usage.cpuRatio)}`,
    `Disk (${report.config.models.path}): ${disk(report)}`,
    "",
    "Services:",
    ...services(report),
    ...(gpus.length === 0 ? [] : ["", ...gpus.map((gpu) => gpuLine(gpu, gpus.length > 1))]),
    ...(snapshot.gpu?.problems ?? []).map(({ text }) => text),
  ];
  return `${lines.join("\n")}\n`;
}

/** With why, where it is known: the host has it, and it could not be read. */
function notAvailable({ snapshot }: Report, collector: string): string {
  const error = snapshot.collectors.find(({ name }) => name === collector)?.error;
  return error === undefined ? "not available" : `not available (${error})`;
}

function memory(report: Report): string {
  const { usage } = report;
  if (usage.memory === undefined) return notAvailable(report, "memory");
  return `${percent(usage.memory.ratio)} (${size(usage.memory.usedBytes)}/${size(usage.memory.sizeBytes)})`;
}

function swap(report: Report): string {
  const { usage } = report;
  if (usage.swap === undefined) return notAvailable(report, "swap");
  const { total } = usage.swap;
  return total === undefined
    ? "none"
    : `${percent(total.ratio)} (${size(total.usedBytes)}/${size(total.sizeBytes)})`;
}

function disk(report: Report): string {
  const { usage, snapshot } = report;
  if (usage.disk === undefined) return snapshot.filesystem?.problem ?? notAvailable(report, "filesystem");
  return `${percent(usage.disk.ratio)} (${size(usage.disk.usedBytes)}/${size(usage.disk.sizeBytes)})`;
}

function services(report: Report): string[] {
  const { usage } = report;
  if (usage.services === undefined) return [`  ${notAvailable(report, "services")}`];
  return usage.services.length === 0 ? ["  none configured"] : usage.services.map(serviceLine);
}

function serviceLine({ sample, memoryRatio, cpuRatio }: ServiceUsage): string {
  const { name, running, problems, up } = sample;
  if (up === undefined) return `  ${name}: not available (${problems.join("; ")})`;
  if (running === undefined) return `  ${name}: not running`;
  const used = running.memory;
  const part =
    used === undefined
      ? `memory not available${why(problems, "memory.")}`
      : used.limitBytes === undefined || memoryRatio === undefined
        ? `${size(used.usedBytes)} (no limit)`
        : `${size(used.usedBytes)} / ${size(used.limitBytes)} (${percent(memoryRatio)})`;
  const cpu = cpuRatio === undefined ? `not available${why(problems, "cpu.")}` : percent(cpuRatio);
  return `  ${name}: ${part} CPU: ${cpu}`;
}

/** Why files of one kind could not be read. */
function why(problems: readonly string[], file: string): string {
  const found = problems.find((problem) => problem.includes(`/${file}`));
  return found === undefined ? "" : ` (${found})`;
}

/** Memory is the part of VRAM in use. */
function gpuLine(gpu: Gpu, several: boolean): string {
  const { index, utilizationRatio, memoryUsedBytes, memoryTotalBytes } = gpu;
  const util =
    utilizationRatio === undefined ? "GPU util not available" : `${percent(utilizationRatio)} GPU util`;
  const memoryUtil =
    memoryUsedBytes === undefined || memoryTotalBytes === undefined || memoryTotalBytes === 0
      ? "memory util not available"
      : `${percent(memoryUsedBytes / memoryTotalBytes)} memory util`;
  return `${several ? `GPU ${index}` : "GPU"}: ${util}, ${memoryUtil}`;
}
