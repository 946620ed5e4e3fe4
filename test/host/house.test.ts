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

/** A word where a shell takes it for a command, or where one of ours takes it for a function. */
const CALL =
  /(?<=(?:^|[;&|({!`)]|\b(?:then|do|else|elif|if|while|until|attempt|run_beside|beside)\b)[ \t]*)[a-z_][a-z_0-9]*(?![a-z_0-9=[+-])/gm;

/** A variable that a part declares for all. */
const DECLARED = /(?<=^(?:[A-Za-z-]\S* )*)\b[A-Z][A-Z_0-9]+(?==|$)/gm;

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

  it("answer a look before what changes a host is read, and need nothing of that for it", () => {
    const joined = readFileSync(join(host, "PARTS"), "utf8").split("\n");
    const looking = joined.slice(0, joined.indexOf("lib/verbs/look.sh") + 1);
    const bodies = (of: readonly string[]): Map<string, string> =>
      new Map(
        of
          .filter((part) => part.endsWith(".sh"))
          .flatMap((part) => [...text(part).matchAll(/^([a-z_0-9]+)\(\) (\{ .* \}|\{\n[^]*?^\})$/gm)])
          .map(([, name = "", body = ""]) => [name, body.replace(/^\s*#.*$/gm, "")]),
      );
    const [early, all] = [bodies(looking), bodies(joined)];
    const called = new Set(["look_ahead", "answer_look", "command_failed"]);
    // A Set is walked to what is added meanwhile.
    for (const name of called) {
      for (const [word] of (early.get(name) ?? "").matchAll(CALL)) if (all.has(word)) called.add(word);
    }
    expect(called.size).toBeGreaterThan(140);
    expect([...called].filter((name) => !early.has(name))).toEqual([]);
    const declared = (of: readonly string[]): Set<string> =>
      new Set(of.filter((part) => part.endsWith(".sh")).flatMap((part) => text(part).match(DECLARED) ?? []));
    const known = declared(looking);
    const later = [...declared(joined)].filter((name) => !known.has(name));
    expect(later).toContain("REVERTING");
    const used = [...called].map((name) => early.get(name) ?? "").join("\n");
    expect(
      later.filter((name) => new RegExp(`[$\{!#(]${name}\\b|\\b${name}(?:\\[|\\+?=)`).test(used)),
    ).toEqual([]);
    const half =
      joined.filter((part) => part.endsWith(".sh")).reduce((sum, part) => sum + text(part).length, 0) / 2;
    expect(
      looking.reduce((sum, part) => sum + (part.endsWith(".sh") ? text(part).length : 0), 0),
    ).toBeLessThan(half);
  });

  it("silence no word of shellcheck about strict mode", () => {
    for (const part of parts) expect(text(part), part).not.toMatch(/shellcheck disable=\S*SC231[012]/);
  });
});
