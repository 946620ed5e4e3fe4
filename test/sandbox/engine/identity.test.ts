import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SWAP_OFF } from "../../support/finding";
import { destroy, preview, up } from "./index";
import { type Bench, startBench } from "./testing/bench";
import { StandInManager } from "./testing/manager";
import type { EngineOptions, EngineResult } from "./types";

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

const options = (settings: Record<string, unknown> = {}): EngineOptions =>
  bench.options(
    "renamed",
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`renamed:${key}`, value])),
  );
const RENAMED = { name: "vps", "formerly[0]": "goblin" };
/** What was executed since it was last asked, without the looks and the comments. */
const ran = (): string[] =>
  bench.server
    .take()
    .map(({ command }) => /(apply|remove|confirm) [a-z]+/.exec(command)?.[0] ?? "")
    .filter((command) => command !== "");
const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");
const owners = (): Record<string, string> =>
  Object.fromEntries([...manager.held].map(([name, { owner }]) => [name, owner]));

const OWNED = {
  models: "renamed/test/goblin-models-bundle",
  swap: "renamed/test/goblin-swap-bundle",
};

async function deployed(): Promise<void> {
  expect(await up(options())).toMatchObject({ exitCode: 0 });
  expect(ran()).toEqual(["apply models", "apply swap", "confirm swap"]);
  expect(owners()).toEqual(OWNED);
}

describe("a host that is renamed, and lists its former name", () => {
  it("is an empty preview, and an up that runs nothing", async () => {
    await deployed();
    const empty = { exitCode: 0, summary: "9 unchanged" };
    expect(await preview({ ...options(RENAMED), expectNoChanges: true })).toMatchObject(empty);
    expect(await up(options(RENAMED))).toMatchObject(empty);
    expect(await preview({ ...options(RENAMED), expectNoChanges: true })).toMatchObject(empty);
    const again = { name: "prime", "formerly[0]": "goblin", "formerly[1]": "vps" };
    expect(await up(options(again))).toMatchObject(empty);
    expect(ran()).toEqual([]);
    expect(await destroy(options(again))).toMatchObject({ exitCode: 0, summary: "9 deleted" });
    expect(ran()).toEqual(["remove swap", "remove models"]);
    expect(owners()).toEqual({});
  });

  it("loses nothing when the first up after it fails half-way", async () => {
    await deployed();
    manager.held.get("models")?.findings.push(SWAP_OFF);
    manager.broken.add("models");
    expect(await up(options(RENAMED))).toMatchObject({ exitCode: 1 });
    expect(ran()).toEqual(["apply models"]);
    manager.broken.clear();
    expect(await up(options(RENAMED))).toMatchObject({ exitCode: 0, summary: "1 updated, 8 unchanged" });
    expect(ran()).toEqual(["apply models"]);
    manager.broken.add("swap");
    const larger = { name: "prime", "formerly[0]": "goblin", "formerly[1]": "vps", swap: "2GiB" };
    expect(await up(options(larger))).toMatchObject({ exitCode: 1 });
    manager.broken.clear();
    expect(await up(options(larger))).toMatchObject({ exitCode: 0, summary: "2 updated, 7 unchanged" });
    expect(ran()).toEqual(["apply swap", "apply swap", "confirm swap"]);
    expect(owners()).toEqual(OWNED);
  });
});

describe("a host that is renamed without a word", () => {
  it("is refused by the look at it, before anything is declared", async () => {
    await deployed();
    for (const run of [preview, up]) {
      const result = await run(options({ name: "vps" }));
      expect(result.exitCode).toBe(1);
      expect(said(result)).toContain(
        [
          "what is on the hosts belongs to others; nothing was changed:",
          "",
          `  host vps (root@127.0.0.1:${bench.server.port}): its bundle models belongs to renamed/test/goblin-models-bundle, and this program would apply it as renamed/test/vps-models-bundle (so it is with swap)`,
          "    if the host was renamed, keep its identity: pulumi config set --path 'goblin-host:hosts.vps.formerly[0]' goblin",
          `    to take it over from there: ssh -p ${bench.server.port} root@127.0.0.1 /usr/local/sbin/ai-resource-manager disown, then pulumi up`,
        ].join("\n"),
      );
      expect(result.steps.filter(({ op }) => op !== "same")).toEqual([]);
    }
    expect(ran()).toEqual([]);
  });

  it("is refused by the host where nobody looked, and nothing is removed", async () => {
    await deployed();
    const result = await up(options({ name: "vps", observe: "off" }));
    expect(result.exitCode).toBe(1);
    expect(said(result)).toContain("bundle models belongs to renamed/test/goblin-models-bundle");
    expect(ran()).toEqual(["apply models"]);
    expect(owners()).toEqual(OWNED);
    // Back under its name: of the other one there are components only, which are nothing on the host.
    expect(await up(options())).toMatchObject({ exitCode: 0 });
    expect([ran(), owners()]).toEqual([[], OWNED]);
  });

  it("is taken over once the host has forgotten whose it was; what is removed then is the old name alone", async () => {
    await deployed();
    manager.disown();
    expect(await up(options({ name: "vps" }))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["apply models", "apply swap", "confirm swap", "remove swap", "remove models"]);
    expect(owners()).toEqual({
      models: "renamed/test/vps-models-bundle",
      swap: "renamed/test/vps-swap-bundle",
    });
    expect(await preview({ ...options({ name: "vps" }), expectNoChanges: true })).toMatchObject({
      exitCode: 0,
    });
  });
});

describe("another stack with the same host", () => {
  it("is refused, and told where the host is applied from", async () => {
    await deployed();
    const result = await preview({ ...options(), stack: "other", stateFile: `${bench.stateFile}.other` });
    expect(result.exitCode).toBe(1);
    expect(said(result)).toMatch(
      /belongs to renamed\/test\/goblin-models-bundle, and this program would apply it as renamed\/other\/goblin-models-bundle .*\n {4}to leave it there: .* from the stack test of the project renamed \(pulumi stack select test\)\n {4}to take it over/,
    );
  });
});

describe("a change that waits for its confirmation", () => {
  it("shows on preview, and the next up confirms it", async () => {
    await deployed();
    const held = manager.held.get("swap");
    if (held === undefined) throw new Error("no swap");
    manager.held.set("swap", { ...held, unconfirmed: true });
    const found = await preview({ ...options(), expectNoChanges: true });
    expect(found).toMatchObject({ exitCode: 7, summary: "2 to update, 7 unchanged" });
    expect(found.steps.find(({ name }) => name === "goblin-swap-bundle-confirm")?.diff).toContain(
      "confirm swap # drift: its last change waits for confirmation (since apply 1, boot 00000001)",
    );
    expect(await up(options())).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["apply swap", "confirm swap"]);
    expect(await preview({ ...options(), expectNoChanges: true })).toMatchObject({ exitCode: 0 });
  });

  it("says when it went back because nobody confirmed it", async () => {
    await deployed();
    const held = manager.held.get("swap");
    if (held === undefined) throw new Error("no swap");
    manager.held.set("swap", { ...held, digest: "before", reverted: "2026-11-28T10:00:00Z" });
    const found = await preview({ ...options(), expectNoChanges: true });
    expect(found.exitCode).toBe(7);
    expect(found.steps.find(({ name }) => name === "goblin-swap-bundle-apply")?.diff).toContain(
      "# drift: nobody confirmed its last change, which went back at 2026-11-28T10:00:00Z (since apply 1, boot 00000001)",
    );
  });
});
