import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPulumi, localEngine, pulumiEngine, type Engine } from "./index";
import { HOST, startBench, type Bench } from "./testing/bench";
import { baseCommands, OTHER_HOST, rows } from "./transcripts";

const isPulumiHere = findPulumi() !== undefined;

function playback(engine: Engine): void {
  let bench: Bench;

  beforeAll(async () => {
    bench = await startBench([HOST, OTHER_HOST]);
  });

  afterAll(async () => {
    await bench.close();
  });

  it.each(rows)("$step", async (row) => {
    const { server } = bench;
    server.take();
    server.answer = ({ command }) =>
      row.failing?.includes(command) === true ? { status: 3, stderr: "as told\n" } : { stdout: "done\n" };
    const commands = { "commands:commands": row.commands ?? baseCommands };
    const options = bench.options("commands", commands, { host: row.host ?? HOST });

    const result = await (row.operation === "destroy" ? engine.destroy(options) : engine.up(options));

    const executed = server.take();
    const texts = executed.map(({ command }) => command);
    const messages = result.diagnostics.map(({ message }) => message).join("\n");
    expect(result.exitCode, messages).toBe(row.exit);
    expect([...texts].sort(), messages).toEqual([...row.ran].sort());
    for (const order of row.order ?? []) expect(texts.filter((text) => order.includes(text))).toEqual(order);
    expect(result.summary.split(", ")).toEqual(expect.arrayContaining(row.summary.split(", ")));
    if (row.host !== undefined)
      expect(new Set(executed.map(({ address }) => address))).toEqual(new Set([row.host]));
    if (row.failing !== undefined) expect(messages).toContain("as told");
  });
}

describe("local engine", () => {
  playback(localEngine);
});

describe.skipIf(!isPulumiHere)(
  "real pulumi (skipped where the CLI and its plugins are not installed)",
  () => {
    playback(pulumiEngine);
  },
);
