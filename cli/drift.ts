/** `npm run drift -- --stack NAME [--json]`: whether the hosts are what the stack declares. It changes nothing. */
import { hostBundles } from "../components/goblin-host/bundles";
import type { StackId } from "../components/host-bundle/identity";
import { type BundleState, compareHost } from "../components/observation/compare";
import { type LookedAt, lookAt } from "./look";
import { colour, EXIT, runCommand } from "./run";
import { readStackFile, stackId } from "./stack-file";

interface HostReport {
  readonly host: string;
  readonly at: string;
  readonly state: "in sync" | "drift" | "unknown";
  /** Why nobody knows. */
  readonly reason?: string;
  /** What to do about that. */
  readonly advice?: string;
  readonly bundles: readonly BundleState[];
}

void runCommand(
  "drift",
  "Compares what a stack declares with what its hosts hold and their kernels enforce, over one SSH connection each, " +
    "without the Pulumi CLI. Exit code 0: in sync; 7: drift; anything else: an error.",
  async ({ stack, folder, json }) => {
    const { hosts, warnings } = readStackFile(stack, folder);
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
    const reports = (await lookAt(hosts)).map((looked) => report(looked, stackId(stack, folder)));
    if (json === true) console.log(JSON.stringify({ stack, hosts: reports }, null, 2));
    else for (const text of reports.map(render)) console.log(text);
    if (reports.some(({ state }) => state === "unknown")) return EXIT.error;
    return reports.some(({ state }) => state === "drift") ? EXIT.drift : EXIT.inSync;
  },
);

function report({ host, at, observation, advice }: LookedAt, stack: StackId): HostReport {
  const { name } = host;
  if (observation.kind === "unknown")
    return { host: name, at, state: "unknown", reason: observation.reason, advice, bundles: [] };
  const declared = hostBundles(host, stack);
  const bundles = compareHost(declared, observation.kind === "absent" ? undefined : observation.status);
  const state = bundles.every(({ drift }) => drift.length === 0) ? "in sync" : "drift";
  return { host: name, at, state, bundles };
}

function render({ host, at, state, reason = "", advice = "", bundles }: HostReport): string {
  const title = `${colour("bold", host)} (${at}): `;
  if (state === "unknown") return `${title}${colour("red", "unknown")}, ${reason}\n  ${advice}`;
  if (state === "in sync") return `${title}${colour("green", "in sync")}, ${bundles.length} bundles`;
  const drifted = bundles.filter(({ drift }) => drift.length > 0);
  const lines = drifted.flatMap(({ bundle, drift }) => [
    `  ${colour("yellow", bundle)}`,
    ...drift.map((text) => `    ${text}`),
  ]);
  const count = `${drifted.length} of ${bundles.length} bundles`;
  return [`${title}${colour("red", "drift")} in ${count}`, ...lines, "  repair: pulumi up"].join("\n");
}
