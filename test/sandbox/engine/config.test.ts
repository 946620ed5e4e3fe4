import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseEngine, findPulumi } from "./index";
import { readConfig, readProject } from "./config";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "config-"));
  writeFileSync(join(folder, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function read(stack: string, overrides: Record<string, unknown> = {}): Record<string, string> {
  writeFileSync(join(folder, "Pulumi.test.yaml"), stack);
  return readConfig(readProject(folder), "test", overrides);
}

describe("a stack's configuration", () => {
  it("reaches the program as text, structures as JSON, numeric strings as strings", () => {
    expect(
      read('config:\n  p:a: text\n  p:b: 7\n  p:c: {x: "1.5", y: 1.5, z: [true]}\n  p:d: "8"\n'),
    ).toEqual({
      "p:a": "text",
      "p:b": "7",
      "p:c": '{"x":"1.5","y":1.5,"z":[true]}',
      "p:d": "8",
    });
  });

  it("is overridden as by `pulumi config set --path`: whole numbers and booleans only become values", () => {
    const overrides = {
      "p:c.x": "7",
      "p:c.y": "1.5",
      "p:c.z[1]": "0755",
      "p:c.on": "true",
      "p:n.m": 2.5,
      "p:t": "7",
    };
    expect(read("config:\n  p:c: {x: 1, z: [a]}\n", overrides)).toEqual({
      "p:c": '{"x":7,"z":["a","0755"],"y":"1.5","on":true}',
      "p:n": '{"m":2.5}',
      "p:t": "7",
    });
  });

  it("leaves a value that was given alone when a later one reaches into it", () => {
    const given = { x: { y: 1 } };
    expect(read("config: {}\n", { "p:c": given, "p:c.x.y": "2" })).toEqual({ "p:c": '{"x":{"y":2}}' });
    expect(given).toEqual({ x: { y: 1 } });
  });

  it("takes the project's defaults and misses what has none", () => {
    writeFileSync(
      join(folder, "Pulumi.yaml"),
      "name: p\nruntime: nodejs\nconfig:\n  a: {default: 1}\n  b: {}\n",
    );
    expect(() => read("config: {}\n")).toThrow("Stack 'test' is missing configuration value 'b'");
    expect(read("config: {p:b: x}\n")).toEqual({ "p:a": "1", "p:b": "x" });
  });

  it.each([
    ["config:\n  p:a: {secure: AAA}\n", /p:a is encrypted/],
    ["config:\n  p:a: {b: [{secure: AAA}]}\n", /p:a\.b\.0 is encrypted/],
    ["config:\n  p:a: 0755\n", /0755 is read differently by Pulumi; write it as "0755"/],
    ["config:\n  p:a: 1_000\n", /1_000 is read differently/],
    ["config:\n  p:a: 2024-01-01\n", /2024-01-01 is read differently/],
    ["config:\n  p:a: 9007199254740993\n", /9007199254740993 is read differently/],
    ["config:\n  a: 1\n", /could not parse a as a configuration key/],
  ])("is refused: %j", (stack, message) => {
    expect(() => read(stack)).toThrow(message);
  });
});

describe("choosing an engine", () => {
  it("takes the local one on request", () => {
    expect(chooseEngine("local").name).toBe("local");
  });

  it.skipIf(findPulumi() !== undefined)("says how to install Pulumi where it is asked for and absent", () => {
    expect(() => chooseEngine("pulumi")).toThrow(/pulumi plugin install resource command 1\.2\.1/);
    expect(chooseEngine().name).toBe("local");
  });
});
