import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { destroy, preview, up } from "./index";
import { type Bench, startBench } from "./testing/bench";
import { StandInManager } from "./testing/manager";
import type { EngineOptions, EngineResult } from "./types";

const OWNER = "containers/test/goblin-a-bundle";
const VACATE = "vacate a";

let bench: Bench;
let manager: StandInManager;
/** What docker says of the containers named a: whose it is. */
let label: string | undefined;

beforeEach(async () => {
  bench = await startBench();
  manager = new StandInManager();
  label = undefined;
  bench.server.answer = (executed) => {
    const { command } = executed;
    if (command.includes("docker ps "))
      return { stdout: label === undefined ? "" : `${"1".repeat(64)} ${label}\n` };
    if (command.includes(" vacate ")) {
      if (label !== undefined && label !== OWNER)
        return { status: 2, stderr: "error: a container named a is there already\n" };
      const removed = label !== undefined;
      label = undefined;
      return { stdout: removed ? "  removed the container a\n" : "" };
    }
    if (command === "docker create a") label = OWNER;
    if (command === "docker rm a") label = undefined;
    return manager.answer(executed);
  };
});

afterEach(async () => {
  await bench.close();
});

const options = (settings: Record<string, unknown> = {}): EngineOptions =>
  bench.options(
    "containers",
    Object.fromEntries(Object.entries(settings).map(([key, value]) => [`containers:${key}`, value])),
  );
/** What was executed since it was last asked, without the looks at the host's status. */
const ran = (): string[] =>
  bench.server
    .take()
    .map(
      ({ command }) =>
        /docker (create|rm|ps)|(apply|remove) [a-z-]+|vacate '?[a-z]+/.exec(command)?.[0] ?? "",
    )
    .map((command) => command.replace("'", ""))
    .filter((command) => command !== "");
const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");

async function deployed(): Promise<void> {
  expect(await up(options())).toMatchObject({ exitCode: 0 });
  expect(ran()).toEqual(["apply workload-a", VACATE, "docker create"]);
}

describe("a container", () => {
  it("that is in the state is left alone, and replaced only once the way is free", async () => {
    await deployed();
    expect(await up(options())).toMatchObject({ exitCode: 0, counts: { same: 4 } });
    expect(await preview({ ...options(), expectNoChanges: true })).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual([]);
    // What the preview is about to replace is no stranger's, and nobody is asked.
    expect(await preview(options({ image: "2" }))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual([]);
    expect(await up(options({ image: "2" }))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["docker rm", VACATE, "docker create"]);
  });

  it("of this stack makes way where the state was lost", async () => {
    await deployed();
    rmSync(bench.stateFile);
    expect(await preview(options())).toMatchObject({ exitCode: 0 });
    const result = await up(options());
    expect(result.exitCode).toBe(0);
    expect(said(result)).toContain('host "goblin": removed the container a');
    expect(ran()).toEqual(["apply workload-a", VACATE, "docker create"]);
  });

  it("of a stranger is refused by a preview that would make one of its name, and by the host", async () => {
    label = "";
    const refused = await preview(options());
    expect(refused.exitCode).toBe(1);
    expect(said(refused)).toContain(
      'host "goblin": a container named a is there already, which no stack of this project has made; nothing was changed. Keep it under another name (docker rename a NAME)',
    );
    expect(ran()).toEqual(["docker ps"]);
    label = "containers/other/goblin-a-bundle";
    const failed = await up(options());
    expect(failed.exitCode).toBe(1);
    expect(said(failed)).toContain('host "goblin": a container named a is there already');
    expect(ran()).toEqual(["apply workload-a", VACATE]);
  });

  it("goes with its bundle, and by itself where only it goes", async () => {
    await deployed();
    expect(await up(options({ container: "none" }))).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["docker rm"]);
    expect(await up(options())).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual([VACATE, "docker create"]);
    expect(await destroy(options())).toMatchObject({ exitCode: 0 });
    expect(ran()).toEqual(["remove workload-a"]);
  });
});
