import { readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { destroy, preview, up } from "./index";
import { startBench, type Bench } from "./testing/bench";

let bench: Bench;

beforeEach(async () => {
  bench = await startBench();
});

afterEach(async () => {
  await bench.close();
});

const commands = (): string[] => bench.server.take().map(({ command }) => command);

describe("a program that ends early", () => {
  it("deletes what it did not reach and calls that success, as the real engine does", async () => {
    await up(bench.options("early-end"));
    commands();
    const result = await up(bench.options("early-end", { "early-end:hang": true }));
    expect(result).toMatchObject({ exitCode: 0, summary: "1 deleted, 2 unchanged" });
    expect(commands()).toEqual(["delete second"]);
  });

  it("deletes nothing when it guards itself with exit code 1", async () => {
    await up(bench.options("early-end"));
    commands();
    const result = await up(bench.options("early-end", { "early-end:hang": true, "early-end:guard": true }));
    expect(result).toMatchObject({ exitCode: 1, summary: "2 unchanged, 1 errored" });
    expect(result.diagnostics.at(-1)?.message).toBe(
      "an unhandled error occurred: Program exited with non-zero exit code: 1",
    );
    expect(commands()).toEqual([]);
    expect(await up(bench.options("early-end"))).toMatchObject({ exitCode: 0, summary: "3 unchanged" });
  });
});

describe("a component that becomes another by an alias", () => {
  it("takes all its descendants along: nothing is created or deleted, there and back", async () => {
    await up(bench.options("moved"));
    expect(commands()).toEqual(["create"]);
    const there = await up(bench.options("moved", { "moved:moved": true, "moved:stdin": "other" }));
    expect([there.exitCode, commands()]).toEqual([0, ["update"]]);
    expect(there.steps.filter(({ op }) => op === "create" || op === "delete")).toEqual([]);
    const back = await up(bench.options("moved"));
    expect([back.exitCode, commands()]).toEqual([0, ["update"]]);
    expect(await up(bench.options("moved"))).toMatchObject({ exitCode: 0, summary: "4 unchanged" });
  });
});

describe("a program that fails", () => {
  it("reports a RunError by its message alone", async () => {
    const result = await up(bench.options("throws", { "throws:kind": "RunError" }));
    expect(result.exitCode).toBe(1);
    expect(result.diagnostics.filter(({ severity }) => severity === "error")).toEqual([
      { severity: "error", message: "swap.size must be at least 1GiB", urn: undefined },
    ]);
    expect(result.summary).toBe("1 created, 1 errored");
  });

  it("reports its exit code when it just exits", async () => {
    const result = await up(bench.options("throws", { "throws:kind": "exit" }));
    expect(result.diagnostics.at(-1)?.message).toContain("Program exited with non-zero exit code: 9");
    expect(result.exitCode).toBe(1);
  });

  it("reports an exception, and deletes nothing", async () => {
    const result = await up(bench.options("throws", { "throws:kind": "Error" }));
    expect(result.exitCode).toBe(1);
    expect(result.diagnostics.map(({ message }) => message).join("\n")).toContain("a mistake in the program");
  });
});

describe("a program that breaks a rule of the policy", () => {
  it("fails with the rule's name, also by what is known only later, and runs nothing of that resource", async () => {
    expect(await up(bench.options("policy"))).toMatchObject({ exitCode: 0 });
    expect(commands()).toEqual(["first"]);
    const broken = await preview(bench.options("policy", { "policy:breaks": true }));
    expect(broken.exitCode).toBe(1);
    expect(broken.diagnostics.map(({ message }) => message).join("\n")).toMatch(
      /policy no-triggers: second: a change of triggers creates first/,
    );
    expect(await up(bench.options("policy", { "policy:breaks": true }))).toMatchObject({ exitCode: 1 });
    expect(commands()).toEqual([]);
  });

  it("is refused a host without a key in a stack named prod", async () => {
    const unverified = { ...bench.options("policy", {}, { hostKey: undefined }), stack: "prod" };
    const { exitCode, diagnostics } = await preview(unverified);
    expect(exitCode).toBe(1);
    expect(diagnostics.map(({ message }) => message).join("\n")).toMatch(/policy verified-host-key: first: /);
    expect(await preview({ ...unverified, stack: "staging" })).toMatchObject({ exitCode: 0 });
  });
});

describe("a program with a component and secrets", () => {
  it("is created, unchanged, updated with a diff that names the file, and destroyed", async () => {
    const created = await up(bench.options("component"));
    expect(created).toMatchObject({ exitCode: 0, summary: "4 created" });
    expect(created.outputs).toEqual({
      receipt: "first",
      password: "[secret]",
      settings: { limits: { memory: "8G", cpus: "1.5", ports: [22] }, retries: 3, greeting: "hello" },
    });
    expect(created.steps.map(({ urn }) => urn)).toContain(
      "urn:pulumi:test::component::test:index:Pair$command:remote:Command::pair-first",
    );
    expect(bench.server.take().map(({ stdin }) => stdin)[1]).toBe("token hunter2");

    const state = readFileSync(bench.stateFile, "utf8");
    for (const word of ["hunter2", "hunter3", bench.server.privateKey.split("\n")[1]]) {
      expect(state).not.toContain(word);
    }
    expect(statSync(`${bench.stateFile}.key`).mode & 0o777).toBe(0o600);

    expect(await preview({ ...bench.options("component"), expectNoChanges: true })).toMatchObject({
      exitCode: 0,
      summary: "4 unchanged",
    });

    const smaller = { "component:limits.memory": "6G", "component:limits.ports[1]": "8022" };
    const changed = await preview({ ...bench.options("component", smaller), expectNoChanges: true });
    expect(changed).toMatchObject({ exitCode: 7, summary: "2 to update, 2 unchanged" });
    expect(changed.steps.find(({ name }) => name === "pair-first")?.diff).toBe(
      `~ stdin: (yaml) {
    ~ files: {
        ~ /etc/a.conf: {
            ~ content:
                  [Service]
                - MemoryMax=8G
                + MemoryMax=6G
          }
      }
  }`,
    );
    expect(changed.outputs).toMatchObject({
      receipt: undefined,
      settings: { limits: { ports: [22, 8022] } },
    });
    expect(commands()).toEqual([]);

    const secret = await preview(bench.options("component", { "component:token": "hunter4" }));
    expect(secret.steps.find(({ name }) => name === "pair-second")?.diff).toBe(
      "~ stdin: [secret] => [secret]",
    );

    expect(await destroy(bench.options("component"))).toMatchObject({ exitCode: 0, summary: "4 deleted" });
  }, 40_000);
});
