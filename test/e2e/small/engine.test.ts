import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { KV_BYTES_PER_TOKEN } from "../../sandbox/llamacpp/random-model";
import type { Vm } from "../../sandbox/vm";
import { describeInLong } from "../support/long";
import { applyAll, bundles, installManager } from "../support/bundles";
import { get, goTo, machine, post, SMALL_SIZE } from "../support/machine";
import { BESIDE_ANOTHER_VM, mainPids, reachableDuring } from "../support/reach";
import { installRealEngine, startRealEngine } from "../support/real-engine";

const MiB = 1024 ** 2;
const SLICE = "ai.slice/ai-llamacpp.slice";
const GROUP = `${SLICE}/llamacpp.service`;
/** Tokens of context: 16 MiB of cache, and 1 GiB, which the kernel promises on a host of 2 GiB. */
const FITTING = 512;
const OUTGROWING = 32768;
const SECONDS = 180;

/** As a configuration has them, for a guest of 2 GiB. The hardening is the default: standard. */
const WORKLOADS = {
  ollama: { memory: { max: "256MiB" } },
  llamacpp: {
    memory: { max: "256MiB", swap: "64MiB" },
    cpu: { quota: "100%", cores: "1" },
    health: { http: "http://127.0.0.1:8080/health", timeout: "120s" },
  },
  "local-llm-proxy": { slice: "ai-proxy", memory: { max: "128MiB" } },
};
const OTHERS = ["ssh", "ai-resource-guard", "ollama", "local-llm-proxy"];

const untilKilled = readFileSync(join(import.meta.dirname, "../support/until-killed.sh"), "utf8");

let vm: Vm;

/** What it answers to a question that has one answer. */
async function complete(): Promise<{ choices: unknown; usage: unknown }> {
  const question = { prompt: "The host", max_tokens: 8, temperature: 0 };
  const text = await post(vm, 8080, "/v1/completions", question);
  const { choices, usage } = JSON.parse(text) as { choices: unknown; usage: unknown };
  return { choices, usage };
}

/** By cgroup, how many processes the kernel has killed for memory in it or below it. */
async function oomKills(): Promise<Record<string, number>> {
  const found = await vm.run(
    "cd /sys/fs/cgroup && grep -r --include=memory.events -H '^oom_kill [^0]' . || true",
  );
  return Object.fromEntries(
    [...found.matchAll(/^\.\/(.*)\/memory\.events:oom_kill (\d+)$/gm)].map(([, group, count]) => [
      group ?? "",
      Number(count),
    ]),
  );
}

async function othersAnswer(): Promise<void> {
  for (const port of [11434, 8090]) expect(await get(vm, port, "/health"), `port ${port}`).toBe("ok\n");
}

beforeAll(async () => {
  vm = machine(SMALL_SIZE);
  await goTo(vm, "clean");
  await installRealEngine(vm, FITTING);
  await installManager(vm);
  await applyAll(vm, [
    bundles.swap({ size: "256MiB" }),
    bundles.slices(WORKLOADS, { memory: "512MiB" }),
    // The last step waits until the engine says that it is well.
    ...Object.entries(WORKLOADS).map(([name, settings]) => bundles.workload(name, settings)),
  ]);
});

describeInLong("llama.cpp itself as the workload llamacpp", () => {
  it("runs in its cgroup under the declared limits, hardened, and answers a completion", async () => {
    const said = await vm.run("journalctl -q -o cat -u llamacpp");
    // The limit on its CPU time reaches it as the number of its threads.
    expect(said).toContain(
      `llama-server: loaded /srv/models/random.gguf: context ${FITTING}, threads 1, CPU : `,
    );
    const answer = await complete();
    expect(answer).toMatchObject({
      choices: [{ text: expect.stringMatching(/^[ -~]{8}$/) as string, finish_reason: "length" }],
      usage: { prompt_tokens: 10, completion_tokens: 8, total_tokens: 18 },
    });
    expect(await complete()).toEqual(answer);

    const pid = (await vm.run("systemctl show -P MainPID llamacpp")).trim();
    expect(await vm.run(`cat /proc/${pid}/cgroup /proc/${pid}/comm`)).toBe(`0::/${GROUP}\nllama-server\n`);
    const files = ["memory.max", "memory.swap.max", "memory.high", "cpu.max", "cpuset.cpus", "pids.max"];
    expect((await vm.run(`cd /sys/fs/cgroup/${GROUP} && cat ${files.join(" ")}`)).split("\n")).toEqual([
      ...[256 * MiB, 64 * MiB, "max", "100000 100000", "1", 4096].map(String),
      "",
    ]);
    const held = await vm.run(`sed -n 's/^anon //p' /sys/fs/cgroup/${GROUP}/memory.stat`);
    expect(Number(held)).toBeGreaterThan(FITTING * KV_BYTES_PER_TOKEN);
    const status = await vm.run(
      `grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp|Cpus_allowed_list):' /proc/${pid}/status; stat -c %U /proc/${pid}`,
    );
    expect(status.replaceAll("\t", " ")).toBe(
      "CapPrm: 0000000000000000\nCapEff: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\nCpus_allowed_list: 1\nllamacpp\n",
    );
    // What it sees of the host's files is read-only, but for the models.
    const written = `touch /opt/llama.cpp/x 2>&1; touch /srv/models/x && rm /srv/models/x && echo models`;
    expect(await vm.run(`nsenter --target ${pid} --mount sh -c '${written}'`)).toMatch(
      /Read-only file system\nmodels\n$/,
    );
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });

  it("that outgrows its limit is killed in its own cgroup, while the others and sshd answer", async () => {
    expect(await oomKills()).toEqual({});
    const answer = await complete();
    const before = await mainPids(vm, OTHERS);
    const { result, looks } = await reachableDuring(
      vm,
      async () => {
        await startRealEngine(vm, OUTGROWING);
        // Twice: it is started again, as its unit says, and is no better then.
        return vm.run(`bash -s ${SLICE} 1 ${SECONDS}`, { stdin: untilKilled });
      },
      othersAnswer,
      BESIDE_ANOTHER_VM,
    );
    expect(looks).toBeGreaterThanOrEqual(3);
    expect(Number(result)).toBeGreaterThan(0);
    expect(Number(result)).toBeLessThanOrEqual(64 * MiB);

    // The cgroup that was full, and the one that the process was in.
    const killed = (await vm.run("journalctl -q -k -o cat -g '^oom-kill:'")).trim().split("\n");
    expect(killed.length).toBeGreaterThanOrEqual(2);
    for (const line of killed)
      expect(line).toMatch(
        new RegExp(
          `constraint=CONSTRAINT_MEMCG,.*,oom_memcg=/${GROUP},task_memcg=/${GROUP},task=llama-server,`,
        ),
      );
    expect(await vm.run("journalctl -q -o cat -u llamacpp")).toContain(
      "A process of this unit has been killed by the OOM killer.",
    );
    // It was the kernel, not the guard of what stands still.
    expect(await vm.run("journalctl -q -o cat -u ai-resource-guard")).not.toContain("stood still");

    // Back at what fits.
    await startRealEngine(vm, FITTING);
    await vm.run(
      `for i in $(seq ${SECONDS}); do (exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '"ok"' <&3) 2>/dev/null && exit; sleep 1; done; exit 1`,
      { timeoutSeconds: 2 * SECONDS },
    );
    expect(await complete()).toEqual(answer);
    // A failed service's cgroup goes, and its counters with it; those above have counted them.
    const counted = Object.keys(await oomKills()).filter((group) => group !== GROUP);
    expect(counted.sort()).toEqual(["ai.slice", SLICE]);
    expect(await mainPids(vm, OTHERS)).toBe(before);
    expect(await vm.run("ai-resource-manager verify")).toContain("all holds");
  });
});
