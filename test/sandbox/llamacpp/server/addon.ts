import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * What is used here of the addon that node-llama-cpp drives llama.cpp with: a thin layer over llama.h. It is not the
 * public interface of that package, so it holds for the version that ../engine.ts pins.
 */
export interface Addon {
  readonly AddonModel: new (
    path: string,
    options: { addonExports: Addon; gpuLayers: number; useMmap: boolean },
  ) => AddonModel;
  readonly AddonContext: new (
    model: AddonModel,
    options: { contextSize: number; batchSize: number; sequences: number; threads: number },
  ) => AddonContext;
  readonly AddonSampler: new (model: AddonModel) => AddonSampler;
  /** Finds the variant for the processor among the libraries of a folder. */
  loadBackends(folder: string): void;
  init(): Promise<void>;
  /** What the loaded variant makes use of: "CPU : SSE3 = 1 | AVX = 1 | ...". */
  systemInfo(): string;
  /** @param logger is called from the event loop, some time after what it is told of */
  setLogger(logger: (level: number, text: string) => void): void;
  setLoggerLogLevel(level: number): void;
}

export interface AddonModel {
  /** Loads the file. False: it is no model that the engine can load; the log says why. */
  init(): Promise<boolean>;
  getTrainContextSize(): number;
  shouldPrependBosToken(): boolean;
  tokenBos(): number;
  isEogToken(token: number): boolean;
  /** @param special whether the names of control tokens are those tokens */
  tokenize(text: string, special: boolean): Uint32Array;
  detokenize(tokens: Uint32Array): string;
}

export interface AddonContext {
  /** Takes the memory, all of it. False: there was none; the log says so. */
  init(): Promise<boolean>;
  /** The engine rounds it up. */
  getContextSize(): number;
  initBatch(tokens: number): void;
  /** @returns for each of `logits`, indexes into `tokens`, where {@link sampleToken} finds its logits */
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logits: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(logits: number, sampler: AddonSampler): Promise<number>;
  /** Forgets what the sequence holds. */
  disposeSequence(sequence: number): void;
}

export interface AddonSampler {
  /** @param config temperature 0: always the most likely token */
  applyConfig(config: { temperature: number; seed?: number }): void;
  dispose(): void;
}

/** The addon's number for warnings; what is below it, errors, is told too. */
const WARNINGS = 3;

/** Loads the addon that lies in a folder together with the engine's libraries, and the engine with it. */
export async function loadAddon(folder: string, log: (text: string) => void): Promise<Addon> {
  const addon = createRequire(import.meta.url)(join(folder, "llama-addon.node")) as Addon;
  addon.setLoggerLogLevel(WARNINGS);
  addon.setLogger((_level, text) => {
    log(text);
  });
  addon.loadBackends(folder);
  await addon.init();
  return addon;
}
