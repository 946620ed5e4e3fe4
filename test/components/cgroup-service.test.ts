import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { renderCgroupService } from "../../components/cgroup-service/render";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";
import { checkSettings } from "../../components/settings/issues";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";
const OLLAMA = { memory: { max: "8GiB" }, cpu: { quota: "200%", cores: "0-7" }, io: "high" } as const;

function render(
  settings: z.input<typeof WorkloadSettings>,
  name = "ollama",
  modelsPath = "/srv/models",
  credentials: readonly string[] = [],
) {
  const checked = checkSettings(WorkloadSettings, settings);
  if ("issues" in checked) throw new Error(JSON.stringify(checked.issues));
  return renderCgroupService(settleWorkload(name, checked.value), {
    modelsPath,
    setting: `goblin-host:workloads.${name}`,
    credentials,
  });
}

const contents = (settings: z.input<typeof WorkloadSettings>, name?: string, modelsPath?: string) =>
  Object.entries(render(settings, name, modelsPath).files ?? {}).map(
    ([path, { content }]) => [path, content] as const,
  );

/** Directives of the exec drop-in. */
const directives = (settings: z.input<typeof WorkloadSettings>, modelsPath?: string) =>
  (
    contents(settings, "ollama", modelsPath).find(([path]) => path.endsWith("zz-goblin-exec.conf"))?.[1] ?? ""
  ).split("\n");

describe("a service's limits", () => {
  it("are the specification's, live in one file and exec-level in the other", () => {
    const bundle = render(OLLAMA);
    expect(contents(OLLAMA)).toEqual([
      [
        "/etc/systemd/system/ollama.service.d/zz-goblin.conf",
        `${HEADER}

[Service]
AllowedCPUs=
AllowedCPUs=0-7
CPUAccounting=yes
CPUQuota=200%
CPUWeight=200
IOAccounting=yes
IOWeight=100
MemoryAccounting=yes
MemoryHigh=infinity
MemoryLimit=8G
MemoryLow=2G
MemoryMax=8G
MemorySwapMax=4G
TasksAccounting=yes
TasksMax=4096
`,
      ],
      [
        "/etc/systemd/system/ollama.service.d/00-goblin-env.conf",
        `${HEADER}

[Service]
# Derived: MiB of its prompt cache: an eighth of memory.max (8GiB), at most its default of 8192.
Environment="LLAMA_ARG_CACHE_RAM=1024"
# Derived: tokens: its default of 4096, half of that below 4GiB of memory.max (8GiB).
Environment="OLLAMA_CONTEXT_LENGTH=4096"
# Derived: one for each whole 8GiB of memory.max (8GiB), at least 1, at most its default of 3.
Environment="OLLAMA_MAX_LOADED_MODELS=1"
`,
      ],
      [
        "/etc/systemd/system/ollama.service.d/zz-goblin-exec.conf",
        `${HEADER}

[Service]
CPUAffinity=
CPUAffinity=0-7
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID
DevicePolicy=closed
# Derived: whole cores of cpu.quota and cpu.cores, at least 1.
Environment="GOMAXPROCS=2"
# Derived: whole cores of cpu.quota and cpu.cores, at least 1.
Environment="LLAMA_ARG_THREADS=2"
# Derived: whole cores of cpu.quota and cpu.cores, at least 1.
Environment="OMP_NUM_THREADS=2"
KeyringMode=private
LimitMEMLOCK=infinity
LockPersonality=yes
NoNewPrivileges=yes
OOMPolicy=continue
OOMScoreAdjust=500
PrivateDevices=yes
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
# Its memory.max and memory.current are read in /sys/fs/cgroup, which is its own cgroup.
ProtectControlGroups=@{own-cgroup:/ai.slice/ai-ollama.slice/ollama.service}
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths=-/usr/share/ollama -/var/cache/ollama -/var/lib/ollama -/var/log/ollama -/srv/models
RestrictAddressFamilies=
RestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
Slice=ai-ollama.slice
SystemCallArchitectures=
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=
SystemCallFilter=@system-service
`,
      ],
    ]);
    expect({ ...bundle, files: undefined }).toEqual({
      name: "workload-ollama",
      files: undefined,
      requires: { "goblin-host:workloads.ollama.cpu.cores": { cores: "0-7" } },
      units: {
        "ollama.service": { restartOn: ["/etc/systemd/system/ollama.service.d/zz-goblin-exec.conf"] },
      },
      hardening: {
        "ollama.service": { setting: "goblin-host:workloads.ollama", readable: 0, writable: 0 },
      },
      limits: {
        "ollama.service": {
          AllowedCPUs: "0-7",
          CPUAffinity: "0-7",
          CPUQuota: "200%",
          CPUWeight: "200",
          IOWeight: "100",
          MemoryHigh: "infinity",
          MemoryLow: "2147483648",
          MemoryMax: "8589934592",
          MemorySwapMax: "4294967296",
          OOMScoreAdjust: "500",
          Slice: "ai-ollama.slice",
          TasksMax: "4096",
        },
      },
    });
  });

  it("are the given ones where given: 0 is a value", () => {
    const bundle = render({
      memory: { max: "1GiB", high: "512MiB", low: 0, swap: "0", legacyLimit: "false" },
      cpu: { weight: 300 },
      io: { weight: "70", readBandwidth: "100MiB", writeBandwidth: "50MiB", readIops: 1000, writeIops: 500 },
      tasks: 64,
      hardening: "none",
    });
    expect(contents({ memory: { max: "1GiB", swap: 0, legacyLimit: false } })[0]?.[1]).not.toContain(
      "MemoryLimit",
    );
    expect(bundle.requires).toBeUndefined();
    expect(bundle.limits?.["ollama.service"]).toEqual({
      CPUWeight: "300",
      IOReadBandwidthMax: "/srv/models 104857600",
      IOReadIOPSMax: "/srv/models 1000",
      IOWeight: "70",
      IOWriteBandwidthMax: "/srv/models 52428800",
      IOWriteIOPSMax: "/srv/models 500",
      MemoryHigh: "536870912",
      MemoryLow: "0",
      MemoryMax: "1073741824",
      MemorySwapMax: "0",
      OOMScoreAdjust: "500",
      Slice: "ai-ollama.slice",
      TasksMax: "64",
    });
  });

  it.each([
    [{ quota: "200%", cores: "0-7" }, "2"],
    [{ quota: "150%", cores: "8-11" }, "1"],
    [{ quota: "50%" }, "1"],
    [{ cores: "0-3" }, "4"],
    [{ quota: "400%", cores: "0,2" }, "2"],
    [{}, undefined],
  ])("leave room for threads: %j", (cpu, threads) => {
    const found = directives({ ...OLLAMA, cpu }).find((line) => line.includes("OMP_NUM_THREADS"));
    expect(found).toBe(threads === undefined ? undefined : `Environment="OMP_NUM_THREADS=${threads}"`);
  });

  it("keep the user's variables over the derived ones, whatever they hold", () => {
    const lines = directives({ ...OLLAMA, environment: { OMP_NUM_THREADS: 4, _X: `a "b" $c 100% \\` } });
    expect(lines.filter((line) => line.startsWith("Environment"))).toEqual([
      'Environment="GOMAXPROCS=2"',
      'Environment="LLAMA_ARG_THREADS=2"',
      'Environment="OMP_NUM_THREADS=4"',
      'Environment="_X=a \\"b\\" $c 100%% \\\\"',
    ]);
  });
});

describe("what follows from the memory limit", () => {
  const LLAMA = { memory: { max: "6GiB" }, cpu: { quota: "150%" } } as const;
  const changed = (before: z.input<typeof WorkloadSettings>, after: z.input<typeof WorkloadSettings>) => {
    const [old, now] = [render(before, "llamacpp").files ?? {}, render(after, "llamacpp").files ?? {}];
    return Object.keys({ ...old, ...now })
      .filter((path) => old[path]?.content !== now[path]?.content)
      .map((path) => basename(path));
  };

  it("is a default of its own, read at the next start: a changed limit restarts nothing", () => {
    expect(changed(LLAMA, { ...LLAMA, memory: { max: "5GiB" } })).toEqual([
      "zz-goblin.conf",
      "00-goblin-env.conf",
    ]);
    expect(changed(LLAMA, { ...LLAMA, cpu: { quota: "180%" } })).toEqual(["zz-goblin.conf"]);
    expect(render(LLAMA, "llamacpp").units?.["llamacpp.service"]?.restartOn).toEqual([
      "/etc/systemd/system/llamacpp.service.d/zz-goblin-exec.conf",
    ]);
  });

  it("gives way to its owner's variables and files, whose change restarts it", () => {
    const own = { ...LLAMA, environment: { LLAMA_ARG_CACHE_RAM: 0, LLAMA_ARG_ENDPOINT_METRICS: 0 } };
    expect(changed(LLAMA, own)).toEqual(["00-goblin-env.conf", "zz-goblin-exec.conf"]);
    expect(Object.keys(render(own, "llamacpp").files ?? {}).map((path) => basename(path))).toEqual([
      "zz-goblin.conf",
      "zz-goblin-exec.conf",
    ]);
    const secret = render(LLAMA, "llamacpp", "/srv/models", ["GOMAXPROCS", "LLAMA_ARG_CACHE_RAM"]);
    const texts = Object.values(secret.files ?? {}).map(({ content }) => content);
    expect(texts.join("")).not.toMatch(/GOMAXPROCS|CACHE_RAM/);
    expect(texts.join("")).toContain("EnvironmentFile=/etc/goblin-host/credentials/llamacpp.env\n");
  });

  it("is nothing for a workload without an engine", () => {
    expect(Object.keys(render(LLAMA, "proxy").files ?? {}).map((path) => basename(path))).toEqual([
      "zz-goblin.conf",
      "zz-goblin-exec.conf",
    ]);
  });
});

describe("a service's own cgroup", () => {
  const exec = (settings: Partial<z.input<typeof WorkloadSettings>>, name?: string) => {
    const files = render({ ...OLLAMA, ...settings }, name).files ?? {};
    return Object.entries(files).find(([path]) => path.endsWith("zz-goblin-exec.conf"))?.[1];
  };

  it("is all that Ollama sees of the host's, by what its systemd has for that", () => {
    const found = exec({ unit: "a.service", slice: "ai-a", environment: { A: "@{b}@c" } });
    expect(found?.expand).toBe(true);
    expect(found?.content).toContain("\nProtectControlGroups=@{own-cgroup:/ai.slice/ai-a.slice/a.service}\n");
    expect(found?.content).toContain('\nEnvironment="A=@\\x7bb}@c"\n');
  });

  it("is one of many to any other, and to an Ollama that is left alone", () => {
    for (const [settings, line] of [
      [{ engine: "llama.cpp" }, "ProtectControlGroups=yes"],
      [{ engine: "none" }, "ProtectControlGroups=yes"],
      [{ hardening: { except: ["ProtectControlGroups"] } }, undefined],
      [{ hardening: "none" }, undefined],
    ] as const) {
      const found = exec({ ...(settings as object), environment: { A: "@{b}" } });
      expect(found?.expand).toBeUndefined();
      expect(/^ProtectControlGroups.*$/m.exec(found?.content ?? "")?.[0]).toBe(line);
      expect(found?.content).toContain('\nEnvironment="A=@\\x7bb}"\n');
    }
  });
});

describe("a service's unit", () => {
  it("is written only when exec is given", () => {
    const bundle = render({ ...OLLAMA, exec: "/usr/local/bin/ollama serve", after: ["network.target"] });
    expect(bundle.files?.["/etc/systemd/system/ollama.service"]?.content).toBe(`${HEADER}

[Unit]
After=network-online.target
Description=AI workload ollama
Wants=network-online.target

[Service]
DynamicUser=yes
ExecStart=/usr/local/bin/ollama serve
Restart=always
RestartSec=3

[Install]
WantedBy=multi-user.target
`);
    expect(bundle.units).toEqual({
      "ollama.service": {
        enabled: true,
        active: true,
        restartOn: [
          "/etc/systemd/system/ollama.service.d/zz-goblin-exec.conf",
          "/etc/systemd/system/ollama.service",
        ],
      },
    });
    const file = render({ ...OLLAMA, exec: { start: "/bin/x", user: "ai" } }).files?.[
      "/etc/systemd/system/ollama.service"
    ];
    expect(file?.content).toContain("\nUser=ai\n");
    expect(file?.content).not.toContain("DynamicUser");
  });
});

describe("hardening", () => {
  it("leaves named directives out, and what belongs to them", () => {
    const except = ["ProtectSystem", "SystemCallFilter", "ProtectClock"] as const;
    const lines = directives({ ...OLLAMA, hardening: { except: [...except] } }).join("\n");
    expect(lines).not.toMatch(
      /ProtectSystem|ReadWritePaths|SystemCallFilter|SystemCallErrorNumber|ProtectClock/,
    );
    expect(lines).toContain("ProtectHome=yes");
  });

  it("none leaves everything to the vendor's unit, and never sets a user", () => {
    const none = {
      ...OLLAMA,
      hardening: "none" as const,
      readablePaths: ["/home/ai"],
      writablePaths: ["/data"],
    };
    expect(directives(none).join("\n")).not.toMatch(/Protect|Private|Restrict|Capability|SystemCall|Paths/);
    expect(render(none).hardening).toBeUndefined();
    expect(directives(OLLAMA).join("\n")).not.toMatch(
      /^(User|Group|DynamicUser|MemoryDenyWriteExecute|UMask)=/m,
    );
  });

  const opened = (settings: object, modelsPath?: string) =>
    directives({ ...OLLAMA, ...settings }, modelsPath)
      .filter((line) => /^(ProtectHome|BindReadOnlyPaths|ReadOnlyPaths|ReadWritePaths)=/.test(line))
      .map((line) =>
        line.replace("-/usr/share/ollama -/var/cache/ollama -/var/lib/ollama -/var/log/ollama ", ""),
      );

  it("leaves homes readable where a program lies in one, or a folder that is written to", () => {
    const home = (settings: object, modelsPath?: string) =>
      opened(settings, modelsPath).find((line) => line.startsWith("ProtectHome"));
    expect(home({})).toBe("ProtectHome=yes");
    expect(home({}, "/home/ai/models")).toBe("ProtectHome=read-only");
    expect(home({ writablePaths: ["/root/cache"] })).toBe("ProtectHome=read-only");
    expect(home({ exec: "/home/ai/llama-server -m x" })).toBe("ProtectHome=read-only");
    expect(home({ writablePaths: ["/homework"] })).toBe("ProtectHome=yes");
    expect(opened({ writablePaths: ["/root/x", "/data"], hardening: { except: ["ProtectSystem"] } })).toEqual(
      ["ProtectHome=read-only", "ReadWritePaths=-/root/x"],
    );
  });

  it("shows of homes and temporary folders what is named to be read, and nothing else of them", () => {
    expect(opened({ readablePaths: ["/home/ai/models", "/tmp/x.gguf", "/data/models"] })).toEqual([
      "BindReadOnlyPaths=-/home/ai/models -/tmp/x.gguf",
      "ProtectHome=tmpfs",
      "ReadOnlyPaths=-/data/models",
      "ReadWritePaths=-/srv/models",
    ]);
    // Homes are there already, and writing is more than reading.
    expect(
      opened({ readablePaths: ["/home/ai", "/root/x"], writablePaths: ["/root/x"], exec: "/opt/x" }),
    ).toEqual(["ProtectHome=read-only", "ReadOnlyPaths=-/home/ai", "ReadWritePaths=-/srv/models -/root/x"]);
    expect(opened({ readablePaths: ["/home/ai", "/tmp/x"], hardening: { except: ["ProtectHome"] } })).toEqual(
      ["BindReadOnlyPaths=-/tmp/x", "ReadOnlyPaths=-/home/ai", "ReadWritePaths=-/srv/models"],
    );
    expect(render({ ...OLLAMA, readablePaths: ["/home/ai"], writablePaths: ["/a", "/b"] }).hardening).toEqual(
      {
        "ollama.service": { setting: "goblin-host:workloads.ollama", readable: 1, writable: 2 },
      },
    );
  });

  it("opens what its own command line and variables name", () => {
    const start =
      "/usr/bin/llama-server -m /home/ai/m/x-00001-of-00003.gguf --lora=/home/ai/l.gguf,/home/ai/m/y --slot-save-path /data/slots -c ../x";
    expect(opened({ exec: start })).toEqual([
      "BindReadOnlyPaths=-/home/ai/l.gguf -/home/ai/m",
      "ProtectHome=tmpfs",
      "ReadWritePaths=-/srv/models -/data/slots",
    ]);
    const environment = {
      HF_HOME: "/data/hf/",
      HOME: "/home/ai",
      LLAMA_ARGS: "--api-key x --chat-template-file /home/ai/t.jinja",
      OLLAMA_MODELS: "/srv/models/ollama",
      PATH: "/home/ai/bin:/usr/bin",
      PROXY: "http://a:/home/x@host/home/y",
      TMPDIR: "/tmp/x",
      XDG_CACHE_HOME: "/data/c d",
    };
    expect(opened({ environment })).toEqual([
      "BindReadOnlyPaths=-/home/ai/t.jinja",
      "ProtectHome=tmpfs",
      "ReadWritePaths=-/srv/models -/data/hf",
    ]);
    // Reading is enough where its settings say so, and a folder in a home makes homes visible.
    expect(opened({ environment, readablePaths: ["/data"] })).toContain("ReadOnlyPaths=-/data");
    expect(opened({ environment, readablePaths: ["/data"] })).toContain("ReadWritePaths=-/srv/models");
    expect(opened({ environment: { HF_HOME: "/home/ai/hf", X: "/root/y" } })).toEqual([
      "ProtectHome=read-only",
      "ReadWritePaths=-/srv/models -/home/ai/hf",
    ]);
  });

  const security = (settings: z.input<typeof WorkloadSettings>, user: string) => {
    const folder = mkdtempSync(join(tmpdir(), "goblin-security-"));
    writeFileSync(join(folder, "ollama.service"), `[Service]\nExecStart=/bin/true\n${user}`);
    for (const [path, content] of contents(settings)) {
      const target = join(folder, basename(dirname(path)), basename(path));
      mkdirSync(dirname(target), { recursive: true });
      // As systemd 252 gets it.
      writeFileSync(target, content.replace(/@\{own-cgroup:.*\}/, "yes"));
    }
    const told = spawnSync(
      "systemd-analyze",
      ["security", "--offline=true", "--no-pager", "ollama.service"],
      {
        encoding: "utf8",
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:/lib/systemd/system` },
      },
    );
    rmSync(folder, { recursive: true });
    const exposure = /Overall exposure level for \S+ ([0-9.]+)/.exec(told.stdout)?.[1];
    if (exposure === undefined) throw new Error(told.stdout + told.stderr);
    return Number(exposure);
  };
  it.skipIf(!existsSync("/usr/bin/systemd-analyze")).each([
    ["standard", "User=root\n"],
    ["standard", "User=ollama\n"],
    ["gpu", "User=root\n"],
    ["gpu", "User=ollama\n"],
  ] as const)("%s is exposed at most 3.0 with %s", (profile, user) => {
    expect(security({ ...OLLAMA, hardening: profile }, user)).toBeLessThanOrEqual(3);
  });
});
