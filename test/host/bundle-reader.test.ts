import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderBundle } from "../../components/host-bundle/render";
import { inFolder, readBundle } from "./manager";

/** Seeded, so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const FRAGMENTS = [
  "key: value",
  '"quoted"',
  "'",
  "\\",
  "$(rm -rf /)",
  "`id`",
  "${HOME}",
  "end: true",
  "files:",
  "  /etc/x:",
  "#",
  "---",
  "...",
  "|2+",
  "- item",
  "\t",
  " ",
  "      ",
  "%s%n",
  "*",
  "!",
  "&",
  "ä",
  "日本",
  "🦎",
  "a=b",
  "[Unit]",
  "\u00a0",
  "-",
  "0755",
  "null",
];

function hostile(next: (below: number) => number): string {
  let text = "";
  for (let line = next(8); line >= 0; line--) {
    for (let part = next(5); part > 0; part--) text += FRAGMENTS[next(FRAGMENTS.length)] ?? "";
    text += "\n";
  }
  return next(20) === 0 ? "" : text;
}

describe("the host's reader of bundles", () => {
  it("gives back 800 hostile contents byte for byte", () => {
    const next = generator(20261123);
    const contents = Array.from({ length: 800 }, () => hostile(next));
    const files = Object.fromEntries(
      contents.map((content, index) => [`/etc/${String(index).padStart(4, "0")}`, { mode: "0644", content }]),
    );
    inFolder((folder) => {
      expect(readBundle(renderBundle({ name: "hostile", files }, "1.0.0"), folder)).toEqual({
        status: 0,
        stderr: "",
      });
      const read = contents.map((_, index) => readFileSync(join(folder, "out/blobs", String(index)), "utf8"));
      expect(read).toEqual(contents);
    });
  });

  it("keeps sections, entries and fields, escapes resolved", () => {
    const text = renderBundle(
      {
        name: "example",
        units: { "swap\\x2dfile.swap": { active: true, cmdline: '/bin/x "a b" \\d' } },
        ioSchedulers: { "/": "bfq" },
        limits: { "a.service": { MemoryMax: "@{memory-less:1:10%}", TasksMax: "infinity" } },
      },
      "1.2.3",
    );
    inFolder((folder) => {
      expect(readBundle(text, folder).status).toBe(0);
      const lines = readFileSync(join(folder, "out/index"), "utf8").trimEnd().split("\n");
      expect(lines.map((line) => line.split("\u001f"))).toEqual([
        ["meta", "bundle", "", "1"],
        ["meta", "name", "", "example"],
        ["meta", "manager", "", "1.2.3"],
        ["units", "swap\\x2dfile.swap", "", ""],
        ["units", "swap\\x2dfile.swap", "active", "true"],
        ["units", "swap\\x2dfile.swap", "cmdline", '/bin/x "a b" \\d'],
        ["ioSchedulers", "/", "", "bfq"],
        ["limits", "a.service", "", ""],
        ["limits", "a.service", "MemoryMax", "@{memory-less:1:10%}"],
        ["limits", "a.service", "TasksMax", "infinity"],
      ]);
    });
  });

  const whole = renderBundle(
    { name: "x", files: { "/etc/a": { mode: "0644", content: "one\ntwo\n" } } },
    "1.0.0",
  );

  it("refuses every truncation", () => {
    const lines = whole.split("\n").slice(0, -1);
    for (let count = 0; count < lines.length; count++) {
      const text = lines
        .slice(0, count)
        .map((line) => `${line}\n`)
        .join("");
      inFolder((folder) => {
        const { status, stderr } = readBundle(text, folder);
        expect([status, stderr], `${count} lines`).toEqual([2, expect.stringContaining("truncated")]);
      });
    }
  });

  it.each([
    ["text after its end", `${whole}more: "1"\n`, "text after its end"],
    ["a plain scalar", whole.replace('"x"', "x"), "not a double-quoted value"],
    ["a sequence", whole.replace("end: true", "- a\nend: true"), "is not KEY:"],
    ["a tab for indentation", whole.replace("  /etc/a:", "\t/etc/a:"), "is not KEY:"],
    ["flow style", whole.replace('"x"', "{a: b}"), "not a double-quoted value"],
    ["another block header", whole.replace("|2+", "|"), "not a double-quoted value"],
    ["a block elsewhere", whole.replace('name: "x"', "name: |2+\n      y"), "not a double-quoted value"],
    ["an unknown escape", whole.replace('"x"', '"\\n"'), "not a double-quoted value"],
    ["a field without its entry", whole.replace("  /etc/a:\n", ""), "a field outside an entry"],
  ])("refuses %s and names the line", (_, text, message) => {
    inFolder((folder) => {
      const { status, stderr } = readBundle(text, folder);
      expect([status, stderr]).toEqual([2, expect.stringMatching(/malformed in line \d+/)]);
      expect(stderr).toContain(message);
    });
  });
});
