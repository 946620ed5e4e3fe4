import * as units from "@grafana/grafana-foundation-sdk/units";
import * as missing from "../shared/missing";
import { lines, table, timeline } from "../shared/panels";
import { line, rows, SERVICES } from "../shared/query";
import { SLEEPS } from "../shared/states";
import { joined } from "../shared/tables";
import { TOKENS_PER_SECOND } from "../shared/units";

const S = `{${SERVICES}}`;
const each = (expr: string) => rows(`max by (service, model) (${expr})`);

export const MODELS = [
  joined(
    table(
      {
        title: "Loaded models",
        description:
          "What the engines have in memory now. Less VRAM than memory: part of the model runs on the CPU, and slowly.",
        unit: units.Short,
        missing: missing.NO_MODEL,
        width: 24,
        height: 6,
      },
      rows(`max by (service, model, parameters, quantization) (airm_service_model_info${S})`),
      each(`airm_service_model_memory_bytes${S}`),
      each(`airm_service_model_vram_bytes${S}`),
      each(`airm_service_model_context_tokens${S}`),
      each(`airm_service_model_expiry_timestamp_seconds${S} - time()`),
    ),
    { service: "Service", model: "Model", parameters: "Parameters", quantization: "Quantization" },
    [
      undefined,
      { name: "Memory", unit: units.BytesIEC },
      { name: "VRAM", unit: units.BytesIEC },
      { name: "Context, tokens", unit: units.NoUnit, decimals: 0 },
      { name: "Unloaded in", unit: units.Seconds, decimals: 0 },
    ],
  ),
];

export const TOKENS = [
  lines(
    {
      title: "Tokens",
      description:
        "What it did: tokens of prompts that were processed, and generated ones, over all of the time.",
      unit: TOKENS_PER_SECOND,
      missing: missing.NO_LLAMA_CPP,
      width: 8,
    },
    line(`airm:service_prompt_tokens:per_second${S}`, "{{service}} prompts"),
    line(`airm:service_predicted_tokens:per_second${S}`, "{{service}} generated"),
  ),
  lines(
    {
      title: "Speed of a request",
      description:
        "Tokens per second of work on a request. Falling at the same load: it is throttled, waits for memory, or its context has grown.",
      unit: TOKENS_PER_SECOND,
      missing: missing.NO_LLAMA_CPP,
      width: 8,
    },
    line(`airm:service_prompt_tokens:per_busy_second${S}`, "{{service}} prompts"),
    line(`airm:service_predicted_tokens:per_busy_second${S}`, "{{service}} generating"),
  ),
  lines(
    {
      title: "Prompts out of the cache",
      description:
        "Part of the prompts' tokens that need not be processed again. Little of it in long conversations: the cache is too small.",
      unit: units.PercentUnit,
      missing: missing.NO_LLAMA_CPP,
      width: 8,
    },
    line(`airm:service_prompt_tokens_cached:ratio${S}`, "{{service}}"),
  ).max(1),
  lines(
    {
      title: "Slots",
      description: "Requests that it works on, and how many it can at once.",
      unit: units.Short,
      missing: missing.NO_LLAMA_CPP,
      width: 6,
    },
    line(`airm_service_slots_busy${S}`, "{{service}} busy"),
    line(`airm_service_slots${S}`, "{{service}} total"),
  ),
  lines(
    {
      title: "Queue",
      description: "Requests that wait for a slot. Steadily above nothing: more come than it can do.",
      unit: units.Short,
      missing: missing.NO_LLAMA_CPP,
      width: 6,
    },
    line(`airm_service_requests_deferred${S}`, "{{service}} wait"),
    line(`airm_service_requests_processing${S}`, "{{service}} under way"),
  ),
  lines(
    {
      title: "Context in use",
      description:
        "Part of the context's cells. Full, requests are refused or cut. Builds of llama-server since 2025 do not tell it.",
      unit: units.PercentUnit,
      missing: missing.NO_LLAMA_CPP,
      width: 6,
    },
    line(`airm_service_kv_cache_used_ratio${S}`, "{{service}}"),
  ).max(1),
  timeline(
    {
      title: "Sleep",
      description: "A model that sleeps is unloaded, and the first request waits until it is back.",
      unit: units.Short,
      missing: missing.NO_LLAMA_CPP,
      width: 6,
    },
    line(`airm_service_sleeping${S}`, "{{service}}"),
  ).mappings(SLEEPS),
];
