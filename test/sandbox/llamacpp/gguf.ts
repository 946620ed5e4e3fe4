import { closeSync, openSync, writeSync } from "node:fs";

/*
 * Writes GGUF files, version 3, little-endian: the format of llama.cpp's models, as the public specification has it
 * (ggml-org/ggml, docs/gguf.md). Header, metadata, a table of the tensors, and then their data, each at a multiple of
 * the alignment.
 */

const VERSION = 3;
/** What readers assume where `general.alignment` is not given. */
const ALIGNMENT = 32;
/** The most bytes of a tensor's name. */
const NAME_BYTES = 64;

/** The numbers of the types of metadata that are written here. */
const VALUE_TYPES = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;

/** The numbers of the types of tensors that are written here, and the bytes of an element. */
const TENSOR_TYPES = { F32: { number: 0, bytes: 4 }, F16: { number: 1, bytes: 2 } } as const;

type Scalar =
  | { readonly type: "uint32" | "int32" | "float32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string };

type List =
  | { readonly type: "array"; readonly of: "int32" | "float32"; readonly values: readonly number[] }
  | { readonly type: "array"; readonly of: "string"; readonly values: readonly string[] };

/** By key: `general.architecture`, `llama.block_count`, ... */
export type Metadata = Readonly<Record<string, Scalar | List>>;

export interface Tensor {
  readonly name: string;
  readonly type: keyof typeof TENSOR_TYPES;
  /** The length of a row first, then the number of rows. */
  readonly dimensions: readonly number[];
  /** Fills the tensor's data, which is zero, in place; left out: it stays zero. */
  readonly fill?: (data: Buffer) => void;
}

/** Everything before the tensors' data, padded up to where the first one begins. */
export function ggufHeader(metadata: Metadata, tensors: readonly Tensor[]): Buffer {
  const entries = Object.entries(metadata);
  const parts = [
    Buffer.from("GGUF", "latin1"),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [text(key), ...typed(value)]),
  ];
  let offset = 0;
  for (const tensor of tensors) {
    parts.push(...described(tensor, offset));
    offset = aligned(offset + tensorBytes(tensor));
  }
  return padded(Buffer.concat(parts));
}

/** Writes a model; one tensor at a time is in memory. */
export function writeGguf(path: string, metadata: Metadata, tensors: readonly Tensor[]): void {
  const file = openSync(path, "w");
  try {
    writeWhole(file, ggufHeader(metadata, tensors));
    for (const tensor of tensors) {
      const bytes = tensorBytes(tensor);
      const data = Buffer.alloc(aligned(bytes));
      tensor.fill?.(data.subarray(0, bytes));
      writeWhole(file, data);
    }
  } finally {
    closeSync(file);
  }
}

/** The size of the file that {@link writeGguf} writes. */
export const ggufBytes = (metadata: Metadata, tensors: readonly Tensor[]): number =>
  tensors.reduce(
    (sum, tensor) => sum + aligned(tensorBytes(tensor)),
    ggufHeader(metadata, tensors).byteLength,
  );

const tensorBytes = ({ type, dimensions }: Tensor): number =>
  dimensions.reduce((product, length) => product * length, TENSOR_TYPES[type].bytes);

/** The tensor's line in the table; the offset counts from where the first tensor's data begins. */
function described({ name, type, dimensions }: Tensor, offset: number): Buffer[] {
  const encoded = text(name);
  if (encoded.byteLength - 8 > NAME_BYTES) throw new RangeError(`${name}: at most ${NAME_BYTES} bytes`);
  return [
    encoded,
    uint32(dimensions.length),
    ...dimensions.map(uint64),
    uint32(TENSOR_TYPES[type].number),
    uint64(offset),
  ];
}

function typed(value: Scalar | List): Buffer[] {
  const type = uint32(VALUE_TYPES[value.type]);
  if (value.type !== "array") return [type, scalar(value)];
  const elements =
    value.of === "string"
      ? value.values.map(text)
      : value.values.map((element) => scalar({ type: value.of, value: element }));
  return [type, uint32(VALUE_TYPES[value.of]), uint64(value.values.length), ...elements];
}

function scalar({ type, value }: Scalar): Buffer {
  switch (type) {
    case "string":
      return text(value);
    case "bool":
      return Buffer.from([value ? 1 : 0]);
    case "uint32":
      return uint32(value);
    case "int32": {
      const buffer = Buffer.alloc(4);
      buffer.writeInt32LE(value);
      return buffer;
    }
    case "float32": {
      const buffer = Buffer.alloc(4);
      buffer.writeFloatLE(value);
      return buffer;
    }
  }
}

/** A string: its length in bytes, then UTF-8, with no zero at its end. */
function text(value: string): Buffer {
  const encoded = Buffer.from(value, "utf8");
  return Buffer.concat([uint64(encoded.byteLength), encoded]);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function uint64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer], aligned(buffer.byteLength));
}

/** write(2) may take less than it is given. */
function writeWhole(file: number, data: Buffer): void {
  for (let at = 0; at < data.byteLength;) at += writeSync(file, data, at);
}
