import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Metadata, type Tensor, ggufHeader, writeGguf } from "./gguf";
import { randomModel, writeRandomModel } from "./random-model";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goblin-host-gguf-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Bytes as the specification's structures have them, for what is expected. */
const hex = (...parts: (string | Buffer)[]): string =>
  Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)),
  ).toString("hex");
const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const string = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);

describe("a GGUF file", () => {
  const metadata: Metadata = {
    "general.architecture": { type: "string", value: "llama" },
    "a.count": { type: "uint32", value: 4_000_000_000 },
    "a.flag": { type: "bool", value: true },
    "a.share": { type: "float32", value: 0.5 },
    "a.words": { type: "array", of: "string", values: ["\u2581", ""] },
    "a.kinds": { type: "array", of: "int32", values: [1, -1] },
  };
  const tensors: Tensor[] = [
    { name: "one.weight", type: "F16", dimensions: [3, 5], fill: (data) => data.fill(0xaa) },
    { name: "two.weight", type: "F32", dimensions: [2] },
  ];
  const described = [
    "GGUF",
    ...[u32(3), u64(2), u64(6)],
    ...[string("general.architecture"), u32(8), string("llama")],
    ...[string("a.count"), u32(4), u32(4_000_000_000)],
    ...[string("a.flag"), u32(7), "\x01"],
    ...[string("a.share"), u32(6), Buffer.from("0000003f", "hex")],
    ...[string("a.words"), u32(9), u32(8), u64(2), string("\u2581"), u64(0)],
    ...[string("a.kinds"), u32(9), u32(5), u64(2), u32(1), Buffer.from("ffffffff", "hex")],
    // Three to a row, five rows, half floats, at 0: 30 bytes, so the next one is at 32.
    ...[string("one.weight"), u32(2), u64(3), u64(5), u32(1), u64(0)],
    ...[string("two.weight"), u32(1), u64(2), u32(0), u64(32)],
  ];

  it("begins as the specification says, padded to its alignment", () => {
    const header = ggufHeader(metadata, tensors);
    const expected = hex(...described);
    expect(header.toString("hex").slice(0, expected.length)).toBe(expected);
    expect(header.byteLength % 32).toBe(0);
    expect(header.toString("hex").slice(expected.length)).toMatch(/^(00){0,31}$/);
  });

  it("goes on with the tensors' data, each at its offset", () => {
    const path = join(folder, "two.gguf");
    writeGguf(path, metadata, tensors);
    const written = readFileSync(path);
    const data = written.subarray(ggufHeader(metadata, tensors).byteLength).toString("hex");
    expect(data).toBe(`${"aa".repeat(30)}${"00".repeat(2)}${"00".repeat(32)}`);
  });

  it("has no name that is longer than a reader takes", () => {
    const name = "x".repeat(65);
    expect(() => ggufHeader({}, [{ name, type: "F32", dimensions: [1] }])).toThrow(
      `${name}: at most 64 bytes`,
    );
  });
});

describe("a model with random weights", () => {
  const digest = (sizeMiB: number, seed: number): string => {
    const path = join(folder, `${sizeMiB}-${seed}.gguf`);
    writeRandomModel(path, { sizeMiB, seed });
    return createHash("sha256").update(readFileSync(path)).digest("hex");
  };

  it("is the same for the same seed, and another for another", () => {
    const first = digest(4, 1);
    expect(digest(4, 1)).toBe(first);
    expect(digest(4, 2)).not.toBe(first);
  });

  it("has the size that was asked for", () => {
    for (const sizeMiB of [4, 9, 64]) {
      const path = join(folder, `${sizeMiB}.gguf`);
      writeRandomModel(path, { sizeMiB, seed: 1 });
      const missing = sizeMiB * 1024 ** 2 - statSync(path).size;
      expect(missing, `${sizeMiB} MiB`).toBeGreaterThanOrEqual(0);
      expect(missing, `${sizeMiB} MiB`).toBeLessThan(32 * 1024);
    }
    expect(() => randomModel({ sizeMiB: 1, seed: 1 })).toThrow("a model of 1 MiB: the least is 4");
  });

  it("has weights of both signs and one magnitude, and an output layer that knows characters alone", () => {
    const [metadata, tensors] = randomModel({ sizeMiB: 4, seed: 1 });
    const filled = (name: string): Uint16Array => {
      const { dimensions, fill } = tensors.find((tensor) => tensor.name === name) ?? { dimensions: [0] };
      const data = Buffer.alloc(dimensions.reduce((product, length) => product * length, 2));
      fill?.(data);
      return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    };
    const weights = filled("blk.0.attn_q.weight");
    // Half floats: a sign, five bits of exponent, ten of mantissa.
    expect(new Set(weights.map((weight) => (weight >> 10) & 0x1f))).toEqual(new Set([9]));
    const negative = weights.filter((weight) => weight >> 15 === 1).length / weights.length;
    expect(Math.abs(negative - 0.5)).toBeLessThan(0.02);
    const { "tokenizer.ggml.tokens": tokens } = metadata;
    if (tokens?.type !== "array") throw new Error("a list was expected");
    const output = filled("output.weight");
    const width = output.length / tokens.values.length;
    const silent = tokens.values.filter((_, row) =>
      output.subarray(row * width, (row + 1) * width).every((weight) => weight === 0),
    );
    expect(silent).toEqual(["<unk>", "<s>", "</s>", ...tokens.values.slice(3, 259)]);
    expect(silent.slice(3, 5).concat(silent.slice(-1))).toEqual(["<0x00>", "<0x01>", "<0xFF>"]);
  });
});
