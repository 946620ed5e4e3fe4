import { isObject } from "./documents";

/** A model that an engine has loaded. What the engine does not tell is undefined. */
export interface LoadedModel {
  readonly name: string;
  /** All memory that it takes, RAM and VRAM; Ollama tells it. */
  readonly memoryBytes: number | undefined;
  readonly vramBytes: number | undefined;
  /** Tokens that one request may take. */
  readonly contextTokens: number | undefined;
  /** As the engine calls it: Q4_K_M. */
  readonly quantization: string | undefined;
  /** How many weights it has, as the engine calls it: 4.3B. */
  readonly parameters: string | undefined;
  /** When the engine will unload it, in seconds since 1970; undefined where it stays. */
  readonly expiresAtSeconds: number | undefined;
}

/** More than any host has loaded: each is in the last two samples and in every output. */
export const MOST_MODELS = 64;
const MOST_TEXT = 256;

/** A text of an engine's that is short enough to be a label; undefined where it is none, or empty. */
export function labelOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= MOST_TEXT ? value : undefined;
}

/** A count or a size that can be; undefined where it cannot. */
export function countOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** A part of a document; an empty one where it is none. */
export function partOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}
