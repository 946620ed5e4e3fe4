import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SWAP_OFF } from "../../support/finding";
import { preview, up } from "./index";
import { type Bench, startBench } from "./testing/bench";
import { StandInManager } from "./testing/manager";
import { makeKey } from "./testing/ssh-server";
import type { EngineResult } from "./types";

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

const options = (overrides: Record<string, unknown> = {}) => ({
  ...bench.options("drift", overrides),
  expectNoChanges: false,
});
const inSync = async (): Promise<EngineResult> =>
  preview({ ...bench.options("drift"), expectNoChanges: true });
/** What was executed since it was last asked, without the looks. */
const applied = (): string[] =>
  bench.server
    .take()
    .map(({ command }) => command)
    .filter((command) => !command.includes("status --json"));
const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");

describe("drift on preview", () => {
  it("shows as an update of exactly the drifted bundle, is repaired by up, and seen when it comes again", async () => {
    expect(await up(options())).toMatchObject({ exitCode: 0, summary: "5 created" });
    applied();
    expect(await inSync()).toMatchObject({ exitCode: 0, summary: "5 unchanged" });
    for (const generation of [1, 2]) {
      manager.held.get("swap")?.findings.push(SWAP_OFF);
      const drifted = await inSync();
      expect(drifted).toMatchObject({ exitCode: 7, summary: "1 to update, 4 unchanged" });
      const text = `/usr/local/sbin/ai-resource-manager apply swap # drift: /swapfile swap: declared 16 GiB, priority 10, kernel off (is off) (since apply ${generation}, boot 00000001)`;
      expect(drifted.steps.find(({ op }) => op === "update")).toMatchObject({ name: "swap-apply" });
      expect(drifted.steps.find(({ op }) => op === "update")?.diff).toContain(text);
      expect(applied()).toEqual([]);
      expect(await up(options())).toMatchObject({ exitCode: 0, summary: "1 updated, 4 unchanged" });
      expect(applied()).toEqual([text]);
      expect(await inSync()).toMatchObject({ exitCode: 0, summary: "5 unchanged" });
    }
  }, 60_000);

  it("is a host that was reinstalled, or put back to a snapshot, once more each time", async () => {
    await up(options());
    const snapshot = structuredClone(manager.held);
    await up(options({ "drift:swappiness": "20" }));
    for (const id of ["00000002", "00000003"]) {
      manager.held = structuredClone(snapshot);
      manager.boot = id;
      applied();
      const repaired = await up(options({ "drift:swappiness": "20" }));
      expect(repaired).toMatchObject({ exitCode: 0, summary: "1 updated, 4 unchanged" });
      expect(applied()[0]).toContain(`# drift: the host holds another version (since apply 1, boot ${id})`);
    }
    manager.held.clear();
    expect(await up(options({ "drift:swappiness": "20" }))).toMatchObject({
      summary: "2 updated, 3 unchanged",
    });
    expect(applied()).toEqual([
      expect.stringContaining("apply zram # drift: not on the host (boot 00000003)"),
      expect.stringContaining("apply swap # drift: not on the host (boot 00000003)"),
    ]);
  }, 60_000);

  it("costs one connection for each run of the program", async () => {
    await up(options());
    const before = bench.server.connections;
    await inSync();
    expect(bench.server.connections - before).toBe(1);
  });
});

describe("a host that cannot be looked at", () => {
  const broken = (): void => {
    bench.server.answer = () => ({
      status: 2,
      stderr: "ai-resource-manager: this host was not booted with systemd\n",
    });
  };

  it("is an error where it is required, and nothing is changed", async () => {
    await up(options());
    broken();
    applied();
    const result = await inSync();
    expect(result.exitCode).toBe(1);
    expect(said(result)).toMatch(
      /the hosts could not be looked at:\n\n {2}host goblin \(root@127\.0\.0\.1:\d+\): ai-resource-manager status ended with 2: .*not booted with systemd\n {4}try: ssh .*\n {4}to go on without: pulumi config set goblin-host:observe warn/,
    );
    expect(said(result)).not.toContain("    at ");
    const deployment = await up(options());
    expect([deployment.exitCode, applied()]).toEqual([1, []]);
    expect(deployment.steps.filter(({ op }) => op !== "same")).toEqual([]);
  });

  it("is a warning where it is wished for, and no drift; off does not look", async () => {
    await up(options());
    broken();
    const result = await preview({ ...options({ "drift:observe": "warn" }), expectNoChanges: true });
    expect(result.exitCode).toBe(0);
    expect(said(result)).toContain("could not be looked at, so that its drift is unknown");
    bench.server.take();
    expect(await preview({ ...options({ "drift:observe": "off" }), expectNoChanges: true })).toMatchObject({
      exitCode: 0,
    });
    expect(bench.server.take()).toEqual([]);
  });

  it("is an error in every mode when its login shell prints what docker would read, before anything is declared", async () => {
    bench.server.answer = (executed) => {
      const answer = manager.answer(executed);
      return { ...answer, stdout: `Welcome to goblin!\nToday: ...\n${answer.stdout ?? ""}` };
    };
    for (const observe of ["warn", "required"]) {
      const result = await up(options({ "drift:observe": observe }));
      expect(result.exitCode).toBe(1);
      expect(said(result)).toMatch(
        /what a shell prints would break the deployment; nothing was changed:\n\n {2}host goblin \(root@127\.0\.0\.1:\d+\): the login shell of root prints "Welcome to goblin!" when a command is run over SSH, which breaks docker's connection\n {4}print only where/,
      );
      expect(applied()).toEqual([]);
    }
    expect((await up(options({ "drift:observe": "off" }))).exitCode).toBe(0);
  });

  it("is an error in every mode when another machine answers, or refuses the key", async () => {
    await up(options());
    const { host, port, privateKey, hostKey } = {
      host: "127.0.0.1",
      port: bench.server.port,
      privateKey: bench.server.privateKey,
      hostKey: bench.server.hostKey,
    };
    const attempt = async (connection: object): Promise<string> => {
      const result = await preview(options({ "drift:observe": "warn", "drift:connection": connection }));
      expect(result.exitCode).toBe(1);
      return said(result);
    };
    expect(await attempt({ host, port, privateKey, hostKey: makeKey().publicKey })).toMatch(
      /its host key is SHA256:\S+, not SHA256:\S+\n {4}either it is another machine, or it was reinstalled/,
    );
    expect(await attempt({ host, port, privateKey: makeKey().privateKey, hostKey })).toMatch(
      /the login as root was refused: the private key is not accepted \(ED25519\)\n {4}allow that key in ~root\/\.ssh\/authorized_keys, or give another: pulumi config set --secret goblin-host:privateKey/,
    );
  });
});
