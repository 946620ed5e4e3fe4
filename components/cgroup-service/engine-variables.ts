import { Size } from "../render/size";
import type { Derived } from "./environment";
import { mayUseGpu } from "./gpu";
import type { SettledWorkload } from "./workload";

/** Of memory.max, for what llama-server keeps of earlier prompts: the rest is for weights, context and buffers. */
const PROMPT_CACHE_SHARE = 8;
/** llama-server's default for --cache-ram, in MiB (ggml-org/llama.cpp#16391). */
const PROMPT_CACHE_DEFAULT = 8192;

/** What a model of 7 to 8 billion weights takes, four bits each, with its context, its buffers and its prompt cache. */
const MODEL_SIZE = Size.parse("8GiB");
/** Ollama's own number of loaded models, for the CPU and for each GPU (server/sched.go). */
const MODELS_DEFAULT = 3;

/** Ollama's own context without a GPU, in tokens, since 0.6.7 (server/routes.go). */
const CONTEXT_DEFAULT = 4096;
/** Below it that context alone, 512 MiB at the 128 KiB a token of such a model, is more than an eighth. */
const CONTEXT_FULL_FROM = Size.parse("4GiB");

/**
 * The variables that keep an engine inside memory.max, none of which it derives from the limit by itself. None is above the
 * engine's own default: a limit never makes a workload take more than it would without one. And what lets the monitor see what a
 * llama-server does, which takes effect as they do: when it starts the next time.
 */
export function engineVariables(workload: SettledWorkload): Record<string, Derived> {
  if (workload.engine === "llama.cpp") return { ...promptCache(workload, 1), ...metrics(workload) };
  if (workload.engine === "none") return {};
  // Models on a GPU are in its memory, of which Ollama derives both by itself.
  const onCpu = mayUseGpu(workload) ? {} : { ...contextLength(workload), ...maxLoadedModels(workload) };
  return { ...onCpu, ...promptCache(workload, modelsOf(workload)) };
}

/** Without it /metrics is refused. Its option does the same, and needs no variable. */
function metrics(workload: SettledWorkload): Record<string, Derived> {
  if (workload.api === "none" || isArgument(workload, ["--metrics"])) return {};
  return { LLAMA_ARG_ENDPOINT_METRICS: { value: "1", rule: "lets the monitor count tokens and requests" } };
}

/** Ollama starts a llama-server for each model (since 0.30), which has its environment, and a cache of its own. */
function promptCache(workload: SettledWorkload, models: number): Record<string, Derived> {
  const { max } = workload.memory;
  // An argument of llama-server's wins over the variable.
  if (isArgument(workload, ["--cache-ram", "-cram"])) return {};
  const mebibytes = Math.floor(max.mebibytes / PROMPT_CACHE_SHARE / models);
  const rule =
    models === 1
      ? `MiB of its prompt cache: an eighth of memory.max (${max}), at most its default of ${PROMPT_CACHE_DEFAULT}`
      : `MiB of the prompt cache of each of ${models} models: together an eighth of memory.max (${max}), each at most its default of ${PROMPT_CACHE_DEFAULT}`;
  return { LLAMA_ARG_CACHE_RAM: { value: String(Math.min(mebibytes, PROMPT_CACHE_DEFAULT)), rule } };
}

/** For the CPU Ollama loads as many as this without a look at how much memory is left (since 0.30). */
function maxLoadedModels({ memory: { max } }: SettledWorkload): Record<string, Derived> {
  const rule = `one for each whole ${MODEL_SIZE} of memory.max (${max}), at least 1, at most its default of ${MODELS_DEFAULT}`;
  return { OLLAMA_MAX_LOADED_MODELS: { value: String(modelsThatFit(max)), rule } };
}

/** What a request asks for (num_ctx) goes before it. */
function contextLength({ memory: { max }, environment }: SettledWorkload): Record<string, Derived> {
  const parallel = countIn(environment["OLLAMA_NUM_PARALLEL"]) ?? 1;
  const isFull = max.bytes / parallel >= CONTEXT_FULL_FROM.bytes;
  const each = parallel === 1 ? "" : ` for each of ${parallel} parallel requests`;
  const rule = `tokens: its default of ${CONTEXT_DEFAULT}, half of that below ${CONTEXT_FULL_FROM} of memory.max (${max})${each}`;
  return {
    OLLAMA_CONTEXT_LENGTH: { value: String(isFull ? CONTEXT_DEFAULT : CONTEXT_DEFAULT / 2), rule },
  };
}

function modelsThatFit(max: Size): number {
  return Math.min(MODELS_DEFAULT, Math.max(1, Math.floor(max.bytes / MODEL_SIZE.bytes)));
}

/** How many models Ollama may have loaded at once. */
function modelsOf(workload: SettledWorkload): number {
  const { environment, gpu, memory } = workload;
  const given = environment["OLLAMA_MAX_LOADED_MODELS"];
  // 0 and what is no number leave it to Ollama.
  if (given !== undefined || mayUseGpu(workload))
    return countIn(given) ?? MODELS_DEFAULT * (gpu?.devices.length ?? 1);
  return modelsThatFit(memory.max);
}

function countIn(text: string | undefined): number | undefined {
  return text !== undefined && /^0*[1-9][0-9]{0,3}$/.test(text) ? Number(text) : undefined;
}

function isArgument({ exec, command, entrypoint }: SettledWorkload, names: readonly string[]): boolean {
  const words = [...(exec?.start.split(/\s+/) ?? []), ...(entrypoint ?? []), ...(command ?? [])];
  return words.some((word) => names.includes(word));
}
