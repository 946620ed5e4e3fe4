import { hardeningOf } from "../cgroup-service/gpu";
import { opensOnlyItsOwn } from "../cgroup-service/hardening";
import type { SettledWorkload } from "../cgroup-service/workload";
import { isProtectedUnit, LONGEST_UNIT, PROTECTED_RULE, usualSlice } from "../cgroup-service/unit";
import type { SettingIssue } from "../settings/issues";
import { isMap, type SettingPath, valueAt } from "../settings/values";

/** What is wrong between the settings of one workload. */
export function workloadIssues(workload: SettledWorkload, raw: unknown): SettingIssue[] {
  const { name, runtime, engine, exec, image, gpu, hardening, environmentFile, apiKeyFile } = workload;
  const at = (key: string, message: string, allowed: string, fix: string | null = null): SettingIssue => {
    const path = ["workloads", name, key];
    return { path, value: valueAt(raw, path), message, allowed, fix };
  };
  const issues: SettingIssue[] = [];
  if (runtime === "container" && exec !== undefined)
    issues.push(at("exec", "a container has no exec; give command", "command and entrypoint in its place"));
  if (runtime === "container" && environmentFile !== undefined) {
    const message = `a container reads no such file by itself; mount it (volumes: ["${environmentFile}:/run/secrets/env:ro"]), or give credentials`;
    issues.push(at("environmentFile", message, "volumes or credentials in its place"));
  }
  if (runtime === "systemd" && image !== undefined)
    issues.push(at("image", "an image needs runtime: container", "runtime: container beside it"));
  if (apiKeyFile !== undefined && engine !== "llama.cpp") {
    const message = "only a llama-server is asked with a key, and this is none";
    issues.push(at("apiKeyFile", message, "engine: llama.cpp beside it"));
  }
  const hidesDevices = hardening.profile === "standard" && !hardening.except.includes("PrivateDevices");
  if (runtime === "systemd" && gpu !== undefined && hidesDevices) {
    const message = "standard hides every device, and gpu names some; the profile gpu leaves these alone";
    issues.push(at("hardening", message, "gpu, none, or except: [PrivateDevices]", "gpu"));
  }
  if (runtime === "container" && image === undefined)
    issues.push(at("image", "a container needs an image", "an image's name", "ollama/ollama:0.6.5"));
  return [...issues, ...gpuIssues(workload, raw)];
}

/** What of its GPUs does not go with the rest of the workload, and what has been given of them. */
function gpuIssues(workload: SettledWorkload, raw: unknown): SettingIssue[] {
  const { name, runtime, gpu } = workload;
  if (gpu === undefined) return [];
  const at = (keys: SettingPath, message: string, fix: string | null = null): SettingIssue => {
    const path = ["workloads", name, ...keys];
    return { path, value: valueAt(raw, path), message, fix };
  };
  const threshold = at(
    ["gpu", "vramThreshold"],
    "the monitor measures NVIDIA's GPUs only, and vendor is amd",
  );
  const node = gpu.devices.find((device) => device.startsWith("/"));
  return [
    ...(gpu.vendor === "amd" && threshold.value !== undefined ? [threshold] : []),
    ...(runtime === "systemd" && node !== undefined && !opensOnlyItsOwn(hardeningOf(workload))
      ? [at(["hardening"], `this leaves out the device list, by which alone ${node} is given to it`, "gpu")]
      : []),
  ];
}

/** What each workload has alone. */
type Own = "unit" | "slice";

const USUAL: Record<Own, (workload: string) => string> = {
  unit: (workload) => `${workload}.service`,
  slice: usualSlice,
};

/**
 * Units and slices that two workloads have, and units of the system that one has by its name. Compared as they are
 * written, so that another mistake in a workload does not hide this one.
 */
export function ownedTwice(raw: unknown, key: Own): SettingIssue[] {
  const given = valueAt(raw, ["workloads"]);
  const wanted = Object.entries(isMap(given) ? given : {}).flatMap(([name, workload]) => {
    const value = valueAt(workload, [key]) ?? undefined;
    const usual = USUAL[key](name);
    return value === undefined || typeof value === "string"
      ? [{ name, value: value ?? usual, usual, isDefault: value === undefined }]
      : [];
  });
  const owners = new Map<string, string>();
  for (const { name, value } of wanted) owners.set(value, owners.get(value) ?? name);
  const taken = new Set(owners.keys());
  return wanted.flatMap(({ name, value, usual, isDefault }): SettingIssue[] => {
    const owner = owners.get(value) ?? name;
    const isSystems = key === "unit" && isDefault && isProtectedUnit(value);
    if (owner === name && !isSystems) return [];
    const fix = freeName(key, usual, taken);
    taken.add(fix);
    return [
      {
        path: ["workloads", name, key],
        value,
        ...(isDefault ? { isDefault } : {}),
        message: isSystems
          ? `${value} ${PROTECTED_RULE}`
          : `workload ${owner} has the same ${key}, and each has its own limits`,
        fix,
      },
    ];
  });
}

/** The usual name, or one like it, that neither a workload nor the system has. */
function freeName(key: Own, usual: string, taken: ReadonlySet<string>): string {
  const isFree = (name: string): boolean => !taken.has(name) && !isProtectedUnit(name);
  if (isFree(usual) && usual.length <= LONGEST[key]) return usual;
  if (key === "unit" && isProtectedUnit(usual)) return freeName(key, `ai-${usual}`, taken);
  const [stem = "", suffix = ""] = usual.split(/(?=\.service$)/);
  for (let count = 2; ; count++) {
    const digits = String(count);
    const name = `${stem.slice(0, LONGEST[key] - suffix.length - digits.length)}${digits}${suffix}`;
    if (isFree(name)) return name;
  }
}

/** The most characters that each may have. */
const LONGEST: Record<Own, number> = { unit: LONGEST_UNIT, slice: "ai-".length + 40 };
