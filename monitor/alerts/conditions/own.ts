import { type GpuSample, isEssential, type Snapshot } from "../../report/snapshot";
import type { CollectorFailures } from "../collector-failures";
import { type AlertInput, countAbove, fact } from "../condition";

/** A card that the driver lost, or that answers no more: what runs on it fails, or has gone on without it. */
export function gpuConditions({ gpu }: Snapshot, known: GpuSample["known"]): AlertInput[] {
  return known.map(({ index, name }) => {
    const problem = gpu?.problems.find((one) => one.index === index);
    const message = problem === undefined ? `GPU ${index} (${name}) answers` : problem.text;
    return fact("gpu", gpu && problem !== undefined, message, { severity: "critical", gpu: index });
  });
}

/** What is not measured: its alerts stay as they are meanwhile, and this one says that nobody looks. */
export function collectorConditions(
  { collectors }: Snapshot,
  failures: Pick<CollectorFailures, "lasts">,
): AlertInput[] {
  return collectors.map(({ name, error }) => {
    const lasts = failures.lasts(name);
    return countAbove(
      "collector",
      lasts === undefined ? undefined : Number(lasts),
      0,
      lasts === false ? `Measured again: ${name}` : `Not measured: ${name} (${error ?? "unknown"})`,
      { severity: isEssential(name) ? "critical" : "warning", collector: name },
    );
  });
}

export function verificationCondition({ verification }: Snapshot): AlertInput {
  const { exitCode, findings } = verification ?? { exitCode: 0, findings: 0 };
  const failed = exitCode !== 0 && findings === 0;
  return countAbove(
    "verification",
    verification === undefined ? undefined : failed ? 1 : findings,
    0,
    failed
      ? `Drift: unknown, ai-resource-manager verify ended with ${exitCode}`
      : `Drift: ${findings} ${findings === 1 ? "finding" : "findings"} by ai-resource-manager verify`,
  );
}
