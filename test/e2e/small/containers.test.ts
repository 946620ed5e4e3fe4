import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../sandbox/vm";
import { difference, fingerprint } from "../support/fingerprint";
import { itInLong } from "../support/long";
import { deploy, get, goTo, machine, ran, SMALL_SIZE, tryDeploy } from "../support/machine";
import { mainPids } from "../support/reach";
import { CONTAINER, MIXED, SERVICE, SMALL } from "../support/small-host";

const MiB = 1024 ** 2;

const SLICE = "/sys/fs/cgroup/ai.slice/ai-llamacpp.slice";

let vm: Vm;
let before: string[];

const read = async (command: string): Promise<string[]> => (await vm.run(command)).trim().split("\n");
const runningContainers = (): Promise<string[]> => read("docker ps --format '{{.Names}}' | sort");

/** What the kernel holds for the container, in its slice and in its own scope. */
async function expectLimits(): Promise<void> {
  const files = (folder: string, names: readonly string[]) =>
    read(`cd ${folder} && head -qn 1 ${names.join(" ")}`);
  const disk = (await vm.run("cat /sys/block/vda/dev")).trim();
  expect(
    await files(SLICE, [
      "memory.max",
      "memory.high",
      "memory.low",
      "memory.swap.max",
      "cpu.max",
      "cpuset.cpus",
      "pids.max",
      "io.bfq.weight",
      "io.max",
    ]),
    "slice",
  ).toEqual([
    String(192 * MiB),
    "max",
    String(48 * MiB),
    "0",
    "50000 100000",
    "1",
    "64",
    "default 80",
    `${disk} rbps=max wbps=${50 * MiB} riops=max wiops=max`,
  ]);
  expect(
    await files(`${SLICE}/docker-*.scope`, ["memory.max", "memory.swap.max", "cpu.max", "cpuset.cpus"]),
    "scope",
  ).toEqual([String(192 * MiB), String(MiB), "50000 100000", "1"]);
  const monitor = "/sys/fs/cgroup/airm.slice";
  expect(
    await files(monitor, ["memory.max", "memory.swap.max", "cpu.max", "io.bfq.weight", "pids.max"]),
    "monitor's slice",
  ).toEqual([String(128 * MiB), "0", "100000 100000", "default 50", "128"]);
  expect(
    await files(`${monitor}/docker-*.scope`, ["memory.max", "memory.swap.max", "cpu.max"]),
    "monitor's scope",
  ).toEqual([String(128 * MiB), String(MiB), "100000 100000"]);
  expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
}

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "clean");
  before = await fingerprint(vm);
  await goTo(vm, "applied", MIXED);
});

describe("a host with a container among its services", () => {
  it("holds its limits twice, in its slice and its scope, and has no rights", async () => {
    await expectLimits();
    expect(await runningContainers()).toEqual(["ai-resource-monitor", "llamacpp"]);
    for (const port of [11434, 8080, 8090]) expect(await get(vm, port, "/health")).toBe("ok\n");
    for (const name of ["llamacpp", "ai-resource-monitor"]) {
      const status = await vm.run(
        `grep -hE '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' /proc/$(docker inspect -f '{{.State.Pid}}' ${name})/status`,
      );
      expect(status.replaceAll("\t", " "), name).toBe(
        "CapPrm: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n",
      );
    }
    expect(
      await vm.run("docker exec llamacpp /bin/sh -c 'touch /etc/x 2>&1 || touch /tmp/x && echo tmp'"),
    ).toMatch(/Read-only file system\ntmp\n$/);
  });

  it("a second deployment changes nothing", async () => {
    const ids = await read("docker ps -q --no-trunc");
    const again = await deploy(vm, "up", { overrides: MIXED, expectNoChanges: true });
    expect(ran(again)).toEqual([]);
    expect(again.steps.filter(({ op }) => op !== "same")).toEqual([]);
    expect(await read("docker ps -q --no-trunc")).toEqual(ids);
  });

  it("is reached by the specification's commands, and shown by the monitor", async () => {
    const [id] = await read("docker inspect -f '{{.State.StartedAt}}' llamacpp");
    await vm.run("systemctl restart llamacpp && systemctl is-active llamacpp");
    await vm.run('until [ -n "$(docker ps -q -f name=llamacpp)" ]; do sleep 0.2; done');
    expect(await read("docker inspect -f '{{.State.StartedAt}}' llamacpp")).not.toEqual([id]);
    await vm.run(
      "for i in $(seq 60); do journalctl -q -u llamacpp -o cat | grep -q 'listening on 0.0.0.0:8080' && break; sleep 1; done",
      { timeoutSeconds: 120 },
    );
    expect(
      await vm.run("systemctl status llamacpp --no-pager; journalctl -q -u llamacpp -n 20 -o cat"),
    ).toMatch(
      /AI workload llamacpp \(container\)[^]*Active: active \(running\)[^]*llama-server: listening on 0.0.0.0:8080/,
    );
    // The share of a service that has just started takes two looks.
    await vm.run("ai-resource-monitor --collect; sleep 1; ai-resource-monitor --collect");
    expect(await vm.run("ai-resource-monitor.sh --display")).toMatch(
      /^ {2}llamacpp: [0-9.]+MB \/ 192MB \([0-9]+%\) CPU: [0-9]+%$/m,
    );
  });

  it("keeps them through a reload of systemd and a restart of dockerd", async () => {
    const ids = await read("docker inspect -f '{{.State.Pid}}' llamacpp ai-resource-monitor");
    await vm.run("systemctl daemon-reload");
    await expectLimits();
    // The unit's client attaches again five seconds later: that is no drift.
    const attach = "systemctl kill --kill-whom=main --signal=KILL llamacpp && ai-resource-manager verify";
    expect(await vm.run(attach)).toContain("all holds");
    await vm.run("systemctl restart docker");
    await expectLimits();
    // live-restore: the same processes.
    expect(await read("docker inspect -f '{{.State.Pid}}' llamacpp ai-resource-monitor")).toEqual(ids);
  });

  itInLong("keeps them over a reboot", async () => {
    await vm.reboot();
    // Docker starts one after the other, and not in an order that anybody asked for.
    await vm.run(
      `until ai-resource-monitor --display >/dev/null 2>&1 && [ "$(docker inspect -f '{{.State.Running}}' llamacpp)" = true ] &&
        (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; do sleep 1; done`,
      { timeoutSeconds: 120 },
    );
    expect(await runningContainers()).toEqual(["ai-resource-monitor", "llamacpp"]);
    await expectLimits();
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
  });

  it("is killed at its limit and starts again, and nobody else is touched", async () => {
    const others = ["ssh", "docker", "ollama", "local-llm-proxy", "earlyoom"];
    const pids = await mainPids(vm, others);
    const started = await read("docker inspect -f '{{.State.StartedAt}} {{.RestartCount}}' llamacpp");
    // No answer comes: who should give it is killed.
    await vm.ssh(
      "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /allocate?mib=400 HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3",
    );
    const result = await vm.run(
      // A redirection that fails ends its shell, hence the brackets.
      "until (exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && [ \"$(tail -n 1 <&3)\" = ok ]) 2>/dev/null; do sleep 0.5; done; echo up",
      { timeoutSeconds: 90 },
    );
    expect(result).toBe("up\n");
    expect(await read("docker inspect -f '{{.State.StartedAt}} {{.RestartCount}}' llamacpp")).not.toEqual(
      started,
    );
    expect(await mainPids(vm, others)).toBe(pids);
    expect(await vm.run(`grep -h '^oom_kill ' ${SLICE}/memory.events`)).toMatch(/^oom_kill [1-9]/);
    // Docker has restarted it at once; its unit follows within RestartSec.
    await vm.run(
      "for i in $(seq 60); do systemctl is-active --quiet llamacpp && exit; sleep 0.5; done; exit 1",
    );
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
  });

  // Its parent and it evict each other's code at the limit, where the kernel may never kill: the guard does.
  it("a child in it that takes too much is killed, though the two only thrash", async () => {
    await goTo(vm, "applied", MIXED);
    const others = ["ssh", "docker", "ollama", "local-llm-proxy", "earlyoom", "ai-resource-guard"];
    const pids = await mainPids(vm, others);
    const started = await read("docker inspect -f '{{.State.StartedAt}}' llamacpp");
    expect(await get(vm, 8080, "/allocate?mib=400&child=1")).toBe("a child takes 400 MiB\n");
    await vm.run(
      `until [ "$(wc -l < "$(echo ${SLICE}/docker-*.scope)/cgroup.procs")" = 1 ]; do sleep 0.5; done`,
      {
        timeoutSeconds: 120,
      },
    );
    expect(await get(vm, 8080, "/status")).toMatch(/"children":0/);
    expect(await read("docker inspect -f '{{.State.StartedAt}}' llamacpp")).toEqual(started);
    expect(await mainPids(vm, others)).toBe(pids);
    // One of the two killed it, whoever came first.
    expect(
      await vm.run(
        `journalctl -q -u ai-resource-guard -o cat | grep 'stood still'; grep -h '^oom_kill [1-9]' ${SLICE}/memory.events; :`,
      ),
    ).not.toBe("");
  });

  it("altered on the host it shows in the preview by value, and up repairs only that", async () => {
    await goTo(vm, "applied", MIXED);
    await vm.run("docker update --memory 96m --memory-swap 128m llamacpp >/dev/null");
    const preview = await deploy(vm, "preview", { overrides: MIXED });
    expect(preview.steps.filter(({ op }) => op !== "same").map(({ name, op }) => [op, name])).toEqual([
      ["update", "sandbox-llamacpp-container"],
    ]);
    await deploy(vm, "up", { overrides: MIXED });
    await expectLimits();
    await vm.run("systemctl stop llamacpp; docker rm llamacpp >/dev/null");
    await deploy(vm, "up", { overrides: MIXED });
    await vm.run("systemctl start llamacpp");
    await expectLimits();
  });

  itInLong(
    "becomes a service and a container again by one edit, the old form gone first, its volume kept",
    async () => {
      await goTo(vm, "applied", MIXED);
      await vm.run(
        "docker run --rm -v llama-data:/data --entrypoint /bin/sh goblin-sandbox/workload -c 'echo mine >/data/model'",
      );
      const asService = { ...SMALL, "goblin-host:workloads.llamacpp": SERVICE };
      const result = await deploy(vm, "up", { overrides: asService });
      expect(ran(result)).toContain("workload-llamacpp");
      const receipts = result.diagnostics.map(({ message }) => message).join("\n");
      expect(receipts).toMatch(
        /stopped the container llamacpp: llamacpp.service takes its place[^]*started llamacpp.service[^]*llamacpp.service: healthy/,
      );
      expect(await runningContainers()).toEqual(["ai-resource-monitor"]);
      expect(
        await vm.run("docker ps -aq -f name=llamacpp | wc -l; systemctl show -p MemoryMax --value llamacpp"),
      ).toBe(`0\n${192 * MiB}\n`);
      const back = await deploy(vm, "up", { overrides: MIXED });
      expect(back.diagnostics.map(({ message }) => message).join("\n")).toContain(
        "stopped llamacpp.service: the container llamacpp takes its place",
      );
      await expectLimits();
      expect(
        await vm.run(
          "docker run --rm -v llama-data:/data --entrypoint /bin/cat goblin-sandbox/workload /data/model",
        ),
      ).toBe("mine\n");
    },
  );

  itInLong(
    "that never becomes well fails the deployment with its last lines; the next one heals",
    async () => {
      await goTo(vm, "applied", MIXED);
      const sick = {
        ...MIXED,
        "goblin-host:workloads.llamacpp": {
          ...CONTAINER,
          command: ["llama-server", "9999"],
          health: { ...CONTAINER.health, timeout: "10s" },
        },
      };
      const failed = await tryDeploy(vm, "up", { overrides: sick });
      expect(failed.exitCode).toBe(1);
      const said = failed.diagnostics.map(({ message }) => message).join("\n");
      expect(said).toMatch(
        /llamacpp.service did not become healthy within 10 s \(GET http:\/\/127.0.0.1:8080\/health: no answer\). Its last lines:\n.*listening on 0.0.0.0:9999/,
      );
      expect(said).toContain(
        "To go back, give goblin-host:workloads.llamacpp the value it had before and run pulumi up",
      );
      await deploy(vm, "up", { overrides: MIXED });
      await expectLimits();
      expect(await get(vm, 8080, "/health")).toBe("ok\n");
    },
  );

  itInLong(
    "behind a dockerd that is stopped is named by the deployment, and runs again with the next",
    async () => {
      await goTo(vm, "applied", MIXED);
      await vm.run("systemctl stop docker.socket docker");
      const failed = await tryDeploy(vm, "up", { overrides: MIXED });
      expect(failed.exitCode).toBe(1);
      expect(failed.diagnostics.map(({ message }) => message).join("\n")).toMatch(
        /Cannot connect to the Docker daemon|Error pinging Docker server/i,
      );
      await vm.run("ai-resource-manager apply --stored docker");
      await deploy(vm, "up", { overrides: MIXED });
      expect(await runningContainers()).toEqual(["ai-resource-monitor", "llamacpp"]);
    },
  );

  itInLong("an image that does not exist is named, and nothing else has changed", async () => {
    await goTo(vm, "applied", MIXED);
    const missing = {
      ...MIXED,
      "goblin-host:workloads.llamacpp": { ...CONTAINER, image: "no.such.registry.invalid/llama:1" },
    };
    const failed = await tryDeploy(vm, "up", { overrides: missing });
    expect(failed.exitCode).toBe(1);
    expect(failed.diagnostics.map(({ message }) => message).join("\n")).toContain(
      "no.such.registry.invalid/llama:1",
    );
    expect(await get(vm, 8080, "/health")).toBe("ok\n");
  });

  itInLong(
    "destroy leaves no container, image, slice, socket or timer, and keeps history, log and volume",
    async () => {
      await goTo(vm, "applied", MIXED);
      await vm.run("ai-resource-monitor --collect; echo kept >>/var/log/ai-monitoring/alerts.log");
      await deploy(vm, "destroy", { overrides: MIXED });
      expect(await vm.run("cat /var/log/ai-monitoring/alerts.log | tail -n 1")).toBe("kept\n");
      const left = difference(before, await fingerprint(vm)).filter(
        (line) => !/\/var\/lib\/ai-resource-monitor/.test(line),
      );
      expect(left).toEqual([]);
      expect(
        await vm.run(
          "ls -d /run/ai-resource-* 2>/dev/null; systemctl list-timers --no-legend 'ai-resource*'",
        ),
      ).toBe("");
      // It stands as it was found: asleep.
      await vm.run("systemctl start docker");
      expect(
        await vm.run(
          "docker ps -aq; docker images -q goblin-host/monitor; docker network ls -q --filter type=custom; docker volume ls -q",
        ),
      ).toBe("llama-data\n");
    },
  );
});
