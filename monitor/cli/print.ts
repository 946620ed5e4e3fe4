import { join } from "node:path";
import { readText } from "../host/files";
import type { Roots } from "../host/roots";
import { COLLECTED_FILE, OUTPUT_FILES, type Outputs, parseCollected } from "../output/outputs";

/** Outputs older than this many intervals are stale. */
export const STALE_INTERVALS = 3;

const WHY = `To see why: docker ps -a --filter name=ai-resource-monitor; docker logs ai-resource-monitor`;

export type Printed =
  { readonly text: string; readonly unseen: readonly string[] } | { readonly stale: string };

/** What the collector last rendered, or why that cannot be relied on. */
export function readOutput(output: keyof Outputs, roots: Roots): Printed {
  const collected = parseCollected(readText(join(roots.run, COLLECTED_FILE)) ?? "");
  const text = readText(join(roots.run, OUTPUT_FILES[output]));
  if (collected === undefined || text === undefined) {
    return { stale: `nothing has been collected in ${roots.run} since boot.\n${WHY}` };
  }
  const uptimeSeconds = Math.floor(Number((readText(join(roots.procfs, "uptime")) ?? "").split(" ")[0]));
  const age = uptimeSeconds - collected.uptimeSeconds;
  const allowed = STALE_INTERVALS * collected.intervalSeconds;
  if (age >= 0 && age <= allowed) return { text, unseen: collected.unseen };
  const what = age < 0 ? "of an earlier boot" : `${age} s old (allowed: ${allowed} s)`;
  return { stale: `the last collection is ${what}.\n${WHY}` };
}
