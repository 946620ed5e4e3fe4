import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const host = join(import.meta.dirname, "../../host");
const parts = readdirSync(join(host, "lib"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".sh"))
  .map((name) => join("lib", name))
  .sort();
const text = (part: string): string => readFileSync(join(host, part), "utf8");

/** The functions of a part with their lengths in lines, the braces included. */
function functions(part: string): { name: string; lines: number }[] {
  return [...text(part).matchAll(/^([a-z_0-9]+)\(\) (?:\{ .* \}|\{\n[^]*?^\})$/gm)].map(
    ([body, name = ""]) => ({ name, lines: body.split("\n").length }),
  );
}

describe("the parts of the manager", () => {
  it("are all joined, and each once", () => {
    const joined = readFileSync(join(host, "PARTS"), "utf8")
      .split("\n")
      .filter((line) => line.endsWith(".sh"));
    expect([...joined].sort()).toEqual(parts);
  });

  it("have at most 200 lines, and say at their head what they are for", () => {
    for (const part of parts) {
      expect(text(part).trimEnd().split("\n").length, part).toBeLessThanOrEqual(200);
      expect(text(part), part).toMatch(/^# \S.*\n/);
    }
  });

  it("have functions of at most 40 lines, each defined once", () => {
    const all = parts.flatMap((part) => functions(part).map((found) => ({ part, ...found })));
    // What the expression does not understand would not be counted.
    const defined = parts.flatMap((part) => [...text(part).matchAll(/^[a-z_0-9]+\(\)/gm)]);
    expect(all).toHaveLength(defined.length);
    expect(all.filter(({ lines }) => lines > 40)).toEqual([]);
    const names = all.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("silence no word of shellcheck about strict mode", () => {
    for (const part of parts) expect(text(part), part).not.toMatch(/shellcheck disable=\S*SC231[012]/);
  });
});
