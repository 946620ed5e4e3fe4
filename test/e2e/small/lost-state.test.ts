import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { stateFile } from "../../sandbox/deploy";
import type { EngineResult } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";
import { haveDockerClient } from "../support/bundles";
import { describeInLong } from "../support/long";
import { deploy, get, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { CONTAINER, MIXED } from "../support/small-host";

const MiB = 1024 ** 2;
const OWN = ["ai-resource-monitor", "llamacpp"];
/** A second container workload, of a name that somebody's container has. */
const EXTRA = {
  ...MIXED,
  "goblin-host:workloads.extra": {
    ...{ runtime: "container", image: CONTAINER.image, slice: "ai-extra", memory: { max: "64MiB" } },
    command: ["llama-server", "8099"],
  },
};

let vm: Vm;

const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");
const read = async (command: string): Promise<string[]> => (await vm.run(command)).trim().split("\n");
const ids = (): Promise<string[]> => read(`docker inspect -f '{{.Id}}' ${OWN.join(" ")}`);

/** Both run, in their slices, which hold their limits; the stack's own check passes. */
async function expectWell(): Promise<void> {
  expect(await read("docker ps --format '{{.Names}}' | sort")).toEqual(OWN);
  expect(await get(vm, 8080, "/health")).toBe("ok\n");
  for (const [container, slice, limit] of [
    ["llamacpp", "ai.slice/ai-llamacpp.slice", 192 * MiB],
    ["ai-resource-monitor", "airm.slice", 128 * MiB],
  ] as const) {
    const group = await vm.run(`cat /proc/$(docker inspect -f '{{.State.Pid}}' ${container})/cgroup`);
    expect(group).toMatch(new RegExp(`^0::/${slice}/docker-[0-9a-f]{64}\\.scope\n$`));
    expect(await vm.run(`cat /sys/fs/cgroup/${slice}/memory.max`)).toBe(`${limit}\n`);
  }
  expect(await vm.run("systemctl is-active llamacpp")).toBe("active\n");
  expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
}

/** The whole state, or one resource of it: what a run leaves that was ended while it made a container. */
function lose(name?: string): void {
  const file = stateFile(vm);
  if (name === undefined) {
    for (const suffix of ["", ".key"]) rmSync(file + suffix);
    return;
  }
  const state = JSON.parse(readFileSync(file, "utf8")) as { resources: { name: string }[] };
  const kept = state.resources.filter((resource) => resource.name !== name);
  expect(kept).toHaveLength(state.resources.length - 1);
  writeFileSync(file, JSON.stringify({ ...state, resources: kept }));
}

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
});

describeInLong("a stack whose state was lost", () => {
  it("is deployed anew onto its host, its containers healthy and in their limits", async () => {
    const before = await ids();
    const network = "docker network ls --no-trunc --format '{{.ID}}' --filter name=^goblin-host$";
    const networks = await read(network);
    lose();
    const result = await deploy(vm, "up", { overrides: MIXED });
    for (const name of OWN)
      expect(said(result)).toContain(
        `removed the container ${name}, which was this stack's own and not in its state`,
      );
    expect(ran(result)).toContain("workload-llamacpp");
    await expectWell();
    // The host's own is used as it is, and there is no second one of its name.
    expect(networks).toHaveLength(1);
    expect(await read(network)).toEqual(networks);
    const after = await ids();
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    const empty = await deploy(vm, "preview", { overrides: MIXED, expectNoChanges: true });
    expect(empty.steps.filter(({ op }) => op !== "same")).toEqual([]);
  });

  it("has the one container made anew that a run was ended while making, and no other", async () => {
    await goTo(vm, "applied", MIXED);
    const [monitor, llamacpp] = await ids();
    lose("sandbox-llamacpp-container");
    const result = await deploy(vm, "up", { overrides: MIXED });
    expect(said(result)).toContain("removed the container llamacpp, which was this stack's own");
    await expectWell();
    const after = await ids();
    expect(after[0]).toBe(monitor);
    expect(after[1]).not.toBe(llamacpp);
  });

  it("takes no container of a stranger's, and makes no unit that would start it", async () => {
    await goTo(vm, "applied", MIXED);
    await vm.run(
      `docker run -d --network none --name extra --entrypoint /bin/sleep ${CONTAINER.image} infinity >/dev/null`,
    );
    const stranger = "docker inspect -f '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}' extra";
    const before = await vm.run(stranger);
    const why = "a container named extra is there already, which no stack of this project has made";
    const way =
      "Keep it under another name (docker rename extra NAME) or remove it (docker rm --force extra)";
    const refused = await tryDeploy(vm, "preview", {
      overrides: { ...EXTRA, "goblin-host:observe": "required" },
    });
    expect(refused.exitCode).toBe(1);
    expect(said(refused)).toContain(why);
    expect(said(refused)).toContain(way);
    // Where nobody has looked, the host says it.
    const failed = await tryDeploy(vm, "up", { overrides: EXTRA });
    expect(failed.exitCode).toBe(1);
    expect(said(failed)).toContain(`goblin-host:workloads.extra: ${why}. ${way}`);
    expect(said(failed)).toContain("bundle workload-extra was not applied; nothing was changed");
    expect(await vm.run("ls /etc/systemd/system/extra.service 2>&1 || true")).toContain("No such file");
    expect(await vm.run(stranger)).toBe(before);
    // The way out.
    await vm.run("docker rename extra mine");
    await deploy(vm, "up", { overrides: EXTRA });
    expect(await read("docker ps --format '{{.Names}}' | sort")).toEqual([...OWN, "extra", "mine"].sort());
  });
});

describeInLong("destroy", () => {
  it(
    "ends well where a stranger's container uses our image, and dockerd is stopped",
    { timeout: 1_200_000 },
    async () => {
      await goTo(vm, "applied", MIXED);
      const image = (await vm.run("docker inspect -f '{{.Config.Image}}' ai-resource-monitor")).trim();
      await vm.run(
        `docker run -d --network none --name mine --entrypoint /bin/sleep ${image} infinity >/dev/null`,
      );
      const pid = (await vm.run("docker inspect -f '{{.State.Pid}}' mine")).trim();
      const started = await vm.run(`stat -c %Y /proc/${pid}`);
      // The thin unit, too, which wants dockerd and would start it within seconds.
      await vm.run("systemctl stop llamacpp; systemctl stop docker.socket docker");
      // Every run looks at the containers first, which nobody can without dockerd; nothing has changed then.
      const blind = await tryDeploy(vm, "destroy", { overrides: MIXED });
      expect(blind.exitCode).toBe(1);
      expect(said(blind)).toMatch(/Cannot connect to the Docker daemon|Error pinging Docker server/i);
      expect(ran(blind)).toEqual([]);
      const result = await deploy(vm, "destroy", { overrides: MIXED, refresh: false });
      const receipts = said(result);
      expect(receipts).toContain("started docker.service, which knows the container llamacpp");
      for (const name of OWN) expect(receipts).toContain(`removed the container ${name}`);
      expect(receipts).toMatch(/kept the image goblin-host\/monitor:[0-9a-f]{12}: .*conflict/);
      // dockerd sleeps again, as it was found; what it ran lives on.
      expect(await vm.run(`cat /proc/${pid}/comm; stat -c %Y /proc/${pid}`)).toBe(`sleep\n${started}`);
      await haveDockerClient(vm);
      expect(await vm.run(`systemctl start docker; docker ps -a --format '{{.Names}}'`)).toBe("mine\n");
      expect(await vm.run(`docker image inspect -f ok ${image}`)).toBe("ok\n");
      expect(await vm.run("ls -d /var/lib/ai-resource-manager 2>&1 || true")).toContain("No such file");
      // The unit of that name that was there before is back.
      expect(await vm.run("cat /etc/systemd/system/llamacpp.service")).not.toContain("docker start");
      expect(result.summary).toMatch(/^\d+ deleted$/);
      // Nothing is left of it in the state either.
      expect((await deploy(vm, "destroy", { overrides: MIXED, refresh: false })).steps).toEqual([]);
    },
  );
});
