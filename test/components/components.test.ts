import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bundleCommands } from "../../components/host-bundle/commands";
import { commands, confirmations, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HOST_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;
const host = { name: "goblin", address: "198.51.100.7", hostKey: `${HOST_KEY} root@goblin` };
const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";

let registered: Registered[];
let components: typeof import("../../components");

beforeEach(async () => {
  vi.resetModules();
  registered = await mockEngine();
  components = await import("../../components");
});

// What a test left unfinished must not meet the mocks of the next one.
afterEach(settle);

/** The one command of a deployment, and the version of the manager aside. */
async function onlyStdin(): Promise<string> {
  await settle();
  const [command, ...others] = commands(registered);
  expect(others).toEqual([]);
  return textOf(command).replace(/^manager: "[0-9.]+"$/m, 'manager: "VERSION"');
}

describe("SwapFile", () => {
  it("sends its unit, its sysctl and the file's size", async () => {
    new components.SwapFile("swap", {
      host,
      path: "/srv/my-swap",
      size: "8GiB",
      swappiness: 0,
      settingPath: "goblin-host:swap",
    });
    expect(await onlyStdin()).toBe(`bundle: "1"
name: "swap"
manager: "VERSION"
owner: "goblin-host/test/swap-bundle"
confirm: "120"
files:
  /etc/sysctl.d/90-goblin-swap.conf:
    content: |2+
      ${HEADER}
      vm.swappiness = 0
    mode: "0644"
  "/etc/systemd/system/srv-my\\\\x2dswap.swap":
    content: |2+
      ${HEADER}

      [Unit]
      Description=Swapfile /srv/my-swap of goblin-host

      [Swap]
      Priority=10
      What=/srv/my-swap

      [Install]
      WantedBy=swap.target
    mode: "0644"
units:
  "srv-my\\\\x2dswap.swap":
    active: "true"
    enabled: "true"
sysctls:
  vm.swappiness: "0"
swapFiles:
  /srv/my-swap:
    priority: "10"
    setting: "goblin-host:swap.size"
    size: "8589934592"
end: true
`);
  });

  it("refuses bad settings all at once, by name", () => {
    const make = () => new components.SwapFile("swap", { host, size: "16GB", priority: -1 });
    expect(make).toThrow(
      /the settings of "swap" are not valid:\n {2}size is "16GB": [^]*\n {2}priority is -1: /,
    );
  });
});

describe("ZramDevice", () => {
  it("sends the generator's configuration, the memory limit, and takes over zram-tools", async () => {
    new components.ZramDevice("zram", { host });
    expect(await onlyStdin()).toBe(`bundle: "1"
name: "zram"
manager: "VERSION"
owner: "goblin-host/test/zram-bundle"
confirm: "120"
files:
  /etc/systemd/system/systemd-zram-setup@zram0.service.d/zz-goblin.conf:
    content: |2+
      ${HEADER}

      [Service]
      ExecStartPost=/bin/sh -c "echo 4294967296 >/sys/block/%i/mem_limit"
    mode: "0644"
  /etc/systemd/zram-generator.conf:
    content: |2+
      ${HEADER}

      [zram0]
      zram-size = 8192
      compression-algorithm = lz4
      swap-priority = 100
    mode: "0644"
packages:
  systemd-zram-generator: "present"
replaces:
  zramswap.service: "zram-tools"
backups:
  /etc/default/zramswap: "/etc/default/zramswap.backup"
zram:
  zram0:
    algorithm: "lz4"
    memoryLimit: "4294967296"
    priority: "100"
    setting: "zram.size"
    size: "8589934592"
end: true
`);
  });
});

describe("EarlyOom", () => {
  it("makes memory alone decide, and says what the process must be", async () => {
    new components.EarlyOom("earlyoom", { host, avoid: ["my.daemon", "a-name-longer-than-15*"], prefer: [] });
    const avoid =
      "^(a-name-longer-t|agetty|ai-resource-gua|ai-resource-man|ai-resource-mon|containerd.*|dbus-broker.*|dbus-daemon|dockerd|earlyoom|init|login|my[.]daemon|sshd|sshd-auth|sshd-session|sudo|systemd.*)$";
    expect(await onlyStdin()).toBe(`bundle: "1"
name: "earlyoom"
manager: "VERSION"
owner: "goblin-host/test/earlyoom-bundle"
requires:
  "goblin-host:earlyOom.memoryPercent":
    available: "10"
    unit: "earlyoom.service"
files:
  /etc/systemd/system/earlyoom.service.d/zz-goblin.conf:
    content: |2+
      ${HEADER}

      [Service]
      CPUWeight=1000
      ExecStart=
      ExecStart=/usr/bin/earlyoom -m 10,5 -s 100,100 -r 3600 --avoid "${avoid}$"
      MemoryMin=16M
      Nice=-20
      OOMScoreAdjust=-1000
    mode: "0644"
packages:
  earlyoom: "present"
units:
  earlyoom.service:
    active: "true"
    cmdline: "/usr/bin/earlyoom -m 10,5 -s 100,100 -r 3600 --avoid ${avoid}"
    enabled: "true"
    restartOn: "/etc/systemd/system/earlyoom.service.d/zz-goblin.conf"
limits:
  earlyoom.service:
    CPUWeight: "1000"
    MemoryMin: "16777216"
    OOMScoreAdjust: "-1000"
end: true
`);
  });
});

/** The service and the timer of one of the reports. */
const audit = (period: string): string => `  /etc/systemd/system/ai-resource-audit-${period}.service:
    content: |2+
      ${HEADER}

      [Unit]
      Description=${period === "weekly" ? "Weekly" : "Monthly"} audit of goblin-host

      [Service]
      ExecStart=/usr/local/sbin/ai-resource-manager audit --save ${period}
      IOSchedulingClass=idle
      Nice=19
      NoNewPrivileges=yes
      PrivateTmp=yes
      ProtectHome=yes
      ProtectSystem=strict
      ReadWritePaths=/var/log/ai-resource-manager -/run/ai-resource-manager -/var/lib/ai-resource-manager
      Type=oneshot
    mode: "0644"
  /etc/systemd/system/ai-resource-audit-${period}.timer:
    content: |2+
      ${HEADER}

      [Unit]
      Description=${period === "weekly" ? "Weekly" : "Monthly"} audit of goblin-host

      [Timer]
      OnCalendar=${period}
      Persistent=true
      RandomizedDelaySec=2h

      [Install]
      WantedBy=timers.target
    mode: "0644"
`;

describe("Manager", () => {
  it("sends itself, and its run at boot before the workloads", async () => {
    new components.Manager("manager", { host, before: ["ollama.service", "llamacpp.service"] });
    const stdin = await onlyStdin();
    const program =
      /^ {2}\/usr\/local\/sbin\/ai-resource-manager:\n {4}content: \|2\+\n([^]*)^ {4}mode: "0755"$/m.exec(
        stdin,
      )?.[1];
    expect(program).toMatch(/^ {6}#!\/usr\/bin\/env bash\n/);
    expect(stdin.replace(program ?? "", "      THE PROGRAM\n")).toBe(`bundle: "1"
name: "manager"
manager: "VERSION"
owner: "goblin-host/test/manager-bundle"
files:
${audit("monthly")}${audit("weekly")}  /etc/systemd/system/ai-resource-manager.service:
    content: |2+
      ${HEADER}

      [Unit]
      After=local-fs.target swap.target systemd-sysctl.service
      Before=llamacpp.service ollama.service
      ConditionPathIsDirectory=/var/lib/ai-resource-manager/bundles
      Description=Resource limits of goblin-host: applied at boot, verified every day

      [Service]
      ExecStart=/usr/local/sbin/ai-resource-manager scheduled verify
      SuccessExitStatus=3
      TimeoutStartSec=10min
      Type=oneshot

      [Install]
      WantedBy=multi-user.target
    mode: "0644"
  /etc/systemd/system/ai-resource-manager.timer:
    content: |2+
      ${HEADER}

      [Unit]
      Description=Daily verification of the resource limits of goblin-host

      [Timer]
      OnCalendar=daily
      Persistent=true
      RandomizedDelaySec=1h

      [Install]
      WantedBy=timers.target
    mode: "0644"
  /usr/local/sbin/ai-resource-manager:
    content: |2+
      THE PROGRAM
    mode: "0755"
folders:
  /var/log/ai-resource-manager:
    data: "true"
    mode: "0750"
    setting: "goblin-host:manager"
packages:
  jq: "present"
units:
  ai-resource-audit-monthly.timer:
    active: "true"
    enabled: "true"
  ai-resource-audit-weekly.timer:
    active: "true"
    enabled: "true"
  ai-resource-manager.service:
    enabled: "true"
  ai-resource-manager.timer:
    active: "true"
    enabled: "true"
end: true
`);
  });
});

describe("Manager that repairs", () => {
  it("does so in a unit that no workload waits for", async () => {
    new components.Manager("manager", { host, before: ["ollama.service"], daily: "repair" });
    const stdin = await onlyStdin();
    expect(stdin).toContain("ExecStart=/usr/local/sbin/ai-resource-manager scheduled repair\n");
    expect(stdin).toContain(`  /etc/systemd/system/ai-resource-manager-repair.service:
    content: |2+
      ${HEADER}

      [Unit]
      Description=Repair of the resource limits of goblin-host

      [Service]
      ExecStart=/usr/local/sbin/ai-resource-manager apply --stored
      Type=oneshot
`);
  });
});

describe("HostBundle", () => {
  const bundle = { name: "empty" };
  const HELD = { owner: "", unconfirmed: false, findings: [], limits: [] };
  const ANOTHER = { name: "another", address: "198.51.100.8" };

  it("is one command, in place and without triggers or environment", async () => {
    new components.HostBundle("bundle", { host: { ...host, user: "admin", port: 2222 }, bundle });
    await settle();
    const [command] = commands(registered);
    expect(command).toEqual({
      type: "command:remote:Command",
      name: "bundle-apply",
      inputs: {
        // The provider's SDK makes the whole of it a secret.
        connection: expect.objectContaining({
          value: {
            host: "198.51.100.7",
            port: 2222,
            user: "admin",
            hostKey: HOST_KEY,
            dialErrorLimit: 3,
            perDialTimeout: 15,
          },
        }) as object,
        create: "/usr/local/sbin/ai-resource-manager apply empty",
        update: "/usr/local/sbin/ai-resource-manager apply empty",
        delete: bundleCommands("empty", "goblin-host/test/bundle").remove,
        stdin: expect.stringMatching(
          /^bundle: "1"\nname: "empty"\nmanager: "[0-9.]+"\nowner: "goblin-host\/test\/bundle"\nend: true\n$/,
        ) as string,
        addPreviousOutputInEnv: false,
      },
      parent: "bundle",
      dependsOn: [],
      deleteBeforeReplace: true,
      ignoreChanges: ["update"],
      deletedWith: "",
      aliases: [],
    });
  });

  it("is confirmed over a connection of its own where its change could cut the operator off", async () => {
    new components.HostBundle("bundle", { host, bundle: { ...bundle, confirmSeconds: 90 } });
    await settle();
    const stdin = textOf(commands(registered)[0]);
    expect(stdin).toContain('confirm: "90"\n');
    expect(confirmations(registered)).toEqual([
      {
        type: "command:remote:Command",
        name: "bundle-confirm",
        inputs: {
          connection: commands(registered)[0]?.inputs["connection"],
          create: "/usr/local/sbin/ai-resource-manager confirm empty",
          update: "/usr/local/sbin/ai-resource-manager confirm empty",
          stdin: createHash("sha256").update(stdin).digest("hex"),
          addPreviousOutputInEnv: false,
        },
        parent: "bundle",
        dependsOn: ["bundle-apply"],
        deleteBeforeReplace: true,
        ignoreChanges: ["update"],
        deletedWith: "",
        aliases: [],
      },
    ]);
  });

  it("is updated by a comment where the host differs, and only there", async () => {
    const status = {
      version: "1.0.0",
      busy: false,
      boot: "0c7a3f2e-1111",
      bundles: [{ ...HELD, name: "empty", digest: "another", generation: 7 }],
    };
    const looked = { ...host, observation: { kind: "status" as const, status } };
    new components.HostBundle("bundle", { host: looked, bundle });
    await settle();
    const [drifted] = commands(registered);
    expect(drifted?.inputs["create"]).toBe("/usr/local/sbin/ai-resource-manager apply empty");
    expect(drifted?.inputs["update"]).toBe(
      "/usr/local/sbin/ai-resource-manager apply empty # drift: the host holds another version (since apply 7, boot 0c7a3f2e)",
    );
    expect(drifted?.ignoreChanges).toEqual([]);
    const same = textOf(drifted).replaceAll('"goblin-host/test/bundle"', '"goblin-host/test/same"');
    const digest = createHash("sha256").update(same).digest("hex");
    const inSync = { ...status, bundles: status.bundles.map((found) => ({ ...found, digest })) };
    new components.HostBundle("same", {
      host: { ...host, ...ANOTHER, observation: { kind: "status", status: inSync } },
      bundle,
    });
    await settle();
    expect(commands(registered).at(-1)).toMatchObject({
      inputs: { update: "/usr/local/sbin/ai-resource-manager apply empty" },
      ignoreChanges: ["update"],
    });
  });

  it("sends a private key as a secret", async () => {
    new components.HostBundle("bundle", { host: { ...host, privateKey: "not a real key" }, bundle });
    await settle();
    expect(JSON.stringify(commands(registered)[0]?.inputs["connection"])).toContain("not a real key");
  });

  it("refuses a host that nobody can recognise", () => {
    const unchecked = { name: "goblin", address: "198.51.100.7" };
    expect(() => new components.HostBundle("bundle", { host: unchecked, bundle })).toThrow(
      'host "goblin" has no hostKey',
    );
  });

  it("goes through a bastion that it recognises, with the same key", async () => {
    const proxyJump = { address: "198.51.100.1", user: "jump", hostKey: `${HOST_KEY} a comment` };
    const through = { ...host, privateKey: "not a real key", proxyJump };
    new components.HostBundle("bundle", { host: through, bundle });
    await settle();
    const { connection } = commands(registered)[0]?.inputs as {
      connection: { value: { proxy: { privateKey: unknown } } };
    };
    const { privateKey, ...proxy } = connection.value.proxy;
    // The provider repeats itself on a connection that has ended.
    expect(connection.value).toHaveProperty("dialErrorLimit", 0);
    expect(proxy).toEqual({
      host: "198.51.100.1",
      port: 22,
      user: "jump",
      dialErrorLimit: 3,
      perDialTimeout: 15,
      hostKey: HOST_KEY,
    });
    expect(JSON.stringify(privateKey)).toContain("not a real key");
    const unchecked = { ...host, ...ANOTHER, proxyJump: { address: "198.51.100.1" } };
    expect(() => new components.HostBundle("other", { host: unchecked, bundle })).toThrow(
      `proxyJump of host "${ANOTHER.name}" has no hostKey`,
    );
  });

  it("connects to whoever answers only when told so", async () => {
    const unchecked = { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true };
    new components.HostBundle("bundle", { host: unchecked, bundle });
    await settle();
    expect(commands(registered)[0]?.inputs["connection"]).not.toHaveProperty("value.hostKey");
  });

  it("is one resource's on a host, by its name and by its address", async () => {
    const make = (name: string, given: object) => () =>
      new components.SwapFile(name, { host: { ...host, ...given } });
    make("first", {})();
    expect(make("second", { address: "198.51.100.9" })).toThrow(
      '"second-bundle" and "first-bundle" both apply the bundle "swap" to host "goblin", and each would undo the other: remove one of them',
    );
    make("web", { name: "web", address: "Web.example" })();
    expect(make("also-web", { name: "also", address: "web.EXAMPLE" })).toThrow(
      '"also-web-bundle" and "web-bundle" both apply the bundle "swap" to web.example, port 22',
    );
    make("forwarded", { name: "forwarded", address: "web.example", port: 2222 })();
    const behind = { address: "web.example", proxyJump: { address: "b.example", hostKey: HOST_KEY } };
    make("behind", { name: "behind", ...behind })();
    expect(make("also-behind", { name: "too", ...behind })).toThrow(
      'both apply the bundle "swap" to web.example, port 22, behind b.example, port 22',
    );
    await settle();
    // Another run of a program, in the same process, begins anew.
    await mockEngine();
    make("first", {})();
  });

  it("keeps its identity, and what the host's errors name, when it or its host is renamed", async () => {
    const firstNames = { vps: "goblin", "vps-disk": "goblin-swap" };
    const renamed = { ...host, name: "vps", firstNames };
    new components.SwapFile("goblin-swap", { host });
    new components.ModelStorage("goblin-models", { host });
    new components.SwapFile("vps-disk", { host: { ...renamed, ...ANOTHER } });
    new components.ModelStorage("vps-models", { host: { ...renamed, ...ANOTHER } });
    await settle();
    const inputs = (name: string): object => {
      const { create, update, delete: remove, stdin } = find(name)?.inputs ?? {};
      return { create, update, remove, stdin };
    };
    const find = (name: string) => registered.find((resource) => resource.name === `${name}-bundle-apply`);
    expect(inputs("vps-disk")).toEqual(inputs("goblin-swap"));
    expect(inputs("vps-models")).toEqual(inputs("goblin-models"));
    expect([find("vps-disk")?.aliases, find("goblin-swap")?.aliases]).toEqual([
      ["goblin-swap-bundle-apply"],
      [],
    ]);
  });

  it("leaves alone what another program has applied, and takes over what nobody owns", () => {
    const looked = (name: string, owner: string) => {
      const bundles = [{ ...HELD, name: "empty", digest: "d", generation: 1, owner }];
      const status = { version: "1.1.0", busy: false, boot: "b", bundles };
      const observation = { kind: "status" as const, status };
      return { host: { ...host, name, address: `${name}.example`, observation }, bundle };
    };
    const make = (name: string, owner: string) => () => new components.HostBundle(name, looked(name, owner));
    expect(make("disk", "goblin-host/test/swap")).toThrow(
      `host "disk": its bundle empty belongs to goblin-host/test/swap, and this program would apply it as goblin-host/test/disk
    if it was renamed, keep its identity: firstNames: {"disk":"swap"} in its host, beside Pulumi's aliases, or formerly of its GoblinHost (docs/components/host-bundle.md)
    to take it over from there: on the host, as root: ai-resource-manager disown, then pulumi up`,
    );
    expect(make("other", "other/prod/swap")).toThrow("from the stack prod of the project other");
    expect(make("adopted", "")).not.toThrow();
  });
});
