import { createHash } from "node:crypto";
import { managerProgram } from "../manager/program";
import type { Bundle } from "./bundle";
import { renderBundle } from "./render";

/** A bundle as it goes to a host. */
export interface SentBundle {
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text, in hexadecimal: what the host remembers of it. */
  readonly digest: string;
}

export function sentBundle(bundle: Bundle): SentBundle {
  const text = renderBundle(bundle, managerProgram().version);
  return { name: bundle.name, text, digest: createHash("sha256").update(text).digest("hex") };
}
