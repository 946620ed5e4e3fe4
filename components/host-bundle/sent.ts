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
  /** Whose it is; empty: nobody's. */
  readonly owner: string;
  /** Neither the text nor its digest, from which a short text could be guessed, is to be shown. */
  readonly secret: boolean;
}

export function sentBundle(bundle: Bundle, owner?: string): SentBundle {
  const text = renderBundle(bundle, managerProgram().version, owner);
  return {
    name: bundle.name,
    owner: owner ?? "",
    secret: bundle.secret ?? false,
    text,
    digest: createHash("sha256").update(text).digest("hex"),
  };
}
