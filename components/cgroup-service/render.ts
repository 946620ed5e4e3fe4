import { credentialsFile } from "../credentials/render";
import type { Bundle, BundleFile } from "../host-bundle/bundle";
import { parseDuration } from "../render/duration";
import { dropIn, EXEC_DROP_IN } from "../render/drop-in";
import { renderUnitFile } from "../render/unit-file";
import { OOM_SCORE_ADJUST, renderEnv, renderExec } from "./drop-ins";
import { gpuLimits, gpuRequirement, hardeningOf } from "./gpu";
import { toDirectives, toLimits, workloadLimits } from "./limits";
import type { SettledWorkload } from "./workload";

/** What a workload's bundle needs to know beside the workload. */
export interface WorkloadContext {
  /** Where models lie: writable to the workload, and the disk that IO limits mean. */
  readonly modelsPath: string;
  /** Path of the workload's settings, for the host's error messages. */
  readonly setting: string;
  /** Names of its secret variables, in a file that a bundle before this one brings (renderCredentials). Default: none. */
  readonly credentials?: readonly string[];
}

/**
 * The bundle `workload-NAME`: limits that a reload applies live in one drop-in, what only a new process gets in another,
 * whose change restarts the service, and variables that follow from the limits in a third, which its next start reads.
 */
export function renderCgroupService(workload: SettledWorkload, context: WorkloadContext): Bundle {
  const { name, unit, cpu, exec } = workload;
  const execFile = dropIn(unit, EXEC_DROP_IN);
  const unitFile = `/etc/systemd/system/${unit}`;
  const limits = workloadLimits(workload, context.modelsPath);
  const restartOn = [
    execFile,
    ...(exec === undefined ? [] : [unitFile]),
    ...((context.credentials ?? []).length === 0 ? [] : [credentialsFile(name)]),
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
      ...renderEnv(workload, context),
      [execFile]: renderExec(workload, context),
      ...(exec === undefined ? {} : { [unitFile]: file(renderService(workload, exec)) }),
    },
    units: {
      [unit]: exec === undefined ? { restartOn } : { enabled: true, active: true, restartOn },
    },
    ...renderReadiness(workload, context),
    ...renderHardening(workload, context),
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

/** Where to open what the hardening closes: the host looks for that in the unit as it is there. */
function renderHardening(workload: SettledWorkload, { setting }: WorkloadContext): Pick<Bundle, "hardening"> {
  const { unit, readablePaths, writablePaths } = workload;
  if (hardeningOf(workload).profile === "none") return {};
  return {
    hardening: { [unit]: { setting, readable: readablePaths.length, writable: writablePaths.length } },
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
