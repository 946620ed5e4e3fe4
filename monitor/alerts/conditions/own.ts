import type { Snapshot } from "../../report/snapshot";
import type { CollectorFailures } from "../collector-failures";
import { type AlertInput, countAbove, fact } from "../condition";

/** A card that the driver lost, or that answers no more: what runs on it fails, or has gone on without it. */
export function gpuConditions({ gpu, collectors }: Snapshot): AlertInput[] {
  if (collectors.find(({ name }) => name === "gpu")?.state === "absent") return [];
  const problems = gpu?.problems ?? [];
  return [
    fact(
      "gpu",
      gpu && problems.length > 0,
      problems.length === 0 ? "GPUs: all answer" : problems.join(", "),
      { severity: "critical" },
    ),
  ];
}

/** Whose measurements have stopped: their own alerts stay as they are, and this one says that nobody looks. */
export function collectorCondition({ lasting, value, isBlind }: CollectorFailures): AlertInput {
  const told = lasting.map(({ name, error = "unknown" }) => `${name} (${error})`).join(", ");
  return countAbove("collector", value, 0, `Not measured: ${told === "" ? "nothing" : told}`, {
    severity: isBlind ? "critical" : "warning",
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
