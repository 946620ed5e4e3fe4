import { createHash } from "node:crypto";
import type { ContainerSpec } from "./spec";

/** Another one has to prove anew that it is well. */
export function containerRevision(image: string, spec: ContainerSpec): string {
  return createHash("sha256")
    .update(JSON.stringify([image, spec]))
    .digest("hex")
    .slice(0, 12);
}
