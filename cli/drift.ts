/** `npm run drift -- --stack NAME [--json]`: whether the hosts are what the stack declares. It changes nothing. */
import type * as bundles from "../components/goblin-host/bundles";
import type { ConfiguredHost } from "../components/goblin-host/stack";
import type { StackId } from "../components/host-bundle/identity";
import type { SentBundle } from "../components/host-bundle/sent";
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
    const looks = lookAt(hosts);
    const declared = declaredBundles(hosts, stackId(stack, folder));
    const reports = (await looks).map((looked) => report(looked, declared.get(looked.host.name) ?? []));
    if (json === true) console.log(JSON.stringify({ stack, hosts: reports }, null, 2));
    else for (const text of reports.map(render)) console.log(text);
    if (reports.some(({ state }) => state === "unknown")) return EXIT.error;
    return reports.some(({ state }) => state === "drift") ? EXIT.drift : EXIT.inSync;
  },
);

/** By host. It is rendered, and what renders it set up, while the hosts answer. */
function declaredBundles(
  hosts: readonly ConfiguredHost[],
  stack: StackId,
): ReadonlyMap<string, readonly SentBundle[]> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- an import is set up before anything runs
  const { hostBundles } = require("../components/goblin-host/bundles") as typeof bundles;
  return new Map(hosts.map((host) => [host.name, hostBundles(host, stack)]));
}

function report({ host, at, observation, advice }: LookedAt, declared: readonly SentBundle[]): HostReport {
  const { name } = host;
  if (observation.kind === "unknown")
    return { host: name, at, state: "unknown", reason: observation.reason, advice, bundles: [] };
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
