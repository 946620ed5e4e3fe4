import { credentialsFile } from "../credentials/render";
import type { Bundle, BundleFile } from "../host-bundle/bundle";
import { parseDuration } from "../render/duration";
import { dropIn, EXEC_DROP_IN } from "../render/drop-in";
import { quoteEnvironment } from "../render/shell";
import { type Directive, renderUnitFile, replacing } from "../render/unit-file";
import { gpuEnvironment, gpuGroups, gpuLimits, gpuRequirement, hardeningOf } from "./gpu";
import { hardeningDirectives, opensOnlyItsOwn } from "./hardening";
import { toDirectives, toLimits, workloadLimits } from "./limits";
import { type SettledWorkload, workloadEnvironment } from "./workload";

/** What a workload's bundle needs to know beside the workload. */
export interface WorkloadContext {
  /** Where models lie: writable to the workload, and the disk that IO limits mean. */
  readonly modelsPath: string;
  /** Path of the workload's settings, for the host's error messages. */
  readonly setting: string;
  /** It has secret variables, in a file that a bundle before this one brings (renderCredentials). Default: none. */
  readonly hasCredentials?: boolean;
}

/** AI workloads are taken before anything else when the kernel itself must kill. */
const OOM_SCORE_ADJUST = "500";

/**
 * The bundle `workload-NAME`: limits that a reload applies live in one drop-in, and what only a new process gets in
 * another, whose change restarts the service.
 */
export function renderCgroupService(workload: SettledWorkload, context: WorkloadContext): Bundle {
  const { name, unit, cpu, exec } = workload;
  const execFile = dropIn(unit, EXEC_DROP_IN);
  const unitFile = `/etc/systemd/system/${unit}`;
  const limits = workloadLimits(workload, context.modelsPath);
  const restartOn = [
    execFile,
    ...(exec === undefined ? [] : [unitFile]),
    ...(context.hasCredentials === true ? [credentialsFile(name)] : []),
  ];
  const requires = {
    ...(cpu.cores === undefined ? {} : { [`${context.setting}.cpu.cores`]: { cores: cpu.cores } }),
    ...gpuRequirement(workload, context.setting),
  };
  return {
    name: `workload-${name}`,
    ...(Object.keys(requires).length === 0 ? {} : { requires }),
    files: {
      [dropIn(unit)]: file(renderLimits(workload, context)),
      // Which card has which device, the host alone knows.
      [execFile]: {
        ...file(renderExec(workload, context)),
        ...(opensOnlyItsOwn(hardeningOf(workload)) ? { expand: true } : {}),
      },
      ...(exec === undefined ? {} : { [unitFile]: file(renderService(workload, exec)) }),
    },
    units: {
      [unit]: exec === undefined ? { restartOn } : { enabled: true, active: true, restartOn },
    },
    ...renderReadiness(workload, context),
    limits: {
      [unit]: {
        ...toLimits(limits),
        ...(cpu.cores === undefined ? {} : { CPUAffinity: cpu.cores }),
        OOMScoreAdjust: OOM_SCORE_ADJUST,
        Slice: workload.slice,
        ...gpuLimits(workload),
      },
    },
  };
}

/** Its own check, if it has one, proven after every start and restart of ours. */
function renderReadiness(
  { unit, health }: SettledWorkload,
  { setting }: WorkloadContext,
): Pick<Bundle, "ready"> {
  if (health === undefined) return {};
  const { http, command, timeout } = health;
  return {
    ready: {
      [unit]: {
        ...(http === undefined ? {} : { http }),
        ...(command === undefined ? {} : { command }),
        timeoutSeconds: parseDuration(timeout),
        setting,
      },
    },
  };
}

function renderLimits(workload: SettledWorkload, { modelsPath }: WorkloadContext): string {
  const { max, legacyLimit } = workload.memory;
  return renderUnitFile({
    Service: [
      ...toDirectives(workloadLimits(workload, modelsPath)),
      ...(legacyLimit ? [["MemoryLimit", max.toSystemd()] as const] : []),
      ["CPUAccounting", "yes"],
      ["IOAccounting", "yes"],
      ["MemoryAccounting", "yes"],
      ["TasksAccounting", "yes"],
    ],
  });
}

function renderExec(workload: SettledWorkload, context: WorkloadContext): string {
  const { modelsPath } = context;
  const { after, cpu, exec, unit, slice } = workload;
  const base = unit.replace(/(@.*)?\.service$/, "");
  return renderUnitFile({
    Unit: after.length === 0 ? [] : [["After", after.join(" ")]],
    Service: [
      ["Slice", slice],
      ...(cpu.cores === undefined ? [] : replacing("CPUAffinity", cpu.cores)),
      ["OOMScoreAdjust", OOM_SCORE_ADJUST],
      // One killed child (a model runner) does not take its server along.
      ["OOMPolicy", "continue"],
      ["LimitMEMLOCK", "infinity"],
      ...environmentDirectives(workload, context),
      ...gpuGroups(workload),
      ...hardeningDirectives({
        ...hardeningOf(workload),
        writablePaths: [...usualPaths(base), modelsPath, ...workload.writablePaths],
        neededPaths: exec === undefined ? [] : [exec.start.split(/\s/)[0] ?? ""],
      }),
    ],
  });
}

/** Where a service of that name keeps its state; Ollama's installer puts its home under /usr/share. */
function usualPaths(base: string): string[] {
  return ["/usr/share", "/var/cache", "/var/lib", "/var/log"].map((parent) => `${parent}/${base}`);
}

/** Its owner's own files come first: ours are added to what its unit names. */
function environmentDirectives(workload: SettledWorkload, { hasCredentials }: WorkloadContext): Directive[] {
  const { name: of, environmentFile } = workload;
  const files = [environmentFile, hasCredentials === true ? credentialsFile(of) : undefined];
  const variables: Record<string, string> = {
    ...gpuEnvironment(workload),
    ...workloadEnvironment(workload),
  };
  return [
    ...Object.entries(variables)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ["Environment", quoteEnvironment(name, value)] as const),
    ...files.filter((file) => file !== undefined).map((file) => ["EnvironmentFile", file] as const),
  ];
}

function renderService(
  { name }: SettledWorkload,
  { start, user }: { start: string; user?: string | undefined },
): string {
  return renderUnitFile({
    Unit: [
      ["Description", `AI workload ${name}`],
      ["After", "network-online.target"],
      ["Wants", "network-online.target"],
    ],
    Service: [
      ["ExecStart", start],
      user === undefined ? ["DynamicUser", "yes"] : ["User", user],
      ["Restart", "always"],
      ["RestartSec", "3"],
    ],
    Install: [["WantedBy", "multi-user.target"]],
  });
}

function file(content: string): BundleFile {
  return { mode: "0644", content };
}
