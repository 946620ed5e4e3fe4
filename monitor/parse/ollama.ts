import { parseObject } from "./documents";
import { countOf, labelOf, type LoadedModel, MOST_MODELS, partOf } from "./model";
import { ParseError } from "./text";

/** 2200: a model that is to stay (`keep_alive` below 0) expires some 292 years ahead, the longest time that Go knows. */
const NEVER_SECONDS = 7_258_118_400;

/** The answer of Ollama's `/api/ps` (docs.ollama.com/api/ps). */
export function parseLoadedModels(text: string): LoadedModel[] {
  const { models } = parseObject(text, "Ollama's /api/ps");
  if (!Array.isArray(models)) throw new ParseError("Ollama's /api/ps has no list of models");
  if (models.length > MOST_MODELS)
    throw new ParseError(`Ollama's /api/ps has ${models.length} models, of at most ${MOST_MODELS}`);
  return models.map((entry: unknown) => {
    const { name, size, size_vram: vram, context_length: context, details, expires_at: end } = partOf(entry);
    const model = labelOf(name);
    const memoryBytes = countOf(size);
    if (model === undefined || memoryBytes === undefined)
      throw new ParseError("Ollama's /api/ps has a model without name or size");
    const { quantization_level: quantization, parameter_size: parameters } = partOf(details);
    return {
      name: model,
      memoryBytes,
      // A model in RAM alone has no such key (before 0.1.39), or 0.
      vramBytes: countOf(vram) ?? 0,
      contextTokens: countOf(context),
      quantization: labelOf(quantization),
      parameters: labelOf(parameters),
      expiresAtSeconds: secondsOf(end),
    };
  });
}

/** Of RFC 3339. Undefined for a time that is none, or that nobody lives to see; while a model loads it is 1970. */
function secondsOf(value: unknown): number | undefined {
  const seconds = typeof value === "string" ? Date.parse(value) / 1000 : NaN;
  return seconds > 0 && seconds < NEVER_SECONDS ? Math.floor(seconds) : undefined;
}
