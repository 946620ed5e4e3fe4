import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { SharedSettings } from "../components/goblin-host/schema";
import { renderConfigReference } from "../scripts/config-reference";

it("docs/config.md is what the schemas say (npm run docs)", () => {
  expect(readFileSync("docs/config.md", "utf8")).toBe(renderConfigReference());
});

it("every setting is described", () => {
  const undescribed = renderConfigReference()
    .split("\n")
    .filter((line) => /^\| `[^`]+` \| {2}\|/.test(line));
  expect(undescribed).toEqual([]);
});

it("Pulumi.yaml declares every key", () => {
  const { config, main } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
    config: Record<string, unknown>;
    main: string;
  };
  expect(Object.keys(config)).toEqual(
    ["hosts", ...Object.keys(SharedSettings.shape)].map((key) => `goblin-host:${key}`),
  );
  expect(main).toBe("index.ts");
});
