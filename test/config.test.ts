import { afterEach, describe, expect, it, vi } from "vitest";
import { mockEngine } from "./components/mock-engine";

const HOST_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
const HOST = { address: "198.51.100.7", hostKey: HOST_KEY };
const OTHER = { ...HOST, address: "198.51.100.8" };
const WORKLOAD = { memory: { max: "8GiB" } };
/** What an address that the internet reaches needs. */
const ACCESS = {
  token: "/etc/ai-resource-monitor/listen.token",
  certificate: "/etc/ai-resource-monitor/c.pem",
  key: "/etc/ai-resource-monitor/k.pem",
};

afterEach(() => {
  vi.resetModules();
  vi.restoreAllMocks();
});

async function read(config: Record<string, unknown>, stack?: string, secrets?: readonly string[]) {
  await mockEngine({ hosts: { goblin: HOST }, ...config }, stack, secrets);
  const { readConfig } = await import("../config");
  return readConfig();
}

/** What the configuration is refused with. */
async function refusal(
  config: Record<string, unknown>,
  stack?: string,
  secrets?: readonly string[],
): Promise<string> {
  try {
    await read(config, stack, secrets);
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
    [
      "a swapfile's path with a blank",
      { swap: { path: "/srv/swap file" } },
      ['is "/srv/swap file": that is no such path', "letters, digits and . _ + @ -", "swap.path' /swapfile"],
    ],
    [
      "one with a backslash",
      { swap: { path: "/srv\\swap" } },
      ["that is no such path", "swap.path' /swapfile"],
    ],
    [
      "one whose unit's name is too long",
      { swap: { path: `/srv/${"-".repeat(40)}` } },
      ["the name of its unit would be too long", "swap.path' /swapfile"],
    ],
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
      "a network that is none of the two",
      workload({ network: "host" }),
      ['workloads.ollama.network is "host"', "shared, bridge", "ollama.network' shared"],
    ],
    [
      "GPUs, and none of them",
      workload({ memory: { max: "8GiB" }, gpu: { devices: [] } }),
      [
        "workloads.ollama.gpu.devices is []",
        "a list of one or more of",
        "set --path 'goblin-host:workloads.ollama.gpu.devices[0]' 0",
      ],
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
    [
      "a render node of a GPU whose vendor has none, by default",
      workload({ gpu: { devices: ["/dev/dri/renderD128"] } }),
      [
        'workloads.ollama.gpu.vendor is by default "nvidia": only AMD\'s GPUs',
        "allowed: nvidia, amd",
        "gpu.vendor' amd",
      ],
    ],
    [
      "a VRAM threshold that nothing measures",
      workload({ gpu: { vendor: "amd", devices: ["0"], vramThreshold: 90 } }),
      ["workloads.ollama.gpu.vramThreshold is 90: the monitor measures NVIDIA's GPUs only", "rm --path"],
    ],
    [
      "a render node, and no device list to give it by",
      workload({ gpu: { vendor: "amd", devices: ["/dev/dri/renderD128"] }, hardening: "none" }),
      ['workloads.ollama.hardening is "none": this leaves out the device list', "hardening' gpu"],
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
      "a key for what is no llama-server",
      workload({ apiKeyFile: "/etc/ai-resource-monitor/a.key" }),
      ["only a llama-server is asked with a key"],
    ],
    ["a key elsewhere", workload({ apiKeyFile: "/root/a.key" }), ["with .key at its end"]],
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
      "a bastion without its key, and with its port in its address",
      { hosts: { goblin: { ...HOST, proxyJump: { address: "198.51.100.1:2222" } } } },
      [
        "hosts.goblin.proxyJump.hostKey is missing",
        "without the bastion's key nobody can tell who answers",
        'hosts.goblin.proxyJump.address is "198.51.100.1:2222": its port is a setting of its own: port',
        "has 2 things to mend",
      ],
    ],
    [
      "two hosts that are one machine behind one bastion",
      {
        hosts: Object.fromEntries(
          ["a", "b"].map((name) => [
            name,
            { ...HOST, proxyJump: { ...OTHER, port: name === "a" ? 22 : "22" } },
          ]),
        ),
      },
      ["host a has the same address and port"],
    ],
    [
      "a key in the hosts map",
      { hosts: { goblin: { ...HOST, privateKey: "x" } } },
      ["hosts.goblin.privateKey", "there is no such setting"],
    ],
    ["an unknown observation", { observe: "yes" }, ['observe is "yes"', "auto, required, warn, off"]],
    [
      "two hosts that are one machine",
      {
        hosts: { a: { ...HOST, address: "Web.example", port: "22" }, b: { ...HOST, address: "web.EXAMPLE" } },
      },
      [
        'hosts.b.address is "web.EXAMPLE": host a has the same address and port, and a machine is one host\'s',
        "remove the old name and list it: hosts.NEW.formerly",
        "pulumi config set --path 'goblin-host:hosts.b.address' ADDRESS",
      ],
    ],
    [
      "a host under a name that another had",
      { hosts: { goblin: HOST, vps: { ...HOST, formerly: ["goblin"] } } },
      [
        'hosts.goblin is "goblin": host vps had this name (formerly)',
        "pulumi config rm --path 'goblin-host:hosts.goblin'",
        "has one thing to mend",
      ],
    ],
    [
      "two hosts with one former name",
      { hosts: { a: { ...HOST, formerly: ["c"] }, b: { ...OTHER, formerly: ["d", "c"] } } },
      ['hosts.b.formerly[1] is "c": host a had that name too', "rm --path 'goblin-host:hosts.b.formerly[1]'"],
    ],
    [
      "a former name that is none",
      { hosts: { goblin: { ...HOST, formerly: ["Old Name"] } } },
      ['hosts.goblin.formerly[0] is "Old Name"', "rm --path 'goblin-host:hosts.goblin.formerly[0]'"],
    ],
    [
      "former names that all hosts would share",
      { formerly: ["a"] },
      ["goblin-host:formerly: there is no such setting"],
    ],
    [
      "a host's name",
      { hosts: { "Goblin 1": HOST } },
      ["that is no host's name", "a name begins with a small letter"],
    ],
  ];
  it.each(cases)("%s", async (_, config, expected) => {
    const message = await refusal(config);
    for (const text of expected) expect(message).toContain(text);
  });

  it("an unchecked host in a stack for production", async () => {
    const config = { hosts: { goblin: { address: "a", insecureSkipHostKeyCheck: true } } };
    expect(await refusal(config, "prod")).toContain("a stack for production always checks the host's key");
    await expect(read(config, "dev")).resolves.toBeDefined();
    const proxyJump = { address: "b", insecureSkipHostKeyCheck: true };
    expect(await refusal({ hosts: { goblin: { ...HOST, proxyJump } } }, "prod")).toContain(
      "a stack for production always checks the bastion's key",
    );
  });

  it("one mistake shared by two hosts once", async () => {
    const message = await refusal({ hosts: { a: HOST, b: OTHER }, swap: { size: "16GB" } });
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
      hosts: { b: { ...OTHER, swap: { size: "4GiB", priority: null } }, a: HOST },
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

  it("one address behind two bastions, and behind none", async () => {
    const hosts = {
      a: { ...HOST, proxyJump: OTHER },
      b: { ...HOST, proxyJump: { ...OTHER, address: "198.51.100.9" } },
      c: HOST,
    };
    expect((await read({ hosts })).hosts.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  it("a host that has its first name again, and one behind a forwarded port of another", async () => {
    const again = { ...HOST, formerly: ["goblin", "vps"] };
    await expect(read({ hosts: { goblin: again, behind: { ...HOST, port: 2222 } } })).resolves.toBeDefined();
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

  it("a private key only as a secret, and with what it takes to use it", async () => {
    const { log } = await import("@pulumi/pulumi");
    const warn = vi.spyOn(log, "warn").mockResolvedValue();
    const { privateKey } = await read({ privateKey: "not a real key" }, "test", ["privateKey"]);
    const { isSecret } = await import("@pulumi/pulumi");
    expect(privateKey).toBeDefined();
    if (privateKey !== undefined) expect(await isSecret(privateKey)).toBe(true);
    const told = () => warn.mock.calls.map(([message]) => message).join("\n");
    expect(told()).toContain("set PULUMI_RUN_PROGRAM=true");
    warn.mockClear();
    vi.stubEnv("PULUMI_RUN_PROGRAM", "true");
    vi.resetModules();
    await read({ privateKey: "not a real key" }, "test", ["privateKey"]);
    vi.unstubAllEnvs();
    expect(told()).not.toContain("PULUMI_RUN_PROGRAM");
  });
});

describe("secrets", () => {
  const workloads = { ollama: WORKLOAD, llamacpp: WORKLOAD };

  it("are each host's by workload, its own over the shared ones", async () => {
    const { hosts } = await read(
      {
        workloads: { ollama: WORKLOAD },
        hosts: { a: HOST, b: { ...OTHER, workloads: { llamacpp: WORKLOAD } } },
        credentials: { ollama: { TOKEN: "shared", PIN: 1234 }, llamacpp: { KEY: "k" } },
        hostCredentials: { b: { ollama: { TOKEN: "own" } } },
      },
      "test",
      ["credentials", "hostCredentials"],
    );
    expect(hosts.map(({ name, credentials }) => [name, credentials])).toEqual([
      ["a", { ollama: { TOKEN: "shared", PIN: "1234" } }],
      ["b", { ollama: { TOKEN: "own", PIN: "1234" }, llamacpp: { KEY: "k" } }],
    ]);
  });

  it("are refused in any other place, whatever else is wrong, with the place where they belong", async () => {
    const config = {
      workloads: { ollama: { ...WORKLOAD, environment: { TOKEN: "" }, unit: "hunter2" } },
      swap: { size: "hunter2" },
    };
    expect(await refusal(config, "test", ["workloads", "swap", "hosts"])).toBe(
      `the configuration has 3 things to mend:

  goblin-host:hosts holds a secret, which would be plain text in Pulumi's state, in previews and on the host
    allowed: goblin-host:privateKey, goblin-host:credentials, goblin-host:hostCredentials, goblin-host:monitorCredentials, goblin-host:hostMonitorCredentials, goblin-host:prometheusCredentials, goblin-host:hostPrometheusCredentials
    fix: pulumi config set --path --secret 'goblin-host:hostCredentials.HOST.WORKLOAD.NAME', and pulumi config rm --path of the secret in goblin-host:hosts
  goblin-host:workloads holds a secret, which would be plain text in Pulumi's state, in previews and on the host
    allowed: goblin-host:privateKey, goblin-host:credentials, goblin-host:hostCredentials, goblin-host:monitorCredentials, goblin-host:hostMonitorCredentials, goblin-host:prometheusCredentials, goblin-host:hostPrometheusCredentials
    fix: pulumi config set --path --secret 'goblin-host:credentials.WORKLOAD.NAME', and pulumi config rm --path 'goblin-host:workloads.WORKLOAD.environment.NAME'
  goblin-host:swap holds a secret, which would be plain text in Pulumi's state, in previews and on the host
    allowed: goblin-host:privateKey, goblin-host:credentials, goblin-host:hostCredentials, goblin-host:monitorCredentials, goblin-host:hostMonitorCredentials, goblin-host:prometheusCredentials, goblin-host:hostPrometheusCredentials
    fix: pulumi config set --path --plaintext 'goblin-host:swap...', or pulumi config rm
`,
    );
  });

  it("are refused in plain text", async () => {
    expect(
      await refusal({ privateKey: "hunter2", credentials: { ollama: { TOKEN: "hunter2" } }, workloads }),
    ).toBe(
      `the configuration has 2 things to mend:

  goblin-host:privateKey is no secret, and must be one
    fix: pulumi config set --secret goblin-host:privateKey <KEYFILE
  goblin-host:credentials is no secret, and must be one
    fix: pulumi config set --path --secret 'goblin-host:credentials.WORKLOAD.NAME'
`,
    );
  });

  it("are wrong without being shown", async () => {
    const credentials = {
      ollama: { "TO-KEN": "hunter2", TOKEN: "hunter2\nhunter3", LIST: ["hunter2"] },
      llama: { TOKEN: "hunter2" },
    };
    const message = await refusal({ credentials, workloads }, "test", ["credentials"]);
    expect(message).not.toContain("hunter");
    expect(message).toContain(
      `goblin-host:credentials.ollama.TOKEN is "[secret]": it holds a line break or a control character
    allowed: text on one line, not empty
    fix: pulumi config set --path --secret 'goblin-host:credentials.ollama.TOKEN'`,
    );
    expect(message).toContain(
      `goblin-host:credentials.ollama.TO-KEN is "[secret]": that is no such name
    allowed: a variable's name has letters, digits and _
    fix: pulumi config rm --path 'goblin-host:credentials.ollama.TO-KEN'`,
    );
    expect(await refusal({ credentials: "hunter2", workloads }, "test", ["credentials"])).toContain(
      'goblin-host:credentials is "[secret]": that is not allowed here',
    );
  });

  const HOOK = "https://hooks.example.com/hunter2";

  it("of a monitor are each host's, its own over the shared ones", async () => {
    const { hosts } = await read(
      {
        hosts: { a: HOST, b: OTHER },
        monitorCredentials: { webhook: HOOK },
        hostMonitorCredentials: { b: { webhook: `${HOOK}-b`, heartbeat: HOOK } },
      },
      "test",
      ["monitorCredentials", "hostMonitorCredentials"],
    );
    expect(hosts.map(({ monitorCredentials }) => monitorCredentials)).toEqual([
      { webhook: HOOK },
      { webhook: `${HOOK}-b`, heartbeat: HOOK },
    ]);
  });

  it("of a monitor are refused where they are none, wrong, twice, or of no host, without being shown", async () => {
    const keys = ["monitorCredentials", "hostMonitorCredentials"];
    expect(await refusal({ monitor: { tell: { webhook: HOOK } } }, "test", ["monitor"])).toContain(
      "fix: pulumi config set --path --secret 'goblin-host:monitorCredentials.SINK', and pulumi config rm",
    );
    expect(await refusal({ monitorCredentials: { webhook: HOOK } })).toContain(
      "goblin-host:monitorCredentials is no secret, and must be one",
    );
    const wrong = await refusal(
      { monitorCredentials: { webhook: "hunter2", pager: "hunter2" } },
      "test",
      keys.slice(0, 1),
    );
    expect(wrong).toContain(
      `goblin-host:monitorCredentials.webhook is "[secret]": that is no such address
    allowed: an http:// or https:// address on one line
    fix: pulumi config set --path --secret 'goblin-host:monitorCredentials.webhook'`,
    );
    expect(wrong).toContain("goblin-host:monitorCredentials.pager");
    expect(wrong).not.toContain("hunter2");
    expect(
      await refusal(
        {
          hosts: {
            a: HOST,
            b: { ...OTHER, monitor: { tell: { sentry: "/etc/ai-resource-monitor/s.url" } } },
          },
          monitor: { tell: { webhook: "/etc/ai-resource-monitor/w.url" } },
          monitorCredentials: { webhook: HOOK, heartbeat: HOOK },
          hostMonitorCredentials: {
            b: { sentry: "https://hunter2@sentry.example.com/7" },
            c: { webhook: HOOK },
          },
        },
        "test",
        keys,
      ),
    ).toBe(
      `the configuration has 4 things to mend:

  goblin-host:hostMonitorCredentials.c: there is no host of that name
    allowed: a, b
    fix: pulumi config rm --path 'goblin-host:hostMonitorCredentials.c'
  goblin-host:monitorCredentials.webhook: goblin-host:monitor.tell.webhook names a file of yours with the same address, and an address has one place
    allowed: one of the two
    fix: pulumi config rm --path 'goblin-host:monitor.tell.webhook', or pulumi config rm --path 'goblin-host:monitorCredentials.webhook'
  goblin-host:hostMonitorCredentials.b.sentry: goblin-host:hosts.b.monitor.tell.sentry names a file of yours with the same address, and an address has one place
    allowed: one of the two
    fix: pulumi config rm --path 'goblin-host:hosts.b.monitor.tell.sentry', or pulumi config rm --path 'goblin-host:hostMonitorCredentials.b.sentry'
  goblin-host:monitorCredentials.heartbeat is the one heartbeat of a and b, and while one of them lives nobody misses the others
    allowed: one for each host
    fix: pulumi config set --path --secret 'goblin-host:hostMonitorCredentials.b.heartbeat'
`,
    );
  });

  it("of an Alertmanager are each host's, its own over the shared ones", async () => {
    const keys = ["prometheusCredentials", "hostPrometheusCredentials"];
    const secrets = {
      hosts: { a: HOST, b: OTHER },
      prometheusCredentials: { webhook: HOOK },
      hostPrometheusCredentials: { b: { webhook: `${HOOK}-b` } },
    };
    const { hosts } = await read(secrets, "test", keys);
    expect(hosts.map(({ prometheusCredentials }) => prometheusCredentials)).toEqual([
      { webhook: HOOK },
      { webhook: `${HOOK}-b` },
    ]);
  });

  it("of an Alertmanager are refused where they are none, wrong, twice, or of no host, without being shown", async () => {
    const keys = ["prometheusCredentials", "hostPrometheusCredentials"];
    expect(await refusal({ prometheus: { webhook: HOOK } }, "test", ["prometheus"])).toContain(
      "fix: pulumi config set --path --secret 'goblin-host:prometheusCredentials.webhook', and pulumi config rm --path of the secret in goblin-host:prometheus",
    );
    expect(await refusal({ prometheusCredentials: { webhook: HOOK } })).toContain(
      "goblin-host:prometheusCredentials is no secret, and must be one",
    );
    const wrong = await refusal(
      { prometheusCredentials: { webhook: "hunter2", slack: "hunter2" } },
      "test",
      keys.slice(0, 1),
    );
    expect(wrong).toContain(
      `goblin-host:prometheusCredentials.webhook is "[secret]": that is no such address
    allowed: an http:// or https:// address on one line
    fix: pulumi config set --path --secret 'goblin-host:prometheusCredentials.webhook'`,
    );
    expect(wrong).toContain("goblin-host:prometheusCredentials.slack");
    expect(wrong).not.toContain("hunter2");
    const config = "/etc/goblin-host/alertmanager.yml";
    expect(
      await refusal(
        {
          hosts: { a: HOST, b: { ...OTHER, prometheus: { alertmanager: { config } } } },
          hostPrometheusCredentials: { b: { webhook: HOOK }, c: { webhook: HOOK } },
        },
        "test",
        keys.slice(1),
      ),
    ).toBe(
      `the configuration has 2 things to mend:

  goblin-host:hostPrometheusCredentials.c: there is no host of that name
    allowed: a, b
    fix: pulumi config rm --path 'goblin-host:hostPrometheusCredentials.c'
  goblin-host:hostPrometheusCredentials.b.webhook: goblin-host:hosts.b.prometheus.alertmanager.config names a file of yours that says who is told, and that is said in one place
    allowed: one of the two
    fix: pulumi config rm --path 'goblin-host:hosts.b.prometheus.alertmanager.config', or pulumi config rm --path 'goblin-host:hostPrometheusCredentials.b.webhook'
`,
    );
  });

  it("are refused for a workload or a host that nobody declares", async () => {
    const config = {
      workloads,
      credentials: { llama: { TOKEN: "hunter2" } },
      hostCredentials: { gobln: { ollama: { TOKEN: "hunter2" } }, goblin: { llama: { TOKEN: "hunter2" } } },
    };
    expect(await refusal(config, "test", ["credentials", "hostCredentials"])).toBe(
      `the configuration has 3 things to mend:

  goblin-host:credentials.llama: there is no workload of that name
    allowed: ollama, llamacpp
    fix: pulumi config rm --path 'goblin-host:credentials.llama'
  goblin-host:hostCredentials.gobln: there is no host of that name
    allowed: goblin
    fix: pulumi config rm --path 'goblin-host:hostCredentials.gobln'
  goblin-host:hostCredentials.goblin.llama: there is no workload of that name
    allowed: ollama, llamacpp
    fix: pulumi config rm --path 'goblin-host:hostCredentials.goblin.llama'
`,
    );
  });

  it("that look like some among what is plain are told", async () => {
    const { log } = await import("@pulumi/pulumi");
    const warn = vi.spyOn(log, "warn").mockResolvedValue();
    await read(workload({ environment: { OPENAI_API_KEY: "hunter2", OLLAMA_KEEP_ALIVE: "5m" } }));
    const told = warn.mock.calls.map(([message]) => message).join("\n");
    expect(told).toContain(
      "pulumi config set --path --secret 'goblin-host:credentials.ollama.OPENAI_API_KEY'",
    );
    expect(told).not.toMatch(/hunter2|KEEP_ALIVE/);
  });

  it("of a container come by no file that it would read", async () => {
    const message = await refusal(
      workload({ runtime: "container", image: "a:1", environmentFile: "/etc/ollama.env" }),
    );
    expect(message).toContain(
      'goblin-host:workloads.ollama.environmentFile is "/etc/ollama.env": a container reads no such file by itself',
    );
  });
});

describe("Prometheus on a host", () => {
  const monitor = { listen: "127.0.0.1:9465" };
  const on = { enabled: true };
  const warnings = async (
    config: Record<string, unknown>,
    secrets: readonly string[] = [],
  ): Promise<string[]> => {
    const { log } = await import("@pulumi/pulumi");
    const warn = vi.spyOn(log, "warn").mockResolvedValue();
    await read(config, "test", secrets);
    return warn.mock.calls.map(([message]) => message).filter((message) => message.includes("told twice"));
  };

  it("needs the monitor's address, and the name in its certificate", async () => {
    const folder = "/etc/ai-resource-monitor";
    const access = { certificate: `${folder}/c.pem`, key: `${folder}/k.pem` };
    // The command sets a truth value as a word.
    expect(await refusal({ prometheus: { enabled: "true" }, monitor: { access } })).toBe(
      `the configuration has 2 things to mend:

  goblin-host:monitor.listen is missing: Prometheus scrapes the monitor at an address, and it has none (prometheus.enabled)
    allowed: ADDRESS:PORT; an address that is neither loopback nor private needs all of \`monitor.access\`
    fix: pulumi config set --path 'goblin-host:monitor.listen' 127.0.0.1:9465
  goblin-host:prometheus.serverName is missing: the monitor shows a certificate (monitor.access.certificate), and Prometheus asks it for that name
    allowed: a host name or an IP address
    fix: pulumi config set --path 'goblin-host:prometheus.serverName' goblin.example.com
`,
    );
    expect(await refusal({ prometheus: { ...on, serverName: "goblin" }, monitor })).toBe(
      `the configuration has one thing to mend:

  goblin-host:prometheus.serverName is "goblin": the monitor shows no certificate (monitor.access.certificate) that could have a name
    allowed: a host name or an IP address
    fix: pulumi config rm --path 'goblin-host:prometheus.serverName'
`,
    );
    const { hosts } = await read({
      prometheus: { ...on, serverName: "goblin" },
      monitor: { ...monitor, access },
    });
    expect(hosts).toHaveLength(1);
  });

  it("is asked for nothing where it is off", async () => {
    const { hosts } = await read({ prometheus: { enabled: false, serverName: "goblin" } });
    expect(hosts[0]?.settings.prometheus).toEqual({ enabled: false, serverName: "goblin" });
  });

  it("has addresses that nobody else has: not the monitor, not Alertmanager, not a container", async () => {
    const taken = await refusal({
      prometheus: { ...on, listen: "127.0.0.1:9465", alertmanager: { listen: "127.0.0.1:9465" } },
      monitor,
    });
    expect(taken).toBe(
      `the configuration has 2 things to mend:

  goblin-host:prometheus.listen is "127.0.0.1:9465": the monitor has that address (monitor.listen)
    allowed: ADDRESS:PORT; the address loopback (127.0.0.1, [::1]), the port from 1024 on
    fix: pulumi config set --path 'goblin-host:prometheus.listen' 127.0.0.1:9466
  goblin-host:prometheus.alertmanager.listen is "127.0.0.1:9465": the monitor has that address (monitor.listen)
    allowed: ADDRESS:PORT; the address loopback (127.0.0.1, [::1]), the port from 1024 on
    fix: pulumi config set --path 'goblin-host:prometheus.alertmanager.listen' 127.0.0.1:9467
`,
    );
    expect(await refusal({ prometheus: on, monitor: { listen: "0.0.0.0:9090", access: ACCESS } })).toContain(
      'goblin-host:prometheus.listen is by default "127.0.0.1:9090": the monitor has that address (monitor.listen)',
    );
    const container = { ...WORKLOAD, runtime: "container", image: "a:1", ports: ["9093:9093"] };
    expect(await refusal({ prometheus: on, monitor, workloads: { a: container } })).toContain(
      'goblin-host:workloads.a.ports[0] is "9093:9093": Alertmanager listens on port 9093/tcp at 127.0.0.1',
    );
    await read({ prometheus: { ...on, listen: "[::1]:9465" }, monitor });
    await read({ workloads: { a: container } });
  });

  it("warns where the monitor tells of the same alerts as Alertmanager does", async () => {
    const stack = { prometheus: on, monitor };
    const hook = { prometheusCredentials: { webhook: "https://hooks.example.com/hunter2" } };
    const monitors = { monitorCredentials: { alertmanager: "http://10.0.0.7:9093" } };
    const keys = ["prometheusCredentials", "monitorCredentials"];
    expect(await warnings({ ...stack, ...hook, ...monitors }, keys)).toEqual([
      "host goblin: alerts are told twice: by the monitor itself (alertmanager), and by Alertmanager (prometheusCredentials.webhook), whose rules are the same conditions. Take the one or the other away, unless they are for different people",
    ]);
    vi.restoreAllMocks();
    const config = "/etc/goblin-host/alertmanager.yml";
    const tell = { sentry: "/etc/ai-resource-monitor/s.url", heartbeat: "/etc/ai-resource-monitor/h.url" };
    const own = { prometheus: { ...on, alertmanager: { config } }, monitor: { ...monitor, tell } };
    expect(await warnings(own)).toEqual([
      expect.stringContaining(
        "by the monitor itself (sentry), and by Alertmanager (prometheus.alertmanager.config)",
      ),
    ]);
    vi.restoreAllMocks();
    // Nobody is told by the one, by the other, or there is no other.
    expect(await warnings({ ...stack, ...monitors }, keys.slice(1))).toEqual([]);
    expect(await warnings({ ...stack, ...hook }, keys.slice(0, 1))).toEqual([]);
    expect(await warnings({ ...hook, ...monitors }, keys)).toEqual([]);
  });
});
