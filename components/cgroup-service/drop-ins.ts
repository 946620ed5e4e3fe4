import { credentialsFile } from "../credentials/render";
import type { BundleFile } from "../host-bundle/bundle";
import { dropIn, ENV_DROP_IN } from "../render/drop-in";
import { quoteEnvironment } from "../render/shell";
import { type Directive, renderUnitFile, replacing } from "../render/unit-file";
import { type DerivedVariables, fixedVariables, limitVariables } from "./environment";
import { gpuGroups, hardeningOf } from "./gpu";
import { hardeningDirectives } from "./hardening";
import { namedPaths } from "./named-paths";
import type { WorkloadContext } from "./render";
import type { SettledWorkload } from "./workload";

/** AI workloads are taken before anything else when the kernel itself must kill. */
export const OOM_SCORE_ADJUST = "500";

/** What only a new process gets; a change restarts the service. */
export function renderExec(workload: SettledWorkload, context: WorkloadContext): BundleFile {
  const { after, cpu, slice } = workload;
  const hardening = hardeningLines(workload, context);
  const content = renderUnitFile({
    Unit: after.length === 0 ? [] : [["After", after.join(" ")]],
    Service: [
      ["Slice", slice],
      ...(cpu.cores === undefined ? [] : replacing("CPUAffinity", cpu.cores)),
      ["OOMScoreAdjust", OOM_SCORE_ADJUST],
      // One killed child (a model runner) does not take its server along.
      ["OOMPolicy", "continue"],
      ["LimitMEMLOCK", "infinity"],
      ...environmentLines(fixedVariables(workload, context.credentials), workload.environment),
      ...environmentFiles(workload, context),
      ...gpuGroups(workload),
      ...hardening,
    ],
  });
  // Which device a card has, and what shows a service its own cgroup alone, the host knows.
  const expand = hardening.some(([, value]) => value.includes("@{"));
  return { mode: "0644", content, ...(expand ? { expand: true } : {}) };
}

/**
 * What follows from the memory limit, if anything does. A changed limit is live without a restart, so a change of this
 * causes none: the service's next start reads it.
 */
export function renderEnv(
  workload: SettledWorkload,
  { credentials }: WorkloadContext,
): Record<string, BundleFile> {
  const variables = environmentLines(limitVariables(workload, credentials), {});
  if (variables.length === 0) return {};
  const content = renderUnitFile({ Service: variables });
  return { [dropIn(workload.unit, ENV_DROP_IN)]: { mode: "0644", content } };
}

function hardeningLines(workload: SettledWorkload, { modelsPath }: WorkloadContext): Directive[] {
  const { engine, exec, readablePaths, slice, unit, writablePaths } = workload;
  const usual = [...usualPaths(unit), modelsPath, ...writablePaths];
  const named = namedPaths(workload);
  // What reading is enough of stays so, whatever else names it.
  const written = named.written.filter(
    (path) => ![...usual, ...readablePaths].some((other) => `${path}/`.startsWith(`${other}/`)),
  );
  return hardeningDirectives({
    ...hardeningOf(workload),
    writablePaths: [...usual, ...written],
    readablePaths,
    namedPaths: named.read,
    program: exec?.start.split(/\s/)[0],
    // Ollama reads its limit there and nowhere else. Others look their cgroup up in /proc/self/cgroup, whose path is below
    // the host's tree and not below their own, before systemd 257.
    cgroup: engine === "ollama" ? `/ai.slice/${slice}/${unit}` : undefined,
  });
}

/** Where a service of that name keeps its state; Ollama's installer puts its home under /usr/share. */
function usualPaths(unit: string): string[] {
  const base = unit.replace(/(@.*)?\.service$/, "");
  return ["/usr/share", "/var/cache", "/var/lib", "/var/log"].map((parent) => `${parent}/${base}`);
}

/** By name; one that follows from something, with its rule. The owner's are none of the derived ones. */
function environmentLines(derived: DerivedVariables, owners: Readonly<Record<string, string>>): Directive[] {
  const lines: (readonly [name: string, value: string, rule?: string])[] = [
    ...Object.entries(derived).map(([name, { value, rule }]) => [name, value, `Derived: ${rule}.`] as const),
    ...Object.entries(owners),
  ];
  return lines
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value, rule]) => ["Environment", quoteEnvironment(name, value), rule]);
}

/** What is in them wins over every Environment= (systemd.exec(5)). Its owner's come first: ours are added to what its unit names. */
function environmentFiles(
  { name, environmentFile }: SettledWorkload,
  { credentials = [] }: WorkloadContext,
): Directive[] {
  const files = [environmentFile, credentials.length === 0 ? undefined : credentialsFile(name)];
  return files.filter((file) => file !== undefined).map((file) => ["EnvironmentFile", file] as const);
}
