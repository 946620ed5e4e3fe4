import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ALERT_NAMES } from "../../monitor/alerts/condition";
import { DEFAULT_ROOTS } from "../../monitor/host/roots";
import { OUTPUT_FILES } from "../../monitor/output/outputs";
import { FAMILIES, PREFIX } from "../../monitor/render/prometheus/render";

const docs = join(dirname(dirname(import.meta.dirname)), "docs");
const page = readFileSync(join(docs, "monitor.md"), "utf8");

test("docs/monitor.md lists every metric as it is, and no other", () => {
  const documented = page.split("\n").filter((line) => line.startsWith(`| \`${PREFIX}`));
  expect(documented).toEqual(
    FAMILIES.map(({ name, type, help }) => `| \`${PREFIX}${name}\` | ${type} | ${help} |`),
  );
});

test("docs/monitor.md tells of every alert, in their order, and of no other", () => {
  const [, table = ""] = /\n## Alerts\n([^]*?)\n## /.exec(page) ?? [];
  const told = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(told).toEqual([...ALERT_NAMES]);
});

test("docs/monitor.md has every path and every output", () => {
  for (const [name, path] of Object.entries(DEFAULT_ROOTS as unknown as Record<string, string>)) {
    expect(page).toContain(`| \`${name}\` | \`${path}\` |`);
  }
  for (const file of Object.values(OUTPUT_FILES)) expect(page).toContain(file);
});

test("docs/monitor-json.md names every key of the golden document", () => {
  const text = readFileSync(join(docs, "monitor-json.md"), "utf8");
  const keys = new Set<string>();
  const walk = (value: unknown, parent: string): void => {
    if (Array.isArray(value)) for (const entry of value) walk(entry, parent);
    else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        // Modes and events are the kernel's own words.
        if (parent !== "seconds" && parent !== "events") keys.add(key);
        walk(inner, key);
      }
    }
  };
  walk(JSON.parse(readFileSync(join(import.meta.dirname, "goldens", "sample.json"), "utf8")), "");
  expect(keys.size).toBeGreaterThan(80);
  expect([...keys].filter((key) => !new RegExp(`[\`.]${key}(\\[\\])?[\`.]`).test(text))).toEqual([]);
});
