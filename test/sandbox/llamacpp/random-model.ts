import { type Metadata, type Tensor, ggufBytes, writeGguf } from "./gguf";

/*
 * A model of llama's architecture with random weights: it says nothing, and everything in the engine works as with one
 * that does. Its vocabulary is single characters, and bytes for what is none of them.
 */

export interface RandomModel {
  /** The file's size; it comes out at most 32 KiB below. At least 4. */
  readonly sizeMiB: number;
  /** The same seed and size give the same bytes. */
  readonly seed: number;
}

const LAYERS = 4;
const HEADS = 8;
/** Much wider than a small model needs, so that a long context is large where the model is not. */
const HEAD_LENGTH = 256;
const KV_LENGTH = HEADS * HEAD_LENGTH;
/** Of the model's training, and so the longest without scaling. */
const CONTEXT_LENGTH = 131072;
const FLOAT16_BYTES = 2;

/** What the engine's KV cache takes for a token of context: keys and values of all layers, in its default type (F16). */
export const KV_BYTES_PER_TOKEN = 2 * LAYERS * KV_LENGTH * FLOAT16_BYTES;

/** The numbers of `tokenizer.ggml.token_type`. */
const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
type Token = readonly [text: string, type: keyof typeof TOKEN_TYPES];

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
/** SentencePiece writes a space as U+2581. */
const CHARACTERS = ["\u2581", ...Array.from({ length: 94 }, (_, at) => String.fromCharCode(0x21 + at))];
const VOCABULARY: readonly Token[] = [
  ["<unk>", "unknown"],
  ["<s>", "control"],
  ["</s>", "control"],
  ...BYTES.map((byte): Token => [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, "byte"]),
  ...CHARACTERS.map((character): Token => [character, "normal"]),
];

/** Writes the model; a gigabyte takes seconds. */
export function writeRandomModel(path: string, model: RandomModel): void {
  writeGguf(path, ...randomModel(model));
}

/** What is in the file. */
export function randomModel({ sizeMiB, seed }: RandomModel): [Metadata, Tensor[]] {
  const bytes = sizeMiB * 1024 ** 2;
  const width = widthFor(bytes);
  // Each unit of the feed-forward layers is as much; what the width leaves over goes into them.
  const fixed = ggufBytes(metadata(width, 0), tensors(width, 0, seed));
  const perUnit = 3 * LAYERS * width * FLOAT16_BYTES;
  const feedForward = Math.floor((bytes - fixed) / perUnit);
  if (feedForward < 1) throw new RangeError(`a model of ${sizeMiB} MiB: the least is 4`);
  return [metadata(width, feedForward), tensors(width, feedForward, seed)];
}

/**
 * The width at which feed-forward layers of about four times it fill the size, as they do in llama: the positive root of
 * a quadratic equation, in steps of 32.
 */
function widthFor(bytes: number): number {
  const square = 3 * 4 * LAYERS * FLOAT16_BYTES;
  const linear = 4 * KV_LENGTH * LAYERS * FLOAT16_BYTES;
  const root = (-linear + Math.sqrt(linear ** 2 + 4 * square * bytes)) / (2 * square);
  return Math.max(32, Math.floor(root / 32) * 32);
}

function metadata(width: number, feedForward: number): Metadata {
  const count = (value: number) => ({ type: "uint32", value }) as const;
  const llama = (key: string, value: number) => [`llama.${key}`, count(value)] as const;
  return {
    "general.architecture": { type: "string", value: "llama" },
    "general.name": { type: "string", value: "random weights" },
    ...Object.fromEntries([
      llama("context_length", CONTEXT_LENGTH),
      llama("embedding_length", width),
      llama("block_count", LAYERS),
      llama("feed_forward_length", feedForward),
      llama("rope.dimension_count", HEAD_LENGTH),
      llama("attention.head_count", HEADS),
      llama("attention.head_count_kv", HEADS),
      llama("attention.key_length", HEAD_LENGTH),
      llama("attention.value_length", HEAD_LENGTH),
    ]),
    "llama.attention.layer_norm_rms_epsilon": { type: "float32", value: 1e-5 },
    "tokenizer.ggml.model": { type: "string", value: "llama" },
    "tokenizer.ggml.tokens": { type: "array", of: "string", values: VOCABULARY.map(([text]) => text) },
    "tokenizer.ggml.scores": { type: "array", of: "float32", values: VOCABULARY.map(() => 0) },
    "tokenizer.ggml.token_type": {
      type: "array",
      of: "int32",
      values: VOCABULARY.map(([, type]) => TOKEN_TYPES[type]),
    },
    "tokenizer.ggml.unknown_token_id": count(0),
    "tokenizer.ggml.bos_token_id": count(1),
    "tokenizer.ggml.eos_token_id": count(2),
  };
}

function tensors(width: number, feedForward: number, seed: number): Tensor[] {
  const random = randomFloat16(seed);
  const matrix = (name: string, row: number, rows: number, fill = random): Tensor => ({
    name: `${name}.weight`,
    type: "F16",
    dimensions: [row, rows],
    fill,
  });
  const norm = (name: string): Tensor => ({
    name: `${name}.weight`,
    type: "F32",
    dimensions: [width],
    fill: ones,
  });
  return [
    matrix("token_embd", width, VOCABULARY.length),
    norm("output_norm"),
    // Only the rows of characters have weights: what it says can be printed, and it ends where it is told to.
    matrix("output", width, VOCABULARY.length, (data) => {
      random(data.subarray(-CHARACTERS.length * width * FLOAT16_BYTES));
    }),
    ...Array.from({ length: LAYERS }, (_, layer) => `blk.${layer}`).flatMap((block) => [
      norm(`${block}.attn_norm`),
      matrix(`${block}.attn_q`, width, KV_LENGTH),
      matrix(`${block}.attn_k`, width, KV_LENGTH),
      matrix(`${block}.attn_v`, width, KV_LENGTH),
      matrix(`${block}.attn_output`, KV_LENGTH, width),
      norm(`${block}.ffn_norm`),
      matrix(`${block}.ffn_gate`, width, feedForward),
      matrix(`${block}.ffn_down`, feedForward, width),
      matrix(`${block}.ffn_up`, width, feedForward),
    ]),
  ];
}

function ones(data: Buffer): void {
  for (let at = 0; at < data.byteLength; at += 4) data.writeFloatLE(1, at);
}

/** Fills with numbers of 2^-6 to 2^-5, of either sign: a random sign and mantissa beside a fixed exponent. */
function randomFloat16(seed: number): (data: Buffer) => void {
  const next = xorshift32(seed);
  return (data) => {
    // Two at a time: a tensor has a multiple of 32, for the width is one.
    const pairs = new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    for (let at = 0; at < pairs.length; at++) pairs[at] = (next() & 0x83ff83ff) | 0x24002400;
  };
}

/** Marsaglia's generator ("Xorshift RNGs", 2003): 32 bits at a time, quickly, and never 0. */
function xorshift32(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
