import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readStackFile } from "../../cli/stack-file";
import { hostBundles } from "../../components/goblin-host/bundles";
import { FixtureHost } from "../../test/monitor/fixture-host";

const STACK = "prod";
const root = join(import.meta.dirname, "../..");

/** What the kernel gives a slice too; the fixtures have what their tests are about. */
const OF_EVERY_CGROUP = ["memory.events", "memory.peak", "memory.swap.current", "cpuset.cpus.effective"];
const SLICES = [
  "ai.slice",
  ...["ai-ollama", "ai-llamacpp", "ai-proxy"].map((name) => `ai.slice/${name}.slice`),
];
const OLLAMA = "ai.slice/ai-ollama.slice/ollama.service";
const SERVICES = [
  OLLAMA,
  "ai.slice/ai-llamacpp.slice/llamacpp.service",
  "ai.slice/ai-proxy.slice/local-llm-proxy.service",
];

/**
 * A fixture's services on this machine, as a deployment of the production stack leaves them: the manager tells of each of its
 * limits, the processes live, and no cgroup lacks a file.
 */
export class DeployedHost extends FixtureHost {
  constructor() {
    super("systemd");
    Object.assign(this.roots, { procfs: "/proc", sysfs: "/sys", rootfs: "/", etc: "/etc" });
    for (const service of SERVICES) this.write(`cgroup/${service}/cgroup.procs`, `${process.pid}\n`);
    for (const folder of [...SLICES, ...SERVICES])
      for (const file of OF_EVERY_CGROUP) {
        const to = join(this.roots.cgroup, folder, file);
        if (!existsSync(to)) cpSync(join(this.roots.cgroup, OLLAMA, file), to);
      }
    const seconds = Math.floor(Date.now() / 1000);
    const bundles = productionBundles();
    this.tell("limits.tsv", bundles.map(verdictsOf).join(""));
    this.tell("last-verify.json", JSON.stringify({ time: seconds, exitCode: 0, findings: 0 }));
    this.tell(
      "deployment.json",
      JSON.stringify({
        id: "20261124T181500Z",
        startedAt: seconds,
        appliedAt: seconds,
        bundles: bundles.map(({ name }) => name),
      }),
    );
  }

  private tell(file: string, text: string): void {
    this.write(`manager/${file}`, text);
  }
}

interface BundleLimits {
  readonly name: string;
  /** By unit and property. */
  readonly limits?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

function productionBundles(): BundleLimits[] {
  const { hosts } = readStackFile(STACK, root);
  return hosts
    .flatMap((host) => hostBundles(host, { project: "goblin-host", stack: STACK }))
    .map(({ text }) => parse(text) as BundleLimits);
}

/** As the manager writes them where the kernel enforces all. */
function verdictsOf({ name, limits = {} }: BundleLimits): string {
  return Object.entries(limits)
    .flatMap(([unit, properties]) =>
      Object.keys(properties).map((property) => `${name}\t${unit}\t${property}\tenforced\n`),
    )
    .join("");
}
