import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { destroy, preview, up } from "./index";
import { type Bench, startBench } from "./testing/bench";
import { StandInManager } from "./testing/manager";
import type { EngineResult } from "./types";

let bench: Bench;
let manager: StandInManager;
let shown: string[];

beforeEach(async () => {
  bench = await startBench();
  manager = new StandInManager();
  shown = [];
  bench.server.answer = (executed) => {
    const answer = manager.answer(executed);
    const [, name] = /ai-resource-manager apply ([a-z-]+)/.exec(executed.command) ?? [];
    if (name === undefined || answer.status !== undefined) return answer;
    return { stdout: `${name}: applied (generation ${manager.held.get(name)?.generation ?? 0})\n` };
  };
});

afterEach(async () => {
  await bench.close();
});

const options = (token: string, sealed = "hunter2") => ({
  ...bench.options("credentials", { "credentials:token": token, "credentials:sealed": sealed }),
  secrets: ["credentials:token", "credentials:sealed"],
  display: { write: (text: string) => shown.push(text) },
});
const diffs = ({ steps }: EngineResult) =>
  steps.filter(({ op }) => op === "update").map(({ name, diff }) => `${name} ${diff}`);
const applied = () =>
  bench.server
    .take()
    .filter(({ command }) => !command.includes("status --json"))
    .map(({ command, stdin }) => ({ command, stdin }));
const commands = (): string[] =>
  applied().map(({ command }) =>
    command.replace("/usr/local/sbin/ai-resource-manager ", "").replace(/ # .*/, ""),
  );

it("secrets of a workload, and of the monitor, are in no state, no diff and no output, and the service follows their change", async () => {
  expect(await up(options("hunter3"))).toMatchObject({ exitCode: 0, summary: "13 created" });
  const sent = applied();
  const secret = sent.filter(({ stdin }) => stdin.includes("hunter"));
  expect(secret.map(({ stdin }) => /^name: .*$/m.exec(stdin)?.[0]).sort()).toEqual([
    'name: "credentials-llama"',
    'name: "credentials-ollama"',
    'name: "monitor-credentials"',
  ]);
  const state = readFileSync(bench.stateFile, "utf8");
  // A short secret can be guessed from its digest.
  for (const { stdin } of secret)
    expect(state).not.toContain(createHash("sha256").update(stdin).digest("hex"));
  expect(state).not.toMatch(/hunter/);

  expect(await preview({ ...options("hunter3"), expectNoChanges: true })).toMatchObject({ exitCode: 0 });
  const changed = await preview(options("hunter4", "hunter5"));
  expect(diffs(changed).sort()).toEqual([
    expect.stringMatching(
      /^llama-bundle-apply ~ create: ".* # for credentials-llama: applied \(generation 1\)" =>/,
    ),
    "llama-credentials-apply ~ stdin: [secret] => [secret]",
    expect.stringMatching(/^monitor-credentials-apply ~ stdin: \[secret\] => \[secret\]\n~ update: /),
    expect.stringMatching(/^ollama-bundle-apply ~ create: /),
    expect.stringMatching(/^ollama-credentials-apply ~ stdin: \[secret\] => \[secret\]\n~ update: /),
  ]);
  expect(applied()).toEqual([]);
  expect(await up(options("hunter4"))).toMatchObject({ exitCode: 0, summary: "3 updated, 10 unchanged" });
  expect(commands().sort()).toEqual([
    "apply credentials-ollama",
    "apply monitor-credentials",
    "apply workload-ollama",
  ]);

  // A machine that was put back to a snapshot holds another version of what the program knows.
  const held = manager.held.get("credentials-ollama");
  if (held !== undefined) held.digest = "another";
  expect(diffs(await preview(options("hunter4"))).join()).toContain("ollama-credentials-apply ~ update: ");
  await up(options("hunter4"));
  bench.server.take();

  expect(await destroy(options("hunter4"))).toMatchObject({ exitCode: 0 });
  const removed = commands().map((command) => / remove ([a-z-]+)/.exec(command)?.[1]);
  for (const workload of ["ollama", "llama"])
    expect(removed.indexOf(`workload-${workload}`)).toBeLessThan(removed.indexOf(`credentials-${workload}`));
  expect(shown.join("")).not.toMatch(/hunter/);
}, 180_000);
