import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { preview, up } from "./index";
import { type Bench, startBench } from "./testing/bench";
import { StandInManager } from "./testing/manager";
import { Targets } from "./targets";
import type { EngineOptions } from "./types";

let bench: Bench;
let manager: StandInManager;

beforeEach(async () => {
  bench = await startBench();
  manager = new StandInManager();
  bench.server.answer = manager.answer;
});

afterEach(async () => {
  await bench.close();
});

/** Both components differ from what was applied: the models folder and the swap file, in this order. */
const options = (swap: string, targets?: string[], targetDependents = false): EngineOptions => ({
  ...bench.options("renamed", {
    "renamed:swap": swap,
    ...(swap === "1GiB" ? {} : { "renamed:models": "/srv/other" }),
  }),
  ...(targets === undefined ? {} : { targets, targetDependents }),
});
const ran = (): string[] =>
  bench.server
    .take()
    .map(({ command }) => /(apply|remove|confirm) [a-z]+/.exec(command)?.[0] ?? "")
    .filter((command) => command !== "");

/** What a preview of everything proposes, and why. */
async function proposed(swap: string): Promise<Record<string, string>> {
  const { steps } = await preview(options(swap));
  expect(ran()).toEqual([]);
  const changes = steps.filter(({ op }) => op !== "same");
  return Object.fromEntries(
    changes.map(({ name, diff }) => [name, /.*# drift: (.*) \(since/.exec(diff)?.[1] ?? ""]),
  );
}

/** The other part, which the whole program would apply. */
const MODELS = { "goblin-models-bundle-apply": "the host holds another version" };

async function deployed(): Promise<void> {
  expect(await up(options("1GiB"))).toMatchObject({ exitCode: 0 });
  expect(ran()).toEqual(["apply models", "apply swap", "confirm swap"]);
}

describe("an up of a part of a host", { timeout: 120_000 }, () => {
  it("takes the confirmation along by the pattern of the operations guide, and nothing else", async () => {
    await deployed();
    const result = await up(options("2GiB", ["**::goblin-swap*"]));
    expect(result).toMatchObject({ exitCode: 0, summary: "2 updated, 7 unchanged" });
    expect(ran()).toEqual(["apply swap", "confirm swap"]);
    expect(manager.held.get("swap")).toMatchObject({ generation: 2, unconfirmed: false });
    expect(await proposed("2GiB")).toEqual(MODELS);
    expect(await up(options("2GiB"))).toMatchObject({ exitCode: 0, summary: "1 updated, 8 unchanged" });
    expect(ran()).toEqual(["apply models"]);
  });

  it("by the component alone does nothing, so that nothing waits", async () => {
    await deployed();
    expect(await up(options("2GiB", ["**::goblin-swap"]))).toMatchObject({
      exitCode: 0,
      summary: "9 unchanged",
    });
    expect(ran()).toEqual([]);
    expect(Object.keys(await proposed("2GiB"))).toEqual([
      "goblin-models-bundle-apply",
      "goblin-swap-bundle-apply",
      "goblin-swap-bundle-confirm",
    ]);
  });

  it("without the confirmation is told by the next preview to wait for it, which the next up gives", async () => {
    await deployed();
    expect(await up(options("2GiB", ["**::goblin-swap-bundle-apply"]))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["apply swap"]);
    expect(await proposed("2GiB")).toEqual({
      ...MODELS,
      "goblin-swap-bundle-apply": "its last change waits for confirmation",
      "goblin-swap-bundle-confirm": "its last change waits for confirmation",
    });
    expect(await up(options("2GiB"))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["apply models", "apply swap", "confirm swap"]);
    expect(await proposed("2GiB")).toEqual({});
  });

  it("without the confirmation is told by the next preview to have gone back, and the next up applies it again", async () => {
    await deployed();
    await up(options("2GiB", ["**::goblin-swap-bundle-apply"]));
    ran();
    manager.goBack("2026-11-28 10:00:00");
    const back = "nobody confirmed its last change, which went back at 2026-11-28 10:00:00";
    expect(await proposed("2GiB")).toEqual({
      ...MODELS,
      "goblin-swap-bundle-apply": back,
      "goblin-swap-bundle-confirm": back,
    });
    // The pattern of the guide mends it, too.
    expect(await up(options("2GiB", ["**::goblin-swap*"]))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["apply swap", "confirm swap"]);
    expect(await proposed("2GiB")).toEqual(MODELS);
  });

  it("with what depends on it takes the confirmation, too", async () => {
    await deployed();
    await up(options("2GiB", ["**::goblin-swap-bundle-apply"], true));
    expect(ran()).toEqual(["apply swap", "confirm swap"]);
    await up(options("3GiB", ["**::goblin-models-bundle-apply"], true));
    expect(ran()).toEqual(["apply models", "apply swap", "confirm swap"]);
  });
});

describe("a pattern of targets", () => {
  const resource = (urn: string) => ({
    ...{ urn, type: "", name: "", custom: true, id: "", inputs: {}, outputs: {}, parent: "", protect: false },
    ...{ dependencies: [], propertyDependencies: {}, provider: "", retainOnDelete: undefined },
    ...{ ignoreChanges: [], replaceOnChanges: [] },
  });

  it("is text in which one star stops at a colon, and two do not", () => {
    const urn = "urn:pulumi:prod::goblin-host::a:index:A$b:index:B::goblin-swap";
    const matches = (...targets: string[]): boolean => new Targets({ targets }).includes(resource(urn));
    expect(
      [urn, "**::goblin-swap", "**::goblin-*", "**$b:index:*::*swap"].map((one) => matches(one)),
    ).toEqual([true, true, true, true]);
    expect(["*::goblin-swap", "**::goblin", "**:goblin.swap"].map((one) => matches(one))).toEqual([
      false,
      false,
      false,
    ]);
    expect(new Targets({}).includes(resource(urn))).toBe(true);
  });
});
