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
    `CPU: ${report.usage.cpuRatio === undefined ? "not available" : percent(report.usage.cpuRatio)}`,
    `Disk (${report.config.models.path}): ${disk(report)}`,
    "",
    "Services:",
    ...services(report),
    ...(gpus.length === 0 ? [] : ["", ...gpus.map((gpu) => gpuLine(gpu, gpus.length > 1))]),
  ];
  return `${lines.join("\n")}\n`;
}

function memory({ usage }: Report): string {
  if (usage.memory === undefined) return "not available";
  return `${percent(usage.memory.ratio)} (${size(usage.memory.usedBytes)}/${size(usage.memory.sizeBytes)})`;
}

function swap({ usage }: Report): string {
  if (usage.swap === undefined) return "not available";
  const { total } = usage.swap;
  return total === undefined
    ? "none"
    : `${percent(total.ratio)} (${size(total.usedBytes)}/${size(total.sizeBytes)})`;
}

function disk({ usage, snapshot }: Report): string {
  if (usage.disk === undefined) return snapshot.filesystem?.problem ?? "not available";
  return `${percent(usage.disk.ratio)} (${size(usage.disk.usedBytes)}/${size(usage.disk.sizeBytes)})`;
}

function services({ usage, snapshot }: Report): string[] {
  if (usage.services === undefined) {
    const error = snapshot.collectors.find(({ name }) => name === "services")?.error;
    return [`  not available${error === undefined ? "" : ` (${error})`}`];
  }
  return usage.services.length === 0 ? ["  none configured"] : usage.services.map(serviceLine);
}

function serviceLine({ sample, memoryRatio, cpuRatio }: ServiceUsage): string {
  const { name, running } = sample;
  if (running === undefined) return `  ${name}: not running`;
  const used = running.memory;
  const part =
    used === undefined
      ? "memory not available"
      : used.limitBytes === undefined || memoryRatio === undefined
        ? `${size(used.workingSetBytes)} (no limit)`
        : `${size(used.workingSetBytes)} / ${size(used.limitBytes)} (${percent(memoryRatio)})`;
  return `  ${name}: ${part} CPU: ${cpuRatio === undefined ? "not available" : percent(cpuRatio)}`;
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
