/** `npm run verdict -- --stack NAME [--json]`: what the kernel makes of every declared limit. It changes nothing. */
import type { LimitVerdict } from "../components/observation/status";
import { type LookedAt, lookAt } from "./look";
import { colour, EXIT, runCommand } from "./run";
import { readStackFile } from "./stack-file";
import { renderTable } from "./table";

interface HostVerdicts {
  readonly host: string;
  readonly at: string;
  /** Why nobody knows. */
  readonly reason?: string;
  /** What to do about that. */
  readonly advice?: string;
  readonly limits: readonly LimitVerdict[];
}

const COLOURS: Record<string, "green" | "yellow" | "red"> = {
  enforced: "green",
  inert: "yellow",
  unsupported: "red",
};

void runCommand(
  "verdict",
  "Every declared limit of a stack's hosts: enforced by the kernel, accepted but inert, or unsupported, and why.",
  async ({ stack, folder, json }) => {
    const looked = (await lookAt(readStackFile(stack, folder).hosts)).map(verdicts);
    if (json === true) console.log(JSON.stringify({ stack, hosts: looked }, null, 2));
    else for (const text of looked.map(render)) console.log(text);
    return looked.some(({ reason }) => reason !== undefined) ? EXIT.error : EXIT.inSync;
  },
);

function verdicts({ host: { name: host }, at, observation, advice }: LookedAt): HostVerdicts {
  if (observation.kind === "status")
    return { host, at, limits: observation.status.bundles.flatMap(({ limits }) => limits) };
  if (observation.kind === "absent")
    return { host, at, reason: "the host has no manager", advice: "apply the stack: pulumi up", limits: [] };
  return { host, at, reason: observation.reason, advice, limits: [] };
}

function render({ host, at, reason, advice = "", limits }: HostVerdicts): string {
  const title = `${colour("bold", host)} (${at})`;
  if (reason !== undefined) return `${title}: ${colour("red", "unknown")}, ${reason}\n  ${advice}`;
  const rows = limits.map(({ unit, property, declared, kernel, verdict, reason: why }) => [
    unit,
    property,
    declared,
    kernel === "" ? "-" : kernel,
    `${colour(COLOURS[verdict] ?? "red", verdict)}${why === "" ? "" : ` (${why})`}`,
  ]);
  const counts = Object.keys(COLOURS)
    .map((verdict) => `${limits.filter((limit) => limit.verdict === verdict).length} ${verdict}`)
    .join(", ");
  return `${title}: ${counts}\n${renderTable(["unit", "limit", "declared", "kernel", "verdict"], rows)}`;
}
