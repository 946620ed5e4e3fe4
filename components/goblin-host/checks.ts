import { z } from "zod";
import { ReserveSettings } from "../ai-slice/schema";
import { WorkloadSettings } from "../cgroup-service/schema";
import { type SettledWorkload, settleWorkload } from "../cgroup-service/workload";
import { formatCpuList, parseCpuList } from "../render/cpu-list";
import { checkSettings, isMap, type SettingIssue, valueAt } from "../settings/issues";
import { isProduction } from "../settings/production";
import { SwapFileSettings } from "../swap-file/schema";
import { ZramDeviceSettings } from "../zram-device/schema";

/** Units whose move into an AI slice would take the host's own legs away. */
const PROTECTED_UNIT =
  /^(ssh|sshd|dbus|docker|containerd|cron|earlyoom|systemd-.*|getty@.*|user@.*|ai-resource-.*)\.service$/;

/**
 * What is wrong between settings of one host. It reads the raw settings and skips what is wrong by itself, so
 * that its findings come together with the schema's.
 */
export function crossCheck(raw: unknown, stack: string): SettingIssue[] {
  const workloads = settledWorkloads(raw);
  return [
    ...hostKeyIssues(raw, stack),
    ...priorityIssues(raw),
    ...workloads.flatMap((workload) => workloadIssues(workload, raw)),
    ...duplicates(raw, "unit"),
    ...duplicates(raw, "slice"),
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

function hostKeyIssues(raw: unknown, stack: string): SettingIssue[] {
  const hostKey = valueAt(raw, ["hostKey"]) ?? undefined;
  const given = valueAt(raw, ["insecureSkipHostKeyCheck"]);
  const skip = given === true || given === "true";
  const path = ["insecureSkipHostKeyCheck"];
  if (skip && isProduction(stack)) {
    return [{ path, value: true, message: "a stack named prod always checks the host's key", fix: null }];
  }
  if (skip && hostKey !== undefined) {
    return [
      { path, value: true, message: "a host key is given, and checking it is switched off", fix: null },
    ];
  }
  if (skip || hostKey !== undefined) return [];
  const message =
    "without the host's key nobody can tell who answers (ssh-keyscan -t ed25519 ADDRESS prints it; compare it with the provider's console)";
  return [{ path: ["hostKey"], value: undefined, message, fix: "ssh-ed25519 AAAA..." }];
}

function priorityIssues(raw: unknown): SettingIssue[] {
  const swap = checked(SwapFileSettings, valueAt(raw, ["swap"]) ?? {});
  const zram = checked(ZramDeviceSettings, valueAt(raw, ["zram"]) ?? {});
  if (swap === undefined || zram === undefined || swap.priority < zram.priority) return [];
  const message = `it must be below zram's priority, ${zram.priority}, or the disk is used before compressed memory`;
  return [
    {
      path: ["swap", "priority"],
      value: swap.priority,
      message,
      fix: String(Math.max(0, zram.priority - 1)),
    },
  ];
}

function workloadIssues(workload: SettledWorkload, raw: unknown): SettingIssue[] {
  const { name, unit, runtime, exec, image, gpu, hardening, environmentFile } = workload;
  const at = (key: string, message: string): SettingIssue => {
    const path = ["workloads", name, key];
    return { path, value: valueAt(raw, path), message, fix: null };
  };
  const issues: SettingIssue[] = [];
  if (PROTECTED_UNIT.test(unit))
    issues.push(at("unit", `${unit} is part of the system and stays out of the AI slices`));
  if (runtime === "container" && exec !== undefined)
    issues.push(at("exec", "a container has no exec; give command"));
  if (runtime === "container" && environmentFile !== undefined) {
    const message = `a container reads no such file by itself; mount it (volumes: ["${environmentFile}:/run/secrets/env:ro"]), or give credentials`;
    issues.push(at("environmentFile", message));
  }
  if (runtime === "systemd" && image !== undefined)
    issues.push(at("image", "an image needs runtime: container"));
  const hidesDevices = hardening.profile === "standard" && !hardening.except.includes("PrivateDevices");
  if (runtime === "systemd" && gpu !== undefined && hidesDevices) {
    const message = "standard hides every device, and gpu names some; the profile gpu leaves these alone";
    issues.push({
      ...at("hardening", message),
      allowed: "gpu, none, or except: [PrivateDevices]",
      fix: "gpu",
    });
  }
  if (runtime === "container" && image === undefined) {
    issues.push({ ...at("image", "a container needs an image"), fix: "ollama/ollama:0.6.5" });
  }
  return issues;
}

/** Compared as they are written, so that another mistake in a workload does not hide this one. */
function duplicates(raw: unknown, key: "unit" | "slice"): SettingIssue[] {
  const given = valueAt(raw, ["workloads"]);
  const owners = new Map<string, string>();
  return Object.entries(isMap(given) ? given : {}).flatMap(([name, workload]) => {
    const usual = key === "unit" ? `${name}.service` : `ai-${name.replaceAll("-", "")}`;
    const value = valueAt(workload, [key]) ?? usual;
    if (typeof value !== "string") return [];
    const owner = owners.get(value);
    owners.set(value, owner ?? name);
    if (owner === undefined) return [];
    const message = `workload ${owner} has the same ${key}, and each has its own limits`;
    const fix = value === usual ? usual.replace(/(\.service)?$/, "2$1") : usual;
    return [{ path: ["workloads", name, key], value, message, fix }];
  });
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
