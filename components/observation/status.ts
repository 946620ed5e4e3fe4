import { z } from "zod";

/** One difference between what is declared and what the host shows. */
const Finding = z.object({
  unit: z.string(),
  property: z.string(),
  declared: z.string(),
  file: z.string(),
  kernel: z.string(),
  reason: z.string(),
});
export type Finding = z.output<typeof Finding>;

/** One declared limit and what the kernel makes of it. */
const Limit = z.object({
  unit: z.string(),
  property: z.string(),
  declared: z.string(),
  kernel: z.string(),
  /** enforced, inert or unsupported; a newer manager may know more. */
  verdict: z.string(),
  reason: z.string(),
});
export type LimitVerdict = z.output<typeof Limit>;

const BundleStatus = z.object({
  name: z.string(),
  /** SHA-256 of the bundle's text. */
  digest: z.string(),
  /** How often it was applied. */
  generation: z.number(),
  /** Whose it is; nobody's when a manager before 1.1, or a program before it, has applied it. */
  owner: z.string().default(""),
  /** Its last change goes back by itself unless it is confirmed. */
  unconfirmed: z.boolean().default(false),
  /** When its last change went back because nobody confirmed it. */
  reverted: z.string().optional(),
  findings: z.array(Finding),
  limits: z.array(Limit),
});
export type BundleStatus = z.output<typeof BundleStatus>;

/** What `ai-resource-manager status --json` prints. Keys of newer managers are ignored. */
const HostStatus = z.object({
  version: z.string(),
  /** An apply or a removal runs: what is read meanwhile is no drift and no proof of its absence. */
  busy: z.boolean(),
  /** Of this boot of the host: its boot_id. */
  boot: z.string().default(""),
  bundles: z.array(BundleStatus),
});
export type HostStatus = z.output<typeof HostStatus>;

const NoManager = z.object({ absent: z.literal(true), boot: z.string() });

/** What the observer's command prints: a status, or that there is no manager. */
export type Answer = HostStatus | z.output<typeof NoManager>;

/**
 * What a login shell's start-up files printed before the answer. Programs that speak a protocol over SSH, as docker's client
 * does, take it for their partner's word.
 */
export function preambleOf(printed: string): string {
  return printed.slice(0, `\n${printed}`.lastIndexOf("\n{"));
}

/**
 * Reads what the observer's command printed. What a login shell's start-up files print comes before it.
 * @throws Error that says what was printed instead
 */
export function parseAnswer(printed: string): Answer {
  const line = printed.split("\n").findLast((text) => text.startsWith("{"));
  try {
    return z.union([HostStatus, NoManager]).parse(JSON.parse(line ?? ""));
  } catch {
    throw new Error(`no status, but ${JSON.stringify(printed.slice(-300))}`);
  }
}
