import type { LlamaCppMetrics } from "../../parse/llama-cpp";
import type { LoadedModel } from "../../parse/model";
import type { LlamaCppSample } from "../../report/snapshot";
import { each, type Family, labelled, type Labels, type Sample } from "./family";

const model = (
  name: string,
  help: string,
  value: (model: LoadedModel) => number | undefined,
  more: (model: LoadedModel) => Labels = () => ({}),
) =>
  labelled("gauge", `service_model_${name}`, help, ({ usage }) =>
    (usage.services ?? []).flatMap(({ sample }) =>
      (sample.models ?? []).map((loaded): Sample => [
        { service: sample.name, model: loaded.name, ...more(loaded) },
        value(loaded),
      ]),
    ),
  );

const llamaCpp = (name: string, help: string, value: (server: LlamaCppSample) => number | undefined) =>
  each("gauge", name, help, ({ sample }) => sample.llamaCpp && value(sample.llamaCpp));

const counted = (name: string, help: string, key: keyof LlamaCppMetrics) =>
  each("counter", `${name}_total`, help, ({ sample }) => sample.llamaCpp?.metrics?.[key]);

/** What runs in the services: Ollama's models, and what llama-servers tell. */
export const ENGINE_FAMILIES: readonly Family[] = [
  model(
    "info",
    "A loaded model.",
    () => 1,
    ({ quantization = "", parameters = "" }) => ({
      quantization,
      parameters,
    }),
  ),
  model("memory_bytes", "All memory of a loaded model.", ({ memoryBytes }) => memoryBytes),
  model("vram_bytes", "VRAM of a loaded model.", ({ vramBytes }) => vramBytes),
  model("context_tokens", "Tokens that one request to it may take.", ({ contextTokens }) => contextTokens),
  model(
    "expiry_timestamp_seconds",
    "When its engine unloads it, in seconds since 1970; absent where it stays.",
    ({ expiresAtSeconds }) => expiresAtSeconds,
  ),
  llamaCpp("sleeping", "1 while its model is unloaded until somebody asks for it.", ({ sleeping }) =>
    sleeping === undefined ? undefined : Number(sleeping),
  ),
  llamaCpp("slots", "Requests that it works on at once.", ({ slots }) => slots),
  llamaCpp("slots_busy", "Slots that work on a request.", ({ busySlots }) => busySlots),
  llamaCpp("requests_processing", "Requests that it works on.", ({ metrics }) => metrics?.requestsProcessing),
  llamaCpp("requests_deferred", "Requests that wait for a slot.", ({ metrics }) => metrics?.requestsDeferred),
  llamaCpp(
    "kv_cache_used_ratio",
    "Used part of its context's cells.",
    ({ metrics }) => metrics?.kvCacheRatio,
  ),
  counted(
    "prompt_tokens",
    "Tokens of prompts that it processed, without those that its cache had.",
    "promptTokens",
  ),
  counted("prompt_cached_tokens", "Tokens of prompts that its cache had.", "cachedPromptTokens"),
  counted("prompt_seconds", "Time that prompts took.", "promptSeconds"),
  counted("predicted_tokens", "Tokens that it generated.", "predictedTokens"),
  counted("predicted_seconds", "Time that generating took.", "predictedSeconds"),
  each(
    "gauge",
    "prompt_tokens_per_second",
    "Tokens of prompts per second, since it last told.",
    ({ tokens }) => tokens?.promptPerSecond,
  ),
  each(
    "gauge",
    "predicted_tokens_per_second",
    "Generated tokens per second, since it last told.",
    ({ tokens }) => tokens?.predictedPerSecond,
  ),
];
