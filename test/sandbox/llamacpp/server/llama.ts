import type { Addon, AddonContext, AddonModel } from "./addon";
import type { Options } from "./options";

export interface CompletionRequest {
  readonly prompt: string;
  /** The most tokens to answer with. */
  readonly maxTokens: number;
  /** 0: always the most likely token. */
  readonly temperature: number;
  readonly seed: number | undefined;
}

export interface Completion {
  readonly text: string;
  /** stop: the model ended it. length: maxTokens, or the end of the context. */
  readonly finishReason: "stop" | "length";
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A prompt that is longer than the context, which the client must shorten. */
export class PromptTooLong extends Error {}

/** Tokens that the engine computes at once; a longer prompt is computed in parts. */
const BATCH = 128;
/** The only sequence: like llama-server with one slot. */
const SEQUENCE = 0;

/** A model with its context, in memory: takes one request after the other. */
export class Llama {
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly addon: Addon,
    private readonly model: AddonModel,
    private readonly context: AddonContext,
  ) {}

  /** Loads the model, and takes the memory for the whole of its context, as llama.cpp does. */
  static async load(addon: Addon, options: Options): Promise<Llama> {
    const model = new addon.AddonModel(options.model, {
      addonExports: addon,
      gpuLayers: 0,
      useMmap: options.mmap,
    });
    if (!(await model.init())) throw new Error(`the engine could not load ${options.model}`);
    const contextSize = options.contextSize === 0 ? model.getTrainContextSize() : options.contextSize;
    const { threads } = options;
    const context = new addon.AddonContext(model, { contextSize, batchSize: BATCH, sequences: 1, threads });
    if (!(await context.init()))
      throw new Error(`the engine could not make a context of ${contextSize} tokens`);
    return new Llama(addon, model, context);
  }

  get contextSize(): number {
    return this.context.getContextSize();
  }

  /** Completes a prompt, when those before it are done. */
  complete(request: CompletionRequest, signal: AbortSignal): Promise<Completion> {
    const turn = this.last.then(() => this.completeNow(request, signal));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async completeNow(
    { prompt, maxTokens, temperature, seed }: CompletionRequest,
    signal: AbortSignal,
  ): Promise<Completion> {
    const tokens = this.tokenize(prompt);
    const room = this.contextSize - tokens.length;
    if (room < 1)
      throw new PromptTooLong(`the prompt has ${tokens.length} tokens, the context ${this.contextSize}`);
    const sampler = new this.addon.AddonSampler(this.model);
    sampler.applyConfig({ temperature, ...(seed === undefined ? {} : { seed }) });
    try {
      this.context.disposeSequence(SEQUENCE);
      const answer: number[] = [];
      let logits = await this.decode(tokens, 0);
      let finishReason: Completion["finishReason"] = "length";
      for (;;) {
        signal.throwIfAborted();
        const token = await this.context.sampleToken(logits, sampler);
        if (token < 0 || this.model.isEogToken(token)) {
          finishReason = "stop";
          break;
        }
        answer.push(token);
        if (answer.length >= Math.min(maxTokens, room)) break;
        logits = await this.decode(Uint32Array.of(token), tokens.length + answer.length - 1);
      }
      return {
        text: this.model.detokenize(Uint32Array.from(answer)),
        finishReason,
        promptTokens: tokens.length,
        completionTokens: answer.length,
      };
    } finally {
      sampler.dispose();
    }
  }

  private tokenize(prompt: string): Uint32Array {
    const tokens = this.model.tokenize(prompt, false);
    return this.model.shouldPrependBosToken() ? Uint32Array.of(this.model.tokenBos(), ...tokens) : tokens;
  }

  /** Computes tokens that stand at a position. @returns where the logits of the last one are */
  private async decode(tokens: Uint32Array, position: number): Promise<number> {
    let logits: number | undefined;
    for (let at = 0; at < tokens.length; at += BATCH) {
      const part = tokens.subarray(at, at + BATCH);
      const isLast = at + BATCH >= tokens.length;
      this.context.initBatch(part.length);
      [logits] = this.context.addToBatch(
        SEQUENCE,
        position + at,
        part,
        isLast ? Uint32Array.of(part.length - 1) : new Uint32Array(),
      );
      await this.context.decodeBatch();
    }
    if (logits === undefined) throw new Error("there are no tokens to compute");
    return logits;
  }
}
