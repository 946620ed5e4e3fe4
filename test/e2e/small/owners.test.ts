import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { withAgent } from "../../sandbox/agent";
import { programFolder, stack, stateFile, vmOverrides } from "../../sandbox/deploy";
import { type EngineResult, preview, up } from "../../sandbox/engine";
import { readProject, stackConfig } from "../../sandbox/engine/config";
import { activity } from "../support/fingerprint";
import { deploy, goTo, machine, ran, SMALL_SIZE, tryDeploy, USUAL } from "../support/machine";
import { MIXED } from "../support/small-host";

const vm = machine(SMALL_SIZE);
const LOOKING = { ...MIXED, "goblin-host:observe": "required" };

/** The sandbox's host under another name of the configuration. */
const named = (name: string, formerly: readonly string[]): Record<string, unknown> => ({
  "goblin-host:hosts": {
    [name]: {
      address: "127.0.0.1",
      port: vm.state.sshPort,
      user: "root",
      hostKey: vm.hostKey,
      ...(formerly.length === 0 ? {} : { formerly }),
    },
  },
});

const said = ({ diagnostics }: EngineResult): string =>
  diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    .join("\n");
const changed = ({ steps }: EngineResult): string[] =>
  steps.filter(({ op }) => op !== "same").map(({ op, name }) => `${op} ${name}`);

/** Equal twice means that nothing was touched in between, but for the place where a bundle is staged before it is looked at. */
const seen = async (): Promise<string> => {
  const files = (await activity(vm)).replace(/^.* \/var\/lib\/ai-resource-manager\/versions\n/m, "");
  return `${files}${await vm.run("docker inspect -f '{{.Name}} {{.Id}} {{.State.StartedAt}}' $(docker ps -aq); docker images -q | sort")}`;
};

let before: string;

beforeAll(async () => {
  await goTo(vm, "applied", MIXED);
});

describe("a host that is renamed in the configuration", () => {
  beforeEach(async () => {
    await goTo(vm, "applied", MIXED);
    before = await seen();
  });

  it("and lists its former name is an empty preview, and an up that touches nothing", async () => {
    const renamed = { ...LOOKING, ...named("vps", [stack]) };
    for (const verb of ["preview", "up", "preview"] as const) {
      const result = await tryDeploy(vm, verb, { overrides: renamed, expectNoChanges: true });
      expect([said(result), changed(result), ran(result)], verb).toEqual(["", [], []]);
      expect(result.exitCode, verb).toBe(0);
    }
    expect(await seen()).toBe(before);
  });

  it("without a word is refused with the way to keep its identity, and nothing changes on the host", async () => {
    const renamed = { ...LOOKING, ...named("vps", []) };
    for (const verb of ["preview", "up"] as const) {
      const result = await tryDeploy(vm, verb, { overrides: renamed });
      expect(result.exitCode).toBe(1);
      expect(said(result)).toContain(
        "its bundle manager belongs to goblin-host/sandbox/sandbox-manager-bundle, and this program would apply it as goblin-host/sandbox/vps-manager-bundle (so it is with ",
      );
      expect(said(result)).toContain(
        `if the host was renamed, keep its identity: pulumi config set --path 'goblin-host:hosts.vps.formerly[0]' ${stack}\n`,
      );
      expect(changed(result)).toEqual([]);
    }
    // Where nobody looks, the host itself refuses, and the old name is not deleted.
    const blind = await tryDeploy(vm, "up", {
      overrides: { ...renamed, "goblin-host:observe": "off" },
    });
    expect(blind.exitCode).toBe(1);
    expect(said(blind)).toContain(
      'bundle manager on this host belongs to "goblin-host/sandbox/sandbox-manager-bundle", and this is "goblin-host/sandbox/vps-manager-bundle"',
    );
    expect(changed(blind).filter((step) => step.startsWith("delete"))).toEqual([]);
    expect(await seen()).toBe(before);
    // Back under its name, all is as it was.
    await deploy(vm, "up", { overrides: LOOKING });
    const again = await tryDeploy(vm, "preview", { overrides: LOOKING, expectNoChanges: true });
    expect([again.exitCode, changed(again)]).toEqual([0, []]);
    expect(await seen()).toBe(before);
  });
});

describe("a host of another program", () => {
  const otherState = `${stateFile(vm)}.other`;

  beforeAll(async () => {
    await goTo(vm, "applied", MIXED);
    before = await seen();
  });

  afterAll(() => {
    for (const suffix of ["", ".key"]) rmSync(otherState + suffix, { force: true });
  });

  /** The same program with the same settings, as a stack of another name. */
  const asOther = (engine: typeof preview, settings: Record<string, unknown>): Promise<EngineResult> => {
    const given = { ...vmOverrides(vm), ...USUAL, ...settings };
    return withAgent(vm.files.clientKey, (socket) =>
      engine({
        programDir: programFolder,
        stack: "other",
        stateFile: otherState,
        overrides: stackConfig(readProject(programFolder), stack, given, "refuse secure"),
        env: { SSH_AUTH_SOCK: socket },
      }),
    );
  };

  it("is refused to a second stack by the look and by the host, and nothing of the first one is taken", async () => {
    for (const engine of [preview, up]) {
      const result = await asOther(engine, LOOKING);
      expect(result.exitCode).toBe(1);
      expect(said(result)).toContain(
        "its bundle manager belongs to goblin-host/sandbox/sandbox-manager-bundle, and this program would apply it as goblin-host/other/sandbox-manager-bundle",
      );
      expect(said(result)).toMatch(
        /to leave it there: .* from the stack sandbox of the project goblin-host \(pulumi stack select sandbox\)\n {4}to take it over from there: ssh .* disown, then pulumi up/,
      );
      expect(changed(result)).toEqual([]);
    }
    const blind = await asOther(up, { ...LOOKING, "goblin-host:observe": "off" });
    expect(blind.exitCode).toBe(1);
    expect(said(blind)).toContain('bundle manager on this host belongs to "goblin-host/sandbox/');
    expect(await seen()).toBe(before);
  });

  it("is refused to two components of one bundle, by both their names", async () => {
    const { host, port } = { host: "127.0.0.1", port: vm.state.sshPort };
    const connection = {
      ...{ host, port, hostKey: vm.hostKey },
      privateKey: readFileSync(vm.files.clientKey, "utf8"),
    };
    for (const engine of [preview, up]) {
      const result = await engine({
        programDir: join(programFolder, "test/sandbox/engine/fixtures/renamed"),
        stack: "twice",
        stateFile: otherState,
        overrides: {
          "renamed:connection": connection,
          "renamed:observe": "off",
          "renamed:second": "reserve",
        },
        env: { PULUMI_NODEJS_TRANSPILE_ONLY: "true", SSH_AUTH_SOCK: "" },
      });
      expect(result.exitCode).toBe(1);
      expect(said(result)).toContain(
        `"goblin-reserve-bundle" and "goblin-swap-bundle" both apply the bundle "swap" to host "goblin", and each would undo the other: remove one of them, or give it another host`,
      );
      expect(result.steps.flatMap((step) => step.ran)).toEqual([]);
    }
    expect(await seen()).toBe(before);
  });
});
