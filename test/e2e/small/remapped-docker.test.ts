import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { haveDockerClient } from "../support/bundles";
import { describeInLong } from "../support/long";
import { deploy, get, goTo, machine, SMALL_SIZE } from "../support/machine";
import { MIXED } from "../support/small-host";

const SCRIPT = readFileSync(join(import.meta.dirname, "../support/remapped-docker.sh"), "utf8");

let vm: Vm;
let first: number;

/** The user whom the kernel takes a container's main process for. */
const userOf = async (container: string): Promise<number> =>
  Number(
    await vm.run(
      `awk '/^Uid:/ { print $2 }' /proc/$(docker inspect -f '{{.State.Pid}}' ${container})/status`,
    ),
  );

describeInLong("a host whose dockerd gives containers users of their own", () => {
  beforeAll(async () => {
    vm = machine(SMALL_SIZE);
    await goTo(vm, "clean");
    await haveDockerClient(vm);
    first = Number(await vm.run("bash -s", { stdin: SCRIPT }));
    expect(first).toBeGreaterThan(65535);
  });

  it("takes the stack: the workload is one of these users, the monitor is its own, and both work", async () => {
    await deploy(vm, "up", { overrides: MIXED });
    expect(await userOf("llamacpp")).toBe(first);
    expect(await userOf("ai-resource-monitor")).toBe(
      Number(await vm.run("stat -c %u /run/ai-resource-monitor")),
    );
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    expect(await vm.run("ai-resource-monitor --collect && ai-resource-monitor --display")).toMatch(
      /^ *Memory/m,
    );
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    const again = await deploy(vm, "up", { overrides: MIXED, expectNoChanges: true });
    expect(again.summary).toMatch(/^\d+ unchanged$/);
  });

  it("keeps its owner's data, and that configuration, when the stack goes", async () => {
    await deploy(vm, "destroy", { overrides: MIXED });
    expect(await vm.run("docker volume ls -q --filter name=owners")).toBe("owners\n");
    expect(await vm.run("cat /etc/docker/daemon.json")).toBe('{ "userns-remap": "default" }\n');
    expect(await vm.run("docker ps -aq")).toBe("");
  });
});
