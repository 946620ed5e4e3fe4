import { beforeAll, describe, expect, it } from "vitest";
import type { EngineResult } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";
import { itInLong } from "../support/long";
import { deploy, get, goTo, machine, ran, SMALL_SIZE } from "../support/machine";
import { PROXIED, PROXY } from "../support/proxy";
import { CONTAINER, MIXED } from "../support/small-host";

const BRIDGE = "/sys/class/net/br-goblin-host/bridge";
/** llama.cpp is the only container, and out of the network, as every container was before 1.1. */
const ALONE = { ...MIXED, "goblin-host:workloads.llamacpp": { ...CONTAINER, network: "bridge" } };

let vm: Vm;

const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");
const read = async (command: string): Promise<string> => (await vm.run(command)).trim();
const networkId = (): Promise<string> => read("docker network inspect -f '{{.Id}}' goblin-host");
const ids = (): Promise<string> => read("docker inspect -f '{{.Id}}' llamacpp local-llm-proxy");

/** Waits for the proxy's first word: dockerd takes connections for it before it listens. */
const answers = (): Promise<string> =>
  vm.run(
    "until [ -n \"$(exec 3<>/dev/tcp/127.0.0.1/8090 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3)\" ]; do sleep 0.5; done 2>/dev/null",
    { timeoutSeconds: 180 },
  );

/** The stand-in for llama.cpp answers what was asked of the proxy. */
async function expectProxied(): Promise<void> {
  expect(await get(vm, 8090, "/health")).toBe("ok\n");
  expect(JSON.parse(await get(vm, 8090, "/status"))).toMatchObject({ name: "llama-server", pid: 1 });
}

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "applied", MIXED);
});

describe("the containers of a host", () => {
  it("reach each other by name: a request through a proxy is answered by its backend", async () => {
    const network = await networkId();
    const result = await deploy(vm, "up", { overrides: PROXIED });
    // The network was there for llama.cpp alone, and stays as it is.
    expect(ran(result)).not.toContain("network");
    expect(said(result)).toMatch(/local-llm-proxy.service: healthy/);
    await expectProxied();
    const lookup = 'require("node:dns").lookup("llamacpp", (_, address) => console.log(address))';
    expect(await read(`docker exec local-llm-proxy node --eval '${lookup}'`)).toBe(
      await read(
        `docker inspect -f '{{(index .NetworkSettings.Networks "goblin-host").IPAddress}}' llamacpp`,
      ),
    );
    expect(await networkId()).toBe(network);
  });

  it("are in one network, which says whose it is, and answer outside of it on loopback alone", async () => {
    const format =
      '{{index .Labels "goblin-host.owner"}} {{.Driver}} {{.EnableIPv6}} {{index .Options "com.docker.network.bridge.name"}}';
    expect(await read(`docker network inspect -f '${format}' goblin-host`)).toMatch(
      /^\S+\/sandbox-network-bundle bridge false br-goblin-host$/,
    );
    const modes = "docker inspect -f '{{.HostConfig.NetworkMode}}'";
    expect(await read(`${modes} llamacpp local-llm-proxy ai-resource-monitor`)).toBe(
      // The monitor asks the workloads how they are, on the host.
      "goblin-host\ngoblin-host\nhost",
    );
    expect(await read("ss -Hltn '( sport = :8080 or sport = :8090 )' | awk '{print $4}' | sort")).toBe(
      "127.0.0.1:8080\n127.0.0.1:8090",
    );
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    const again = await deploy(vm, "up", { overrides: PROXIED, expectNoChanges: true });
    expect(again.steps.filter(({ op }) => op !== "same")).toEqual([]);
  });

  itInLong("reach each other after one was made anew, and after a restart of dockerd", async () => {
    await vm.run("systemctl stop llamacpp; docker rm llamacpp >/dev/null");
    await deploy(vm, "up", { overrides: PROXIED });
    await vm.run("systemctl start llamacpp");
    await expectProxied();
    const before = await ids();
    await vm.run("systemctl restart docker");
    await answers();
    await expectProxied();
    expect(await ids()).toBe(before);
  });

  itInLong(
    "are put into the network again that a prune took while they were stopped, by a repair without Pulumi",
    async () => {
      const [network, containers] = [await networkId(), await ids()];
      await vm.run("systemctl stop local-llm-proxy llamacpp; docker network prune --force");
      const gone = "the Docker network is gone, as docker network prune leaves it";
      expect(await vm.run("ai-resource-manager verify network || [ $? = 3 ]")).toContain(gone);
      const preview = await deploy(vm, "preview", {
        overrides: { ...PROXIED, "goblin-host:observe": "required" },
      });
      expect(preview.steps.filter(({ op }) => op === "update").map(({ name }) => name)).toContain(
        "sandbox-network-bundle-apply",
      );
      const told = await vm.run("ai-resource-manager apply --stored", { timeoutSeconds: 600 });
      expect(told).toContain("made the Docker network goblin-host (bridge br-goblin-host)");
      for (const name of ["llamacpp", "local-llm-proxy"])
        expect(told).toContain(`put the container ${name} into the network goblin-host`);
      await expectProxied();
      expect(await ids()).toBe(containers);
      expect(await networkId()).not.toBe(network);
      expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
    },
  );

  itInLong("keep to themselves where one stays out of it", async () => {
    await goTo(vm, "applied", MIXED);
    // Nothing of it is asked of the other one before it counts as well.
    const alone = { ...PROXY, network: "bridge", health: { command: "true" } };
    const outside = { ...MIXED, "goblin-host:workloads.local-llm-proxy": alone };
    await deploy(vm, "up", { overrides: outside });
    await answers();
    expect(await get(vm, 8090, "/health")).toMatch(/^getaddrinfo (ENOTFOUND|EAI_AGAIN) llamacpp$/);
  });

  itInLong("are moved into it by an upgrade, and it goes with the last of them", async () => {
    await goTo(vm, "applied", MIXED);
    const left = await deploy(vm, "up", { overrides: ALONE });
    expect(said(left)).toContain("removed the Docker network goblin-host");
    expect(
      await read(`docker inspect -f '{{.HostConfig.NetworkMode}}' llamacpp; ls ${BRIDGE} 2>&1 || true`),
    ).toMatch(/^bridge\n.*No such file/);
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    // As 1.0 left it: in Docker's own bridge, and no network of ours.
    const upgraded = await deploy(vm, "up", { overrides: MIXED });
    expect(ran(upgraded)).toEqual(["network", "ready-llamacpp"]);
    expect(upgraded.steps.filter(({ op }) => /replace/.test(op)).map(({ name }) => name)).toContain(
      "sandbox-llamacpp-container",
    );
    expect(await read("docker inspect -f '{{.HostConfig.NetworkMode}}' llamacpp")).toBe("goblin-host");
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });
});
