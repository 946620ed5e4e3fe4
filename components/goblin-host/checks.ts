import { z } from "zod";
import { ReserveSettings } from "../ai-slice/schema";
import { WorkloadSettings } from "../cgroup-service/schema";
import { type SettledWorkload, settleWorkload } from "../cgroup-service/workload";
import { formatCpuList, parseCpuList } from "../render/cpu-list";
import { checkSettings, type SettingIssue } from "../settings/issues";
import { isProduction } from "../settings/production";
import { isMap, valueAt } from "../settings/values";
import { SwapFileSettings } from "../swap-file/schema";
import { ZramDeviceSettings } from "../zram-device/schema";
import { portIssues } from "./ports";
import { prometheusIssues } from "./prometheus-checks";
import { ownedTwice, workloadIssues } from "./workload-checks";

/**
 * What is wrong between settings of one host. It reads the raw settings and skips what is wrong by itself, so
 * that its findings come together with the schema's.
 */
export function crossCheck(raw: unknown, stack: string): SettingIssue[] {
  const workloads = settledWorkloads(raw);
  return [
    ...hostKeyIssues(raw, stack, [], "host"),
    ...(isMap(valueAt(raw, ["proxyJump"])) ? hostKeyIssues(raw, stack, ["proxyJump"], "bastion") : []),
    ...priorityIssues(raw),
    ...workloads.flatMap((workload) => workloadIssues(workload, raw)),
    ...ownedTwice(raw, "unit"),
    ...ownedTwice(raw, "slice"),
    ...prometheusIssues(raw),
    ...portIssues(raw),
    ...reservedCoreIssues(workloads, raw),
  ];
}

/** What an operator should know although nothing is wrong. */
export function hostWarnings(raw: unknown): string[] {
  const workloads = settledWorkloads(raw);
  const warnings: string[] = [];
  const pinned = pinnedCores(workloads);
  const reserve = checked(ReserveSettings, valueAt(raw, ["reserve"]) ?? {});
  if (pinned.length > 0 && reserve?.cores === undefined && pinned.length === Math.max(...pinned) + 1) {
    warnings.push(
      `the workloads are pinned to cores ${formatCpuList(pinned)}: on a host with ${pinned.length} cores nothing is left for the system alone. Set reserve.cores and move the workloads off those cores`,
    );
  }
  const address = valueAt(raw, ["address"]);
  if (typeof address === "string" && /^(192\.0\.2|198\.51\.100|203\.0\.113)\./.test(address)) {
    warnings.push(`its address ${address} is one for documentation (RFC 5737): set the real one`);
  }
  return [...warnings, ...workloads.flatMap(plainSecrets)];
}

/** Variables that are usually secrets, among those that are none. */
function plainSecrets({ name, environment }: SettledWorkload): string[] {
  return Object.keys(environment)
    .filter((variable) => /(TOKEN|SECRET|PASSW(OR)?D|API_?KEY|PRIVATE_?KEY)$/i.test(variable))
    .map(
      (variable) =>
        `workloads.${name}.environment.${variable} is plain text in Pulumi's state, in previews and on the host. If it is a secret: pulumi config set --path --secret 'goblin-host:credentials.${name}.${variable}', and remove it from environment`,
    );
}

function settledWorkloads(raw: unknown): SettledWorkload[] {
  const given = valueAt(raw, ["workloads"]);
  return Object.entries(isMap(given) ? given : {}).flatMap(([name, settings]) => {
    const workload = checked(WorkloadSettings, settings);
    return workload === undefined ? [] : [settleWorkload(name, workload)];
  });
}

/** @param at where the machine's settings are below the host's */
function hostKeyIssues(raw: unknown, stack: string, at: readonly string[], what: string): SettingIssue[] {
  const hostKey = valueAt(raw, [...at, "hostKey"]) ?? undefined;
  const path = [...at, "insecureSkipHostKeyCheck"];
  const given = valueAt(raw, path);
  const skip = given === true || given === "true";
  const refused = (message: string): SettingIssue[] => [{ path, value: true, message, fix: null }];
  if (skip && isProduction(stack)) return refused(`a stack for production always checks the ${what}'s key`);
  if (skip && hostKey !== undefined) return refused("a host key is given, and checking it is switched off");
  if (skip || hostKey !== undefined) return [];
  const message = `without the ${what}'s key nobody can tell who answers (ssh-keyscan -t ed25519 ADDRESS prints it; compare it with the provider's console)`;
  return [{ path: [...at, "hostKey"], value: undefined, message, fix: "ssh-ed25519 AAAA..." }];
}

function priorityIssues(raw: unknown): SettingIssue[] {
  const swap = checked(SwapFileSettings, valueAt(raw, ["swap"]) ?? {});
  const zram = checked(ZramDeviceSettings, valueAt(raw, ["zram"]) ?? {});
  if (swap === undefined || zram === undefined || swap.priority < zram.priority) return [];
  const at = (key: "swap" | "zram", place: string, fix: number): SettingIssue => {
    const path = [key, "priority"];
    const isDefault = valueAt(raw, path) === undefined;
    const value = (key === "swap" ? swap : zram).priority;
    const message = `it must be ${place}, or the disk is used before compressed memory`;
    return { path, value, ...(isDefault ? { isDefault } : {}), message, fix: String(fix) };
  };
  if (zram.priority > 0) return [at("swap", `below zram's priority, ${zram.priority}`, zram.priority - 1)];
  const above = Math.max(100, Math.min(32_767, swap.priority + 1));
  return [at("zram", `above the swapfile's priority, ${swap.priority}`, above)];
}

function reservedCoreIssues(workloads: readonly SettledWorkload[], raw: unknown): SettingIssue[] {
  const reserve = checked(ReserveSettings, valueAt(raw, ["reserve"]) ?? {});
  if (reserve?.cores === undefined) return [];
  const reserved = parseCpuList(reserve.cores);
  return workloads.flatMap(({ name, cpu }) => {
    if (cpu.cores === undefined) return [];
    const cores = parseCpuList(cpu.cores);
    const shared = cores.filter((core) => reserved.includes(core));
    if (shared.length === 0) return [];
    const left = formatCpuList(cores.filter((core) => !reserved.includes(core)));
    const message = `cores ${formatCpuList(shared)} are kept for the system by reserve.cores (${reserve.cores})`;
    return [
      {
        path: ["workloads", name, "cpu", "cores"],
        value: cpu.cores,
        message,
        fix: left === "" ? null : left,
      },
    ];
  });
}

function pinnedCores(workloads: readonly SettledWorkload[]): number[] {
  return [
    ...new Set(workloads.flatMap(({ cpu }) => (cpu.cores === undefined ? [] : parseCpuList(cpu.cores)))),
  ];
}

function checked<S extends z.ZodType>(schema: S, raw: unknown): z.output<S> | undefined {
  const result = checkSettings(schema, raw);
  return "value" in result ? result.value : undefined;
}
