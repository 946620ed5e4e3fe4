import type { Limits } from "../host-bundle/bundle";
import { type Directive, replacing } from "../render/unit-file";
import type { SettledWorkload } from "./workload";

/** A limit in both spellings: the readable one of the unit file, the canonical one of the bundle's `limits`. */
export interface Limit {
  readonly name: keyof Limits;
  readonly inFile: string;
  readonly canonical: string;
}

/**
 * The limits of a workload's cgroup, all of them applied live by a reload.
 * @param disk a path on the disk that the IO limits mean
 */
export function workloadLimits({ memory, cpu, io, tasks }: SettledWorkload, disk: string): Limit[] {
  const limits: Limit[] = [
    size("MemoryMax", memory.max),
    memory.high === undefined ? plain("MemoryHigh", "infinity") : size("MemoryHigh", memory.high),
    size("MemoryLow", memory.low),
    size("MemorySwapMax", memory.swap),
    plain("CPUWeight", cpu.weight),
    plain("IOWeight", io.weight),
    plain("TasksMax", tasks),
  ];
  if (cpu.quota !== undefined) limits.push(plain("CPUQuota", `${cpu.quota}%`));
  if (cpu.cores !== undefined) limits.push(plain("AllowedCPUs", cpu.cores));
  if (io.readBandwidth !== undefined) limits.push(onDisk("IOReadBandwidthMax", disk, io.readBandwidth.bytes));
  if (io.writeBandwidth !== undefined)
    limits.push(onDisk("IOWriteBandwidthMax", disk, io.writeBandwidth.bytes));
  if (io.readIops !== undefined) limits.push(onDisk("IOReadIOPSMax", disk, io.readIops));
  if (io.writeIops !== undefined) limits.push(onDisk("IOWriteIOPSMax", disk, io.writeIops));
  return limits;
}

export function toDirectives(limits: readonly Limit[]): Directive[] {
  return limits.flatMap(({ name, inFile }) =>
    name === "AllowedCPUs" ? replacing(name, inFile) : [[name, inFile] as const],
  );
}

export function toLimits(limits: readonly Limit[]): Limits {
  return Object.fromEntries(limits.map(({ name, canonical }) => [name, canonical]));
}

export function size(name: keyof Limits, value: { bytes: number; toSystemd(): string }): Limit {
  return { name, inFile: value.toSystemd(), canonical: String(value.bytes) };
}

export function plain(name: keyof Limits, value: number | string): Limit {
  return { name, inFile: String(value), canonical: String(value) };
}

function onDisk(name: keyof Limits, disk: string, value: number): Limit {
  return plain(name, `${disk} ${value}`);
}
