import { readRequired, readText } from "../host/files";
import type { Roots } from "../host/roots";
import { type Memory, parseArcReclaimable, parseMeminfo } from "../parse/memory";

export function collectMemory({ procfs }: Roots): Memory {
  const text = readRequired(`${procfs}/meminfo`);
  const arc = readText(`${procfs}/spl/kstat/zfs/arcstats`);
  return parseMeminfo(text, arc === undefined ? undefined : parseArcReclaimable(arc));
}
