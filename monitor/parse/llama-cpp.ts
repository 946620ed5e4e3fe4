import { parseObject } from "./documents";
import { countOf, labelOf, type LoadedModel, MOST_MODELS, partOf } from "./model";
import { ParseError } from "./text";

/** What llama-server's `/props` tells (tools/server/README.md of ggml-org/llama.cpp). */
export interface LlamaCppProps {
  /** router: it loads models on demand, each in a server of its own, and answers for none of them itself. */
  readonly role: "server" | "router";
  /** Whether its model is unloaded until somebody asks for it; undefined before it knew sleep (December 2025). */
  readonly sleeping: boolean | undefined;
  /** Requests that it works on at once. */
  readonly slots: number | undefined;
  readonly model: LoadedModel | undefined;
  /** Whether it would answer at /metrics and /slots; undefined where it does not say. */
  readonly hasMetrics: boolean | undefined;
  readonly hasSlots: boolean | undefined;
}

export function parseProps(text: string): LlamaCppProps {
  const props = parseObject(text, "llama-server's /props");
  const { n_ctx: context } = partOf(props.default_generation_settings);
  const path = labelOf(props.model_path);
  const name = labelOf(props.model_alias) ?? path?.slice(path.lastIndexOf("/") + 1);
  const role = props.role === "router" ? "router" : "server";
  const isKnown = role === "server" && name !== undefined;
  return {
    role,
    sleeping: flagOf(props.is_sleeping),
    slots: countOf(props.total_slots),
    model: isKnown ? modelOf(name, context, props.model_ftype) : undefined,
    hasMetrics: flagOf(props.endpoint_metrics),
    hasSlots: flagOf(props.endpoint_slots),
  };
}

/** The models that a router has loaded: its `/models`. */
export function parseRouterModels(text: string): LoadedModel[] {
  const { data } = parseObject(text, "llama-server's /models");
  if (!Array.isArray(data)) throw new ParseError("llama-server's /models has no list of models");
  const loaded = data.map(partOf).filter(({ status }) => partOf(status).value === "loaded");
  if (loaded.length > MOST_MODELS)
    throw new ParseError(`llama-server's /models has ${loaded.length} loaded, of at most ${MOST_MODELS}`);
  return loaded.map(({ id, meta }) => {
    const name = labelOf(id);
    if (name === undefined) throw new ParseError("llama-server's /models has a model without id");
    const { n_ctx: context, ftype } = partOf(meta);
    return modelOf(name, context, ftype);
  });
}

export interface LlamaCppSlots {
  readonly total: number;
  readonly busy: number;
}

/** `/slots`: only counted, as each holds all parameters of its request, and of old builds the prompt itself. */
export function parseSlots(text: string): LlamaCppSlots {
  let slots: unknown;
  try {
    slots = JSON.parse(text);
  } catch {
    throw new ParseError("llama-server's /slots is no JSON");
  }
  if (!Array.isArray(slots)) throw new ParseError("llama-server's /slots is no list");
  const states = slots.map((slot: unknown) => partOf(slot).is_processing);
  if (states.some((state) => typeof state !== "boolean"))
    throw new ParseError("llama-server's /slots has a slot that does not say whether it is processing");
  return { total: states.length, busy: states.filter((state) => state === true).length };
}

/** What `/metrics` counts, since the server started or its model woke up. */
export interface LlamaCppMetrics {
  /** Without those that its cache had. */
  readonly promptTokens: number | undefined;
  readonly cachedPromptTokens: number | undefined;
  readonly promptSeconds: number | undefined;
  readonly predictedTokens: number | undefined;
  readonly predictedSeconds: number | undefined;
  /** Requests that are worked on now. */
  readonly requestsProcessing: number | undefined;
  /** Requests that wait for a slot. */
  readonly requestsDeferred: number | undefined;
  /** Part of the context's cells in use; builds of 2025 and later do not tell it. */
  readonly kvCacheRatio: number | undefined;
}

/** `/metrics`, in Prometheus' text format, without labels. */
export function parseMetrics(text: string): LlamaCppMetrics {
  const values = new Map<string, number | undefined>();
  for (const [, name = "", value] of text.matchAll(/^llamacpp:(\w+) (\S+)$/gm))
    values.set(name, countOf(Number(value)));
  if (values.size === 0) throw new ParseError("llama-server's /metrics has none of its metrics");
  const ratio = values.get("kv_cache_usage_ratio");
  return {
    promptTokens: values.get("prompt_tokens_total"),
    cachedPromptTokens: values.get("prompt_tokens_cached_total"),
    promptSeconds: values.get("prompt_seconds_total"),
    predictedTokens: values.get("tokens_predicted_total"),
    predictedSeconds: values.get("tokens_predicted_seconds_total"),
    requestsProcessing: values.get("requests_processing"),
    requestsDeferred: values.get("requests_deferred"),
    kvCacheRatio: ratio !== undefined && ratio <= 1 ? ratio : undefined,
  };
}

function modelOf(name: string, context: unknown, ftype: unknown): LoadedModel {
  const contextTokens = countOf(context);
  return {
    name,
    memoryBytes: undefined,
    vramBytes: undefined,
    contextTokens: contextTokens === 0 ? undefined : contextTokens,
    quantization: labelOf(ftype),
    parameters: undefined,
    expiresAtSeconds: undefined,
  };
}

function flagOf(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
