import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { preview, up, type EngineEvent, type EngineResult } from "./index";
import { startBench, type Bench } from "./testing/bench";
import { makeKey, type SshServer, startSshServer } from "./testing/ssh-server";

let bench: Bench;

beforeAll(async () => {
  bench = await startBench();
});

afterAll(async () => {
  await bench.close();
});

beforeEach(() => {
  bench.server.answer = () => ({});
  bench.server.take();
});

const program = (specs: object, connection = {}) =>
  bench.options("commands", { "commands:commands": specs }, connection);
const errors = ({ diagnostics }: EngineResult): string[] =>
  diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);

describe("connecting", () => {
  it("refuses a host with another key, naming both", async () => {
    const hostKey = makeKey().publicKey;
    const result = await up(program({ x: { create: "x" } }, { hostKey, dialErrorLimit: 0 }));
    expect(result.exitCode).toBe(1);
    expect(errors(result)[0]).toMatch(
      /^after 0 failed attempts: dial 127\.0\.0\.1:\d+: host key mismatch: expected SHA256:\S+, the host has SHA256:\S+$/,
    );
    expect(bench.server.take()).toEqual([]);
  });

  it("refuses a key that may not log in", async () => {
    const { privateKey } = makeKey();
    const result = await up(program({ x: { create: "x" } }, { privateKey, dialErrorLimit: 0 }));
    expect(errors(result)[0]).toContain("All configured authentication methods failed");
  });

  it("fails on an unreachable host after as many attempts as dialErrorLimit says", async () => {
    const result = await up(program({ x: { create: "x" } }, { port: 1, dialErrorLimit: 2 }));
    expect(errors(result)[0]).toContain("after 2 failed attempts: dial 127.0.0.1:1: connect ECONNREFUSED");
    expect(result.summary).toBe("1 unchanged, 2 errored");
  });
});

describe("connecting through a bastion", () => {
  let bastion: SshServer;
  beforeAll(async () => {
    bastion = await startSshServer();
    bastion.forwards = true;
  });
  afterAll(() => bastion.close());
  const proxy = (more = {}) => ({
    host: "127.0.0.1",
    port: bastion.port,
    hostKey: bastion.hostKey,
    privateKey: bastion.privateKey,
    ...more,
  });

  it("runs the command on the host behind it", async () => {
    const result = await up(program({ b: { create: "behind" } }, { proxy: proxy() }));
    expect([result.exitCode, errors(result)]).toEqual([0, []]);
    expect(bench.server.take().map(({ command }) => command)).toEqual(["behind"]);
    expect(bastion.connections).toBe(1);
  });

  it("says which of the two refused", async () => {
    const { publicKey: hostKey, privateKey } = makeKey();
    const spec = { b: { create: "another" } };
    const other = await up(program(spec, { proxy: proxy({ hostKey, dialErrorLimit: 0 }) }));
    expect(errors(other)[0]).toMatch(/^proxy: after 0 failed attempts: dial \S+: host key mismatch: /);
    const behind = await up(program(spec, { proxy: proxy(), privateKey, dialErrorLimit: 0 }));
    expect(errors(behind)[0]).toMatch(
      /^proxy: after 0 failed attempts: dial \S+: All configured authentication methods failed/,
    );
    const again = await up(program(spec, { proxy: proxy(), privateKey, dialErrorLimit: 1 }));
    expect(errors(again)[0]).toBe("proxy: after 1 failed attempts: ssh: handshake failed: EOF");
  });
});

describe("preview", () => {
  it("shows what is not known yet, runs nothing and keeps no state", async () => {
    const specs = { p: { create: "p" }, q: { create: "q", stdinFrom: "p" } };
    const result = await preview(program(specs));
    expect(result.summary).toContain("2 to create");
    await up(program(specs));
    bench.server.take();
    const changed = await preview(program({ ...specs, p: { create: "p anew" } }));
    expect(
      changed.steps.filter(({ op }) => op === "update").map(({ name, diff }) => ({ name, diff })),
    ).toEqual([
      { name: "p", diff: '~ create: "p" => "p anew"' },
      { name: "q", diff: '~ stdin: "p" => output<string>' },
    ]);
    expect(bench.server.take()).toEqual([]);
    expect((await up(program(specs))).summary).toBe("3 unchanged");
  });
});

describe("replacing with deleteBeforeReplace", () => {
  it("deletes first, and finishes what a failure left undone", async () => {
    const spec = (trigger: string) => ({
      r: { create: "create r", delete: "delete r", triggers: [trigger] },
    });
    await up(program(spec("1")));
    bench.server.answer = ({ command }) => (command === "create r" ? { status: 1 } : {});
    bench.server.take();
    const failed = await up(program(spec("2")));
    expect(failed.exitCode).toBe(1);
    expect(bench.server.take().map(({ command }) => command)).toEqual(["delete r", "create r"]);
    bench.server.answer = () => ({});
    const result = await up(program(spec("2")));
    expect(result.summary).toBe("1 replaced, 1 unchanged");
    expect(bench.server.take().map(({ command }) => command)).toEqual(["create r"]);
  });
});

describe("the state", () => {
  it("is whole on disk after every step, and one run's alone", async () => {
    const specs = { m: { create: "create m" }, n: { create: "create n", dependsOn: ["m"] } };
    const seen: unknown[] = [];
    bench.server.answer = ({ command }) => {
      const { resources } = JSON.parse(readFileSync(bench.stateFile, "utf8")) as {
        resources: { name: string }[];
      };
      if (command === "create n")
        seen.push(resources.map(({ name }) => name).filter((name) => /^[mn]$/.test(name)));
      return { delayMs: 100 };
    };
    const first = up(program(specs));
    await expect(up(program(specs))).rejects.toThrow("the stack is locked by another run");
    expect((await first).exitCode).toBe(0);
    expect(seen).toEqual([["m"]]);
  });
});

describe("protect and retainOnDelete", () => {
  it("keeps a protected resource with an error, and forgets a retained one without running anything", async () => {
    const specs = {
      kept: { create: "k", delete: "delete k", options: { protect: true } },
      left: { create: "l", delete: "delete l", options: { retainOnDelete: true } },
    };
    await up(program(specs));
    bench.server.take();
    const result = await up(program({}));
    expect(errors(result)[0]).toContain("cannot be deleted because it is protected");
    expect(bench.server.take()).toEqual([]);
    const { kept } = specs;
    await up(program({ kept: { ...kept, options: {} } }));
    expect((await up(program({}))).summary).toBe("1 deleted, 1 unchanged");
  });
});

describe("the environment of a command", () => {
  it("is set where the server takes it, and an error where it does not", async () => {
    const spec = { v: { create: "v", environment: { NAME: "value" } } };
    const refused = await up(program(spec));
    expect(errors(refused)[0]).toContain('could not set environment variable "NAME"');
    bench.server.acceptEnv.add("NAME");
    bench.server.take();
    expect((await up(program(spec))).exitCode).toBe(0);
    expect(bench.server.take()[0]?.env).toEqual({ NAME: "value" });
  });
});

describe("parallel operations", () => {
  it("run side by side when nothing orders them, each on a connection of its own", async () => {
    bench.server.answer = () => ({ delayMs: 1000 });
    const events: EngineEvent[] = [];
    const before = bench.server.connections;
    const options = program({ one: { create: "one" }, two: { create: "two" } });
    const shown: string[] = [];
    const display = { write: (text: string) => shown.push(text) };
    await up({ ...options, onEvent: (event) => events.push(event), display });
    const kinds = events.flatMap((event) =>
      event.type === "start" || event.type === "step"
        ? [`${event.type} ${"name" in event ? event.name : event.step.name}`]
        : [],
    );
    const begun = kinds.filter((kind) => /^start (one|two)/.test(kind)).map((kind) => kinds.indexOf(kind));
    const ended = kinds.filter((kind) => /^step (one|two)/.test(kind)).map((kind) => kinds.indexOf(kind));
    expect(Math.max(...begun)).toBeLessThan(Math.min(...ended));
    expect(bench.server.connections - before).toBe(2);
    expect(shown.join("")).toMatch(
      /^local engine \(test harness; production runs Pulumi\)\n( {2}\+ {2}command:remote:Command {2}(one|two) {2}created\n){2}/,
    );
    expect(shown.join("")).toContain("Resources: 2 created, ");
  });
});
