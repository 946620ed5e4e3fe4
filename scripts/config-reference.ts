/** Generates docs/config.md from the schemas. `npm run docs` writes it; a test fails when it is stale. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SharedSettings } from "../components/goblin-host/schema";
import { HostConnectionSettings } from "../components/host-bundle/schema";
import { documentation, unwrap } from "../components/settings/schema-walk";

/** What stands above a section; a section's own settings follow as a table. */
const SECTIONS: Record<string, string> = {
  observe: "Drift: [how a preview sees it](drift.md).",
  swap: "The swapfile: [SwapFile](components/swap-file.md).",
  zram: "Compressed swap in RAM: [ZramDevice](components/zram-device.md).",
  earlyOom: "The killer that acts before the kernel must: [EarlyOom](components/early-oom.md).",
  reserve: "What the AI workloads leave to the system: [AiSlice](components/ai-slice.md).",
  docker: "Docker on the host: [DockerEngine](components/docker-engine.md).",
  models: "Where models lie: [ModelStorage](components/model-storage.md).",
  workloads:
    "The AI workloads, by name: [CgroupService](components/cgroup-service.md), [LimitedContainer](components/limited-container.md), [ContainerNetwork](components/container-network.md).",
  monitor:
    "The monitor's container: [Monitor](components/monitor.md), [MonitorTimer](components/monitor-timer.md).",
  prometheus: "Prometheus and Alertmanager on the host: [PrometheusStack](components/prometheus-stack.md).",
  manager: "The host's own manager: [Manager](components/manager.md).",
  thresholds: "Alert thresholds: [the monitor](monitor.md#alerts).",
};

const INTRODUCTION = `# Configuration

Generated from the schemas by \`npm run docs\`; do not edit.

Every key is \`goblin-host:KEY\` in \`Pulumi.STACK.yaml\`, set by for example

    pulumi config set --path 'goblin-host:workloads.ollama.memory.max' 6GiB

and removed, which brings its default back, by \`pulumi config rm --path\`. Only \`hosts\` is required. Under a host any
other key can be given again and then holds for that host alone, deeply: \`hosts.goblin.swap.size\` overrides
\`swap.size\` and leaves the rest of \`swap\` as it is; \`null\` takes a shared setting back to its default.

Sizes are 1024-based, as in systemd, Docker and \`free -h\`: \`512MiB\`, \`16GiB\`, \`1TiB\`, or \`512M\`, \`16G\`, \`1T\`.
Numbers may be given as their digits. An unknown key is an error, and so is a workload or a variable with nothing after
its name where no shared one is taken back by that.

In \`environment\`, \`command\` and \`entrypoint\` 8 and true are the texts \`8\` and \`true\`; an empty text is \`""\`, and
\`pulumi config set\` has it as \`''\`. A list is set value by value: \`pulumi config set --path 'goblin-host:...command[0]' serve\`,
and \`-- --verbose\` for a value that begins with a dash.

## Secrets

Seven keys hold secrets and nothing else; a secret in any other key is refused, because it would be plain text in Pulumi's state,
in previews and on the host. What becomes of them: [operations.md](operations.md#secrets).

    pulumi config set --secret goblin-host:privateKey <KEYFILE
    pulumi config set --path --secret 'goblin-host:credentials.WORKLOAD.NAME'
    pulumi config set --path --secret 'goblin-host:hostCredentials.HOST.WORKLOAD.NAME'
    pulumi config set --path --secret 'goblin-host:monitorCredentials.SINK'
    pulumi config set --path --secret 'goblin-host:hostMonitorCredentials.HOST.SINK'
    pulumi config set --path --secret 'goblin-host:prometheusCredentials.webhook'
    pulumi config set --path --secret 'goblin-host:hostPrometheusCredentials.HOST.webhook'

| key | meaning |
|---|---|
| \`privateKey\` | An SSH key without a passphrase, for where there is no ssh-agent. |
| \`credentials\` | By workload: secret variables of its environment. Their names are no secrets. |
| \`hostCredentials\` | By host: the same for this host alone, over the shared ones. |
| \`monitorCredentials\` | Addresses of those whom the monitor tells: \`alertmanager\`, \`webhook\`, \`sentry\` (a DSN), \`heartbeat\` (one for each host). |
| \`hostMonitorCredentials\` | By host: the same for this host alone, over the shared ones. |
| \`prometheusCredentials\` | Whom the host's Alertmanager tells: \`webhook\`, an address. |
| \`hostPrometheusCredentials\` | By host: the same for this host alone, over the shared ones. |
`;

/** The whole of docs/config.md. */
export function renderConfigReference(): string {
  const sections = Object.entries(SharedSettings.shape).map(([key, schema]) => {
    return `## ${key}\n\n${SECTIONS[key] ?? ""}\n\n${table(rows(schema, [key]))}`;
  });
  const connection = `## hosts\n\nThe hosts by name; the first name is the identity, so another machine is another name, and a renamed one lists its former names.\n\n${table(
    Object.entries(HostConnectionSettings.shape).flatMap(([key, schema]) =>
      rows(schema, ["hosts", "NAME", key]),
    ),
  )}`;
  return [INTRODUCTION, connection, ...sections].join("\n");
}

/** One row per setting; a map's own row only where it can be written as one word. */
function rows(schema: z.ZodType, path: string[], fallback?: unknown): string[] {
  const inner = unwrap(schema);
  const preset = defaultOf(schema) ?? fallback;
  if (inner instanceof z.ZodObject) {
    const given = (preset ?? {}) as Record<string, unknown>;
    const shape = inner.shape as Record<string, z.ZodType>;
    const own =
      documentation(schema)?.description === undefined && documentation(schema)?.allowed === undefined
        ? []
        : [row(schema, path, undefined)];
    return [
      ...own,
      ...Object.entries(shape).flatMap(([key, field]) => rows(field, [...path, key], given[key])),
    ];
  }
  if (inner instanceof z.ZodRecord) {
    const value = inner.valueType as z.ZodType;
    const nested = unwrap(value) instanceof z.ZodObject;
    return [row(schema, path, undefined), ...(nested ? rows(value, [...path, "NAME"]) : [])];
  }
  return [row(schema, path, preset)];
}

function row(schema: z.ZodType, path: string[], preset: unknown): string {
  const doc = documentation(schema);
  const inner = unwrap(schema);
  const element = inner instanceof z.ZodArray ? documentation(inner.element as z.ZodType) : undefined;
  const allowed = doc?.allowed ?? (element === undefined ? "a map" : `a list of: ${element.allowed ?? ""}`);
  const cells = [
    `\`${path.join(".")}\``,
    doc?.description ?? "",
    allowed,
    preset === undefined ? "" : `\`${display(preset)}\``,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function table(lines: readonly string[]): string {
  return ["| key | meaning | allowed | default |", "|---|---|---|---|", ...lines, ""].join("\n");
}

function defaultOf(schema: z.ZodType): unknown {
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault) return schema.def.defaultValue;
  if (schema instanceof z.ZodOptional) return defaultOf(schema.unwrap() as z.ZodType);
  return undefined;
}

function display(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(dirname(import.meta.dirname), "docs", "config.md"), renderConfigReference());
}
