import { join } from "node:path";
import { readText } from "../host/files";
import type { Roots } from "../host/roots";

/** Names this boot of the kernel. */
export function readBootId({ procfs }: Roots): string | undefined {
  return readText(join(procfs, "sys/kernel/random/boot_id"))?.trim();
}
