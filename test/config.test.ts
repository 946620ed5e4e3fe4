import { afterEach, describe, expect, it, vi } from "vitest";
import { mockEngine } from "./components/mock-engine";

const HOST_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
const HOST = { address: "198.51.100.7", hostKey: HOST_KEY };
const WORKLOAD = { memory: { max: "8GiB" } };

afterEach(() => {
  vi.resetModules();
  vi.restoreAllMocks();
});

async function read(config: Record<string, unknown>, stack?: string) {
  await mockEngine({ hosts: { goblin: HOST }, ...config }, stack);
  const { readConfig } = await import("../config");
  return readConfig();
}

/** What the configuration is refused with. */
async function refusal(config: Record<string, unknown>, stack?: string): Promise<string> {
  try {
    await read(config, stack);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    expect(error.stack).toBeUndefined();
    return error.message;
  }
  throw new Error("the configuration was accepted");
}

const workload = (settings: object) => ({ workloads: { ollama: { ...WORKLOAD, ...settings } } });

describe("what is refused names the path, the value, what is allowed, and the command that mends it", () => {
  it("all of it at once", async () => {
    const message = await refusal({
      swap: { size: "16GB", prio: 3 },
      thresholds: { memory: 101 },
      workloads: { ollama: { memory: { max: "8GiB", high: "8GiB" }, cpu: { cores: "7-0" } } },
    });
    expect(message).toBe(`the configuration has 5 things to mend:

  goblin-host:swap.size is "16GB": "GB" could be 1000- or 1024-based, so it is written GiB or G
    allowed: a size: 512MiB, 16GiB, 1TiB (or 512M, 16G, 1T), 1024-based, at least 1MiB
    fix: pulumi config set --path 'goblin-host:swap.size' 16GiB
  goblin-host:swap.prio is 3: there is no such setting
    allowed: path, size, priority, swappiness
    fix: pulumi config rm --path 'goblin-host:swap.prio'
  goblin-host:workloads.ollama.memory.high is "8GiB": it must be below max, 8GiB (without it: none)
    allowed: a size: 512MiB, 16GiB, 1TiB (or 512M, 16G, 1T), 1024-based, at least 1MiB
    fix: pulumi config rm --path 'goblin-host:workloads.ollama.memory.high'
  goblin-host:workloads.ollama.cpu.cores is "7-0": the range 7-0 runs backwards
    allowed: a list of cores such as "0-3" or "0,2-5"
    fix: pulumi config set --path 'goblin-host:workloads.ollama.cpu.cores' 0-7
  goblin-host:thresholds.memory is 101: that is more than 100
    allowed: a whole number from 1 to 100
    fix: pulumi config set --path 'goblin-host:thresholds.memory' 100
`);
  });

  const cases: [what: string, config: Record<string, unknown>, expected: string[]][] = [
    [
      "a misspelt key",
      { swapp: {} },
      ["goblin-host:swapp", "did you mean swap?", "pulumi config rm 'goblin-host:swapp'"],
    ],
    [
      "a map that is none",
      { zram: 5 },
      ["goblin-host:zram is 5", "a map of size, algorithm", "config rm --path 'goblin-host:zram'"],
    ],
    ["a negative size", { swap: { size: "-1GiB" } }, ["cannot be negative", "swap.size' 16GiB"]],
    ["a size of 0", { swap: { size: 0 } }, ["is 0: a size of 0", "swap.size' 16GiB"]],
    ["a size without unit", { swap: { size: 1.5 } }, ["is 1.5: a size needs a unit", "swap.size' 2GiB"]],
    ["a fraction", { swap: { size: "1.5GiB" } }, ["whole number of its unit", "swap.size' 1536MiB"]],
    ["a size beyond any host", { swap: { size: "100TiB" } }, ["more than 64TiB"]],
    [
      "a workload's memory of 0",
      workload({ memory: { max: "0" } }),
      ['workloads.ollama.memory.max is "0"', "memory.max' 8GiB"],
    ],
    [
      "a workload without memory",
      { workloads: { ollama: {} } },
      ["workloads.ollama.memory.max is missing", "memory.max' 8GiB"],
    ],
    [
      "low above high",
      workload({ memory: { max: "8GiB", high: "7GiB", low: "8GiB" } }),
      ["must not be above high, 7GiB", "rm --path"],
    ],
    [
      "GPUs, and none of them",
      workload({ memory: { max: "8GiB" }, gpu: { devices: [] } }),
      ["workloads.ollama.gpu.devices is []", "a list of one or more of", "gpu.devices' '[\"0\"]'"],
    ],
    [
      "low above max",
      workload({ memory: { max: "8GiB", low: "9GiB" } }),
      ["must not be above max, 8GiB", "rm --path"],
    ],
    ["quota 0", workload({ cpu: { quota: 0 } }), ["a quota of 0 would stop the workload"]],
    [
      "a quota without percent",
      workload({ cpu: { quota: 2 } }),
      ["needs its percent sign", "cpu.quota' 200%"],
    ],
    [
      "a weight out of range",
      workload({ io: 20000 }),
      ["workloads.ollama.io is 20000", "high, medium, low, a weight from 1 to 10000", "io' 10000"],
    ],
    ["an unknown IO class", workload({ io: "fast" }), ['workloads.ollama.io is "fast"', "io' medium"]],
    [
      "a profile that hides the GPUs that are named",
      workload({ hardening: "standard", gpu: { devices: ["0"] } }),
      [
        'workloads.ollama.hardening is "standard"',
        "hides every device",
        "gpu, none, or except",
        "hardening' gpu",
      ],
    ],
    ["an unknown profile", workload({ hardening: "hard" }), ["standard, gpu, none", "hardening' standard"]],
    [
      "an unknown exception",
      workload({ hardening: { except: ["User"] } }),
      ['hardening.except[0] is "User"', "ProtectHome"],
    ],
    [
      "a unit with a slash",
      workload({ unit: "a/b.service" }),
      ['workloads.ollama.unit is "a/b.service"', "rm --path"],
    ],
    ["a unit with a newline", workload({ unit: "a.service\n" }), ['is "a.service\\n"']],
    ["a unit that is no service", workload({ unit: "a.socket" }), ["NAME.service"]],
    ["a unit of the system", workload({ unit: "ssh.service" }), ["part of the system"]],
    ["a nested slice", workload({ slice: "ai-local-llm" }), ["ai- and one word"]],
    [
      "a name with a dot",
      { workloads: { "a.b": WORKLOAD } },
      [`workloads["a.b"]`, "a name begins with a small letter"],
    ],
    [
      "a variable with a newline",
      workload({ environment: { A: "x\nB=y" } }),
      ['environment.A is "x\\nB=y"', "line break"],
    ],
    [
      "a variable's name",
      workload({ environment: { "A B": "x" } }),
      [`environment["A B"]`, "letters, digits and _"],
    ],
    ["an image without container", workload({ image: "ollama" }), ["needs runtime: container"]],
    [
      "two workloads with one unit",
      { workloads: { a: WORKLOAD, b: { ...WORKLOAD, unit: "a.service" } } },
      ['workloads.b.unit is "a.service": workload a has the same unit', "unit' b.service"],
    ],
    [
      "two workloads with one slice",
      { workloads: { ab: WORKLOAD, "a-b": WORKLOAD } },
      ["has the same slice"],
    ],
    [
      "workloads on reserved cores",
      { reserve: { cores: "0-1" }, ...workload({ cpu: { cores: "0-7" } }) },
      ["cores 0-1 are kept for the system", "cpu.cores' 2-7"],
    ],
    [
      "swap before zram",
      { swap: { priority: 100 } },
      ["must be below zram's priority, 100", "swap.priority' 99"],
    ],
    [
      "a zram limit above its size",
      { zram: { size: "2GiB" } },
      ["goblin-host:zram.memoryLimit", "zram.memoryLimit' 1024MiB".replace("1024MiB", "1GiB")],
    ],
    [
      "EarlyOOM backwards",
      { earlyOom: { killMemoryPercent: 10 } },
      ["before they are killed", "killMemoryPercent' 5"],
    ],
    ["no hosts", { hosts: {} }, ["at least one host", "'goblin-host:hosts.goblin.address' ADDRESS"]],
    [
      "no address",
      { hosts: { goblin: { hostKey: HOST_KEY } } },
      ["hosts.goblin.address is missing: it is required"],
    ],
    [
      "no host key",
      { hosts: { goblin: { address: "a" } } },
      ["hosts.goblin.hostKey is missing", "ssh-keyscan -t ed25519"],
    ],
    [
      "an RSA key",
      { hosts: { goblin: { ...HOST, hostKey: "ssh-rsa AAAA" } } },
      ["RSA host keys cannot be checked"],
    ],
    [
      "a damaged key",
      { hosts: { goblin: { ...HOST, hostKey: HOST_KEY.slice(0, -4) } } },
      ["cut short or damaged"],
    ],
    [
      "a host's own mistake",
      { hosts: { goblin: { ...HOST, swap: { size: "4GB" } } } },
      ["goblin-host:hosts.goblin.swap.size is", "'goblin-host:hosts.goblin.swap.size' 4GiB"],
    ],
    [
      "a key and no check",
      { hosts: { goblin: { ...HOST, insecureSkipHostKeyCheck: "true" } } },
      ["is switched off"],
    ],
    [
      "a key in the hosts map",
      { hosts: { goblin: { ...HOST, privateKey: "x" } } },
      ["hosts.goblin.privateKey", "there is no such setting"],
    ],
    ["an unknown observation", { observe: "yes" }, ['observe is "yes"', "auto, required, warn, off"]],
    ["a host's name", { hosts: { "Goblin 1": HOST } }, ["a host's name begins with a small letter"]],
  ];
  it.each(cases)("%s", async (_, config, expected) => {
    const message = await refusal(config);
    for (const text of expected) expect(message).toContain(text);
  });

  it("an unchecked host in a stack named prod", async () => {
    const config = { hosts: { goblin: { address: "a", insecureSkipHostKeyCheck: true } } };
    expect(await refusal(config, "prod")).toContain("a stack named prod always checks the host's key");
    await expect(read(config, "dev")).resolves.toBeDefined();
  });

  it("one mistake shared by two hosts once", async () => {
    const message = await refusal({ hosts: { a: HOST, b: HOST }, swap: { size: "16GB" } });
    expect(message).toContain("has one thing to mend");
  });
});

describe("what is accepted", () => {
  it("numbers and their digits alike", async () => {
    const config = {
      zram: { priority: "50" },
      swap: { priority: 10 },
      ...workload({ cpu: { cores: 0 }, io: "70", tasks: "512" }),
    };
    await expect(read(config)).resolves.toBeDefined();
  });

  it("a host's settings over the shared ones, deeply; null takes one back", async () => {
    const { hosts } = await read({
      hosts: { b: { ...HOST, swap: { size: "4GiB", priority: null } }, a: HOST },
      swap: { size: "8GiB", priority: 20, swappiness: 5 },
    });
    expect(hosts.map(({ name, settings }) => [name, settings.swap])).toEqual([
      ["a", { size: "8GiB", priority: 20, swappiness: 5 }],
      ["b", { size: "4GiB", swappiness: 5 }],
    ]);
    expect(hosts.map(({ settingPath }) => settingPath("swap.size"))).toEqual([
      "goblin-host:swap.size",
      "goblin-host:hosts.b.swap.size",
    ]);
  });

  it("null wherever a setting may be left out", async () => {
    await expect(
      read({ reserve: { memory: "2GiB", cores: null }, monitor: { listen: null } }),
    ).resolves.toBeDefined();
  });

  it("what an operator should think about, and says so", async () => {
    const { log } = await import("@pulumi/pulumi");
    const warn = vi.spyOn(log, "warn").mockResolvedValue();
    await read({
      observe: "required",
      thresholds: { memory: 85 },
      monitor: {},
      ...workload({ runtime: "container", image: "ollama/ollama:0.6.5", cpu: { cores: "0-3" } }),
    });
    const told = warn.mock.calls.map(([message]) => message);
    expect(told.join("\n")).toContain(
      "pinned to cores 0-3: on a host with 4 cores nothing is left for the system alone",
    );
    expect(told.join("\n")).toContain("198.51.100.7 is one for documentation");
  });

  it("a private key only as a secret", async () => {
    const { privateKey } = await read({ privateKey: "not a real key" });
    const { isSecret } = await import("@pulumi/pulumi");
    expect(privateKey).toBeDefined();
    if (privateKey !== undefined) expect(await isSecret(privateKey)).toBe(true);
  });
});
