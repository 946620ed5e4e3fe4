import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programFolder, stateFile } from "../../sandbox/deploy";
import { destroy, type EngineResult, preview, up } from "../../sandbox/engine";
import { applyAll, bundles } from "../support/bundles";
import { activity } from "../support/fingerprint";
import { describeInLong } from "../support/long";
import { deploy, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { MIXED } from "../support/small-host";

const vm = machine(SMALL_SIZE);

const said = ({ diagnostics }: EngineResult): string =>
  diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    .join("\n");
const changed = ({ steps }: EngineResult): string[] =>
  steps.filter(({ op }) => op !== "same").map(({ op, name }) => `${op} ${name}`);

/** Equal twice means that nothing was touched in between, but for the place where a bundle is staged before it is looked at. */
const seen = async (): Promise<string> => {
  const files = await activity(vm);
  return files.replace(/^.* \/var\/lib\/ai-resource-manager\/versions\n/m, "");
};

/** Two components of a host, by the program that test/sandbox/engine/identity.test.ts runs on a stand-in. */
describe("a host's bundles", () => {
  const stateOf = (stack: string): string => `${stateFile(vm)}.owners-${stack}`;
  const STACKS = ["test", "other", "twice"];
  let before: string;

  const run = (
    engine: typeof preview,
    settings: Record<string, unknown> = {},
    stack = "test",
  ): Promise<EngineResult> => {
    const connection = {
      ...{ host: "127.0.0.1", port: vm.state.sshPort, hostKey: vm.hostKey },
      privateKey: readFileSync(vm.files.clientKey, "utf8"),
    };
    const given = Object.entries(settings).map(([key, value]) => [`renamed:${key}`, value]);
    return engine({
      programDir: join(programFolder, "test/sandbox/engine/fixtures/renamed"),
      stack,
      stateFile: stateOf(stack),
      overrides: {
        "renamed:connection": connection,
        ...(Object.fromEntries(given) as Record<string, unknown>),
      },
      env: { PULUMI_NODEJS_TRANSPILE_ONLY: "true", SSH_AUTH_SOCK: "" },
    });
  };
  const expectEmpty = async (settings: Record<string, unknown>, stack = "test"): Promise<void> => {
    const result = await run(preview, settings, stack);
    expect([said(result), changed(result), result.exitCode]).toEqual(["", [], 0]);
  };
  const owners = async (): Promise<string[]> => {
    const status = JSON.parse(await vm.run("ai-resource-manager status --json")) as {
      bundles: { name: string; owner: string }[];
    };
    return status.bundles.filter(({ name }) => name !== "manager").map(({ owner }) => owner);
  };

  beforeAll(async () => {
    await goTo(vm, "clean");
    await applyAll(vm, [bundles.manager()]);
    const first = await run(up);
    expect([said(first), first.exitCode]).toEqual(["", 0]);
    before = await seen();
  });

  afterAll(() => {
    for (const stack of STACKS)
      for (const suffix of ["", ".key"]) rmSync(stateOf(stack) + suffix, { force: true });
  });

  it("are the same ones where it is renamed and lists its former name: an empty preview, and an up that touches nothing", async () => {
    const renamed = { name: "vps", "formerly[0]": "goblin" };
    await expectEmpty(renamed);
    const result = await run(up, renamed);
    expect([said(result), changed(result), ran(result)]).toEqual(["", [], []]);
    await expectEmpty(renamed);
    expect(await seen()).toBe(before);
    // And once more, to a third name: back to the first one the same way.
    await run(up, { name: "goblin", "formerly[0]": "goblin", "formerly[1]": "vps" });
    await expectEmpty({});
    expect(await seen()).toBe(before);
  });

  it("are refused where it is renamed without a word, with the way to keep them, and nothing changes", async () => {
    for (const engine of [preview, up]) {
      const result = await run(engine, { name: "vps" });
      expect(result.exitCode).toBe(1);
      expect(said(result)).toContain(
        [
          "its bundle models belongs to renamed/test/goblin-models-bundle, and this program would apply it as renamed/test/vps-models-bundle (so it is with swap)",
          "    if the host was renamed, keep its identity: pulumi config set --path 'goblin-host:hosts.vps.formerly[0]' goblin",
          `    to take it over from there: ssh -p ${vm.state.sshPort} root@127.0.0.1 /usr/local/sbin/ai-resource-manager disown, then pulumi up`,
        ].join("\n"),
      );
      expect(changed(result)).toEqual([]);
    }
    // Where nobody looks, the host itself refuses the first of them, and none is deleted.
    const blind = await run(up, { name: "vps", observe: "off" });
    expect(blind.exitCode).toBe(1);
    expect(said(blind)).toContain(
      'error: bundle models on this host belongs to "renamed/test/goblin-models-bundle", and this is "renamed/test/vps-models-bundle". Either keep the old name',
    );
    expect(said(blind)).toContain("error: bundle models was not applied; nothing was changed");
    expect(ran(blind)).toEqual(["models"]);
    expect(await seen()).toBe(before);
    expect(await run(up)).toMatchObject({ exitCode: 0 });
    await expectEmpty({});
    expect(await seen()).toBe(before);
  });

  it("are refused to a second stack, by the look and by the host, and its destroy takes nothing", async () => {
    for (const engine of [preview, up]) {
      const result = await run(engine, {}, "other");
      expect(result.exitCode).toBe(1);
      expect(said(result)).toMatch(
        /its bundle models belongs to renamed\/test\/goblin-models-bundle, and this program would apply it as renamed\/other\/goblin-models-bundle .*\n {4}to leave it there: .* from the stack test of the project renamed \(pulumi stack select test\)\n {4}to take it over from there: ssh .* disown, then pulumi up/,
      );
      expect(ran(result)).toEqual([]);
    }
    const blind = await run(up, { observe: "off" }, "other");
    expect(blind.exitCode).toBe(1);
    expect(said(blind)).toContain("nothing was changed");
    expect(await run(destroy, {}, "other")).toMatchObject({ exitCode: 0 });
    expect(await seen()).toBe(before);
  });

  it("are refused to two components of one bundle, by both their names", async () => {
    // What pulumi up does first, and then does no more.
    const result = await run(preview, { second: "reserve", observe: "off" }, "twice");
    expect(result.exitCode).toBe(1);
    expect(said(result)).toContain(
      '"goblin-reserve-bundle" and "goblin-swap-bundle" both apply the bundle "swap" to host "goblin", and each would undo the other: remove one of them, or give it another host',
    );
    expect(await seen()).toBe(before);
  });

  it("stay in force when another takes them over, whatever the first one deletes afterwards", async () => {
    expect(await vm.run("ai-resource-manager disown")).toContain(
      'swap: does not belong to "renamed/test/goblin-swap-bundle" any more; whoever applies it next is its owner\n',
    );
    // A rename in one stack: what is new is applied first, and what is old is deleted last.
    const taken = await run(up, { name: "vps" });
    expect([said(taken), taken.exitCode]).toEqual(["", 0]);
    expect(ran(taken)).toEqual(["models", "swap", "swap", "models"]);
    expect(await owners()).toEqual(["renamed/test/vps-models-bundle", "renamed/test/vps-swap-bundle"]);
    expect(await vm.run("awk 'NR > 1 {print $1, $5}' /proc/swaps; ai-resource-manager verify")).toMatch(
      /^\/swapfile 10\n.*all holds\n$/,
    );
    await expectEmpty({ name: "vps" });
    expect(await run(destroy, { name: "vps" })).toMatchObject({ exitCode: 0 });
    expect(await owners()).toEqual([]);
    expect(await vm.run("awk 'NR > 1' /proc/swaps; ls -d /swapfile /srv/models 2>/dev/null || true")).toBe(
      "",
    );
  });
});

describeInLong("the whole program's host, with services and containers", () => {
  const looking = (hosts: object) => ({
    ...MIXED,
    "goblin-host:observe": "required",
    "goblin-host:hosts": hosts,
  });
  const host = () => ({
    ...{ address: "127.0.0.1", port: vm.state.sshPort, user: "root", hostKey: vm.hostKey },
  });
  const containers = (): Promise<string> =>
    vm.run(
      "docker inspect -f '{{.Name}} {{.Id}} {{.State.StartedAt}}' $(docker ps -aq); docker images -q | sort",
    );

  it("is renamed by an empty preview, and refused without a word, and nothing of it starts anew", async () => {
    await goTo(vm, "applied", MIXED);
    const before = (await seen()) + (await containers());
    const silent = await tryDeploy(vm, "up", { overrides: looking({ vps: host() }) });
    expect(silent.exitCode).toBe(1);
    expect(said(silent)).toContain("goblin-host:hosts.vps.formerly[0]' sandbox");
    expect(changed(silent)).toEqual([]);
    const renamed = looking({ vps: { ...host(), formerly: ["sandbox"] } });
    for (const verb of ["preview", "up", "preview"] as const) {
      const result = await deploy(vm, verb, { overrides: renamed, expectNoChanges: true });
      expect([changed(result), ran(result)], verb).toEqual([[], []]);
    }
    expect((await seen()) + (await containers())).toBe(before);
  });
});
