import { parse } from "yaml";
import { z } from "zod";
import { type KernelReading, limitRow } from "./limit-row";
import { formatBytes, renderTable } from "../../cli/table";
import type { Vm } from "./vm";

/** One thing that was declared, and what the kernel says about it. */
export interface EnforcementRow {
  /** A unit, a swap device, a sysctl. */
  readonly subject: string;
  readonly property: string;
  readonly declared: string;
  readonly kernel: string;
  readonly verdict: Verdict;
}

/** `not running`: no process, so nothing to enforce. `not compared`: this table knows no kernel file for it. */
export type Verdict = "ok" | "DIFFERS" | "not running" | "not compared";

/** The sections of docs/bundle.md that the kernel can answer for. */
const Bundle = z.looseObject({
  limits: z.record(z.string(), z.record(z.string(), z.string())).default({}),
  swapFiles: z.record(z.string(), z.looseObject({ size: z.string(), priority: z.string() })).default({}),
  zram: z
    .record(z.string(), z.looseObject({ size: z.string(), algorithm: z.string(), priority: z.string() }))
    .default({}),
  sysctls: z.record(z.string(), z.string()).default({}),
});
type Bundle = z.output<typeof Bundle>;

const STORED =
  "for file in /var/lib/ai-resource-manager/bundles/*/bundle.yaml; do printf '\\f'; cat -- \"$file\"; done 2>/dev/null || :";

/** Reads what the applied bundles declare and what the guest's kernel enforces, without the project's manager. */
export async function readEnforcement(vm: Vm): Promise<EnforcementRow[]> {
  // By standard input: root's shell need not be one that reads a POSIX shell's language.
  const stored = await vm.run("sh -s", { stdin: STORED });
  const bundles = stored
    .split("\f")
    .filter((text) => text.trim() !== "")
    .map((text) => Bundle.parse(parse(text)));
  const units = [...new Set(bundles.flatMap(({ limits }) => Object.keys(limits)))].sort();
  const zram = bundles.flatMap((bundle) => Object.keys(bundle.zram));
  const sysctls = bundles.flatMap((bundle) => Object.keys(bundle.sysctls));
  const kernel = parseReadings(await vm.run("bash -s", { stdin: readingScript(units, zram, sysctls) }));
  return bundles
    .flatMap((bundle) => rowsOf(bundle, kernel))
    .sort((a, b) => rank(a.subject) - rank(b.subject));
}

/** Swap and sysctls first, then the services, then the slices around them. */
const rank = (subject: string): number =>
  [".service", ".scope", ".slice"].findIndex((end) => subject.endsWith(end));

/** The rows as a table for the terminal, sizes readable. */
export function renderEnforcement(rows: readonly EnforcementRow[]): string {
  const cells = rows.map(({ subject, property, declared, kernel, verdict }) => [
    subject,
    property,
    readableToken(isSize(property) ? formatBytes(declared) : declared),
    isSize(property) ? formatBytes(kernel) : kernel,
    verdict,
  ]);
  return renderTable(["unit", "property", "declared", "kernel", "verdict"], cells);
}

/** What the host resolves, in words: see "Tokens" in docs/bundle.md. */
function readableToken(declared: string): string {
  return declared
    .replace(
      /@\{memory-less:(\d+):(\d+%)\}/,
      (_, bytes: string, percent: string) => `RAM less ${formatBytes(bytes)} or ${percent}`,
    )
    .replace(/@\{cores-except:(.+)\}/, "all but $1");
}

const isSize = (property: string): boolean => property === "size" || property.startsWith("Memory");

/** "subject TAB file TAB content" lines, newlines of the content as spaces. */
export function parseReadings(text: string): KernelReading {
  const readings = new Map<string, string>();
  for (const line of text.split("\n")) {
    // The content itself may hold tabs, as /proc/swaps does.
    const [subject, file, ...content] = line.split("\t");
    if (subject !== undefined && file !== undefined)
      readings.set(`${subject}\t${file}`, content.join(" ").trim());
  }
  return (subject, file) => readings.get(`${subject}\t${file}`);
}

/** The rows of one bundle. */
export function rowsOf(bundle: Bundle, kernel: KernelReading): EnforcementRow[] {
  const row = (subject: string, property: string, declared: string, found = "nothing"): EnforcementRow => ({
    subject,
    property,
    declared,
    kernel: found,
    verdict: declared === found ? "ok" : "DIFFERS",
  });
  const rows: EnforcementRow[] = [];
  for (const [device, { size, algorithm, priority }] of Object.entries(bundle.zram)) {
    rows.push(row(device, "size", size, kernel(device, "disksize")));
    rows.push(
      row(device, "algorithm", algorithm, /\[(.+)\]/.exec(kernel(device, "comp_algorithm") ?? "")?.[1]),
    );
    rows.push(row(device, "priority", priority, swapLine(kernel, `/dev/${device}`)?.priority));
  }
  for (const [path, { size, priority }] of Object.entries(bundle.swapFiles)) {
    rows.push(row(path, "size", size, swapLine(kernel, path)?.size));
    rows.push(row(path, "priority", priority, swapLine(kernel, path)?.priority));
  }
  for (const [key, value] of Object.entries(bundle.sysctls))
    rows.push(row(key, "sysctl", value, kernel(key, "sysctl")));
  for (const [unit, limits] of Object.entries(bundle.limits)) {
    for (const [property, declared] of Object.entries(limits))
      rows.push(limitRow(unit, property, declared, kernel));
  }
  return rows;
}

/** The line of /proc/swaps for a device or file: "NAME TYPE SIZE USED PRIORITY", in KiB without the header page. */
function swapLine(kernel: KernelReading, name: string): { size: string; priority: string } | undefined {
  const words = (kernel("swaps", "proc") ?? "").split(/\s+/);
  const at = words.indexOf(name);
  if (at < 0) return undefined;
  return { size: `${(Number(words[at + 2]) + 4) * 1024}`, priority: words[at + 4] ?? "" };
}

/** Builtins only: in the emulated guest a process costs 50 ms. The names come from bundles we rendered. */
function readingScript(
  units: readonly string[],
  zram: readonly string[],
  sysctls: readonly string[],
): string {
  return `
newline=$'\\n'
say() { local text; text=$(<"$3") 2>/dev/null && printf '%s\\t%s\\t%s\\n' "$1" "$2" "\${text//$newline/ }"; }
say swaps proc /proc/swaps
for device in ${zram.join(" ")}; do
  for file in disksize comp_algorithm; do say "$device" "$file" "/sys/block/$device/$file"; done
done
for key in ${sysctls.join(" ")}; do say "$key" sysctl "/proc/sys/\${key//.//}"; done
for unit in ${units.join(" ")}; do
  group=/sys/fs/cgroup$(systemctl show -p ControlGroup --value "$unit")
  [ "$group" != /sys/fs/cgroup ] || continue
  above=\${group%/*}
  printf '%s\\tslice\\t%s\\n' "$unit" "\${above##*/}"
  for file in "$group"/{memory,cpu,cpuset,io,pids}.*; do
    [ -r "$file" ] && case $file in *.stat|*.pressure|*.numa_stat) ;; *) say "$unit" "\${file##*/}" "$file" ;; esac
  done
  read -r pid <"$group/cgroup.procs" || continue
  say "$unit" oom_score_adj "/proc/$pid/oom_score_adj"
  while read -r name value; do
    [ "$name" != Cpus_allowed_list: ] || printf '%s\\taffinity\\t%s\\n' "$unit" "$value"
  done <"/proc/$pid/status"
done
exit 0
`;
}
