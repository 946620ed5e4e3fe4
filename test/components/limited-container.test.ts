import { beforeEach, describe, expect, it, vi } from "vitest";
import type { z } from "zod";
import { WorkloadSettings } from "../../components/cgroup-service/schema";
import { settleWorkload } from "../../components/cgroup-service/workload";
import { dockerHost } from "../../components/limited-container/docker-host";
import { renderContainerReadiness, renderContainerUnit } from "../../components/limited-container/render";
import { containerSpec } from "../../components/limited-container/spec";
import { checkSettings } from "../../components/settings/issues";
import { mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";
const HOST_KEY = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`;

function settled(settings: Partial<z.input<typeof WorkloadSettings>>, name = "llamacpp") {
  const checked = checkSettings(WorkloadSettings, {
    runtime: "container",
    image: "example/llama:1",
    memory: { max: "6GiB" },
    ...settings,
  });
  if ("issues" in checked) throw new Error(JSON.stringify(checked.issues));
  return settleWorkload(name, checked.value);
}

describe("a container", () => {
  it("has Docker's limits, its slice, and no rights", () => {
    expect(
      containerSpec(
        settled({
          cpu: { quota: "150%", cores: "8-11" },
          io: "medium",
          ports: ["8080:8080", "10.0.0.2:53:5353/udp", "[::1]:81:80"],
          volumes: ["/srv/models:/models:ro", "llama-cache:/cache"],
          user: "1000:1000",
          command: ["--model", "/models/m.gguf"],
          environment: { LLAMA_ARG_CTX_SIZE: 4096 },
        }),
      ),
    ).toEqual({
      name: "llamacpp",
      memory: 6144,
      memorySwap: 6144 + 3072,
      cpus: "1.5",
      cpuSet: "8-11",
      cgroupParent: "ai-llamacpp.slice",
      restart: "unless-stopped",
      readOnly: true,
      tmpfs: { "/tmp": "rw,nosuid,nodev" },
      securityOpts: ["no-new-privileges:true"],
      capabilities: { drops: ["ALL"] },
      user: "1000:1000",
      command: ["--model", "/models/m.gguf"],
      envs: [
        "GOMAXPROCS=1",
        "LLAMA_ARG_CACHE_RAM=768",
        "LLAMA_ARG_CTX_SIZE=4096",
        "LLAMA_ARG_ENDPOINT_METRICS=1",
        "LLAMA_ARG_THREADS=1",
        "NVIDIA_VISIBLE_DEVICES=void",
        "OMP_NUM_THREADS=1",
      ],
      ports: [
        { ip: "127.0.0.1", external: 8080, internal: 8080, protocol: "tcp" },
        { ip: "10.0.0.2", external: 53, internal: 5353, protocol: "udp" },
        { ip: "::1", external: 81, internal: 80, protocol: "tcp" },
      ],
      mounts: [
        { type: "bind", source: "/srv/models", target: "/models", readOnly: true },
        { type: "volume", source: "llama-cache", target: "/cache", readOnly: false },
      ],
      networkMode: "goblin-host",
      logDriver: "json-file",
      logOpts: { "max-file": "3", "max-size": "10m" },
      destroyGraceSeconds: 30,
    });
  });

  it("shares the network of its host's containers, or stays in Docker's own", () => {
    expect(containerSpec(settled({})).networkMode).toBe("goblin-host");
    expect(containerSpec(settled({ network: "shared" })).networkMode).toBe("goblin-host");
    expect(containerSpec(settled({ network: "bridge" })).networkMode).toBe("bridge");
  });

  it("spells its CPUs as the provider reads them back, or leaves them to the slice", () => {
    const spelt = (quota: `${number}%`) => containerSpec(settled({ cpu: { quota } })).cpus;
    expect(
      ["200%", "150%", "50%", "25%", "1200%", "1000%", "5%"].map((quota) => spelt(quota as "5%")),
    ).toEqual(["2.0", "1.5", "0.5", "0.25", "12.0", undefined, undefined]);
  });

  it("without swap keeps 1 MiB that a reload of systemd leaves alone; its slice has the 0", () => {
    expect(containerSpec(settled({ memory: { max: "1GiB", swap: 0 } }))).toMatchObject({
      memory: 1024,
      memorySwap: 1025,
    });
  });

  it("gets the capabilities it names", () => {
    expect(containerSpec(settled({ capabilities: ["SYS_NICE"] })).capabilities).toEqual({
      drops: ["ALL"],
      adds: ["CAP_SYS_NICE"],
    });
  });
});

describe("its bundles", () => {
  it("are a thin unit of the workload's name", () => {
    expect(renderContainerUnit(settled({ stopGrace: "2min" }), "goblin-host:workloads.llamacpp")).toEqual({
      name: "workload-llamacpp",
      files: {
        "/etc/systemd/system/llamacpp.service": {
          mode: "0644",
          content: `${HEADER}

[Unit]
After=docker.service
Description=AI workload llamacpp (container)
StartLimitIntervalSec=0
Wants=docker.service

[Service]
ExecStart=/usr/bin/docker start --attach llamacpp
ExecStop=/bin/sh -c 'test -z "$$MAINPID" || exec /usr/bin/docker stop --time 120 llamacpp'
Restart=always
RestartSec=5
SuccessExitStatus=130 137 143
TimeoutStopSec=135

[Install]
WantedBy=multi-user.target
`,
        },
      },
      units: {
        "llamacpp.service": {
          enabled: true,
          container: "llamacpp",
          restartOn: ["/etc/systemd/system/llamacpp.service"],
        },
      },
      containers: { llamacpp: { graceSeconds: 120, setting: "goblin-host:workloads.llamacpp" } },
    });
  });

  it("and the proof that it runs and is well", () => {
    const health = { http: "http://127.0.0.1:8080/health", timeout: "5min" };
    expect(renderContainerReadiness(settled({ health }), "abc", "goblin-host:workloads.llamacpp")).toEqual({
      name: "ready-llamacpp",
      ready: {
        "llamacpp.service": {
          start: true,
          http: "http://127.0.0.1:8080/health",
          timeoutSeconds: 300,
          container: "llamacpp",
          revision: "abc",
          setting: "goblin-host:workloads.llamacpp",
        },
      },
    });
  });
});

describe("the docker provider's way to a host", () => {
  const TARGET = { address: "203.0.113.10", port: 22, user: "root", hostKey: HOST_KEY };

  it("checks the host's key without a file of this machine", () => {
    const { host, sshOpts } = dockerHost(TARGET);
    expect(host).toBe("ssh://root@203.0.113.10:22");
    expect(sshOpts.filter((option) => option !== "-o")).toEqual([
      "UserKnownHostsFile=/dev/null",
      "GlobalKnownHostsFile=/dev/null",
      "LogLevel=ERROR",
      "StrictHostKeyChecking=yes",
      "HostKeyAlgorithms=ssh-ed25519",
      `KnownHostsCommand=/bin/echo 203.0.113.10 ${HOST_KEY}`,
      "BatchMode=yes",
      "ConnectTimeout=30",
    ]);
  });

  it("names another port as known_hosts does, another user, and an agent", () => {
    const agent = "~/.cache/goblin-host/agent-0123456789ab";
    const { host, sshOpts } = dockerHost({ ...TARGET, port: 2222, user: "admin", agent });
    expect(host).toBe("ssh://admin@203.0.113.10:2222");
    expect(sshOpts).toContain(`KnownHostsCommand=/bin/echo [203.0.113.10]:2222 ${HOST_KEY}`);
    expect(sshOpts).toContain("IdentityAgent=~/.cache/goblin-host/agent-0123456789ab");
  });

  it("brackets an IPv6 address, and checks nothing only when told so", () => {
    const { host, sshOpts } = dockerHost({ address: "2001:db8::1", port: 22, user: "root" });
    expect(host).toBe("ssh://root@[2001:db8::1]:22");
    expect(sshOpts).toContain("StrictHostKeyChecking=no");
  });

  it("goes through a bastion by a command that checks its key too, and asks the same agent", () => {
    const proxyJump = { address: "198.51.100.1", port: 2222, user: "jump", hostKey: HOST_KEY };
    const { host, sshOpts } = dockerHost({ ...TARGET, address: "10.0.0.5", proxyJump, agent: "~/agent" });
    expect(host).toBe("ssh://root@10.0.0.5:22");
    const through = sshOpts.filter((option) => option.startsWith("ProxyCommand="));
    expect(through).toEqual([expect.stringMatching(/^ProxyCommand='ssh' '-o' '.*'-W' '\[%h\]:%p' /)]);
    for (const word of [
      "StrictHostKeyChecking=yes",
      `KnownHostsCommand=/bin/echo [198.51.100.1]:2222 ${HOST_KEY}`,
      "IdentityAgent=~/agent",
      "BatchMode=yes",
    ])
      expect(through[0]).toContain(` '-o' '${word}'`);
    expect(through[0]).toMatch(/ '-p' '2222' '-l' 'jump' '--' '198\.51\.100\.1'$/);
  });
});

describe("LimitedContainer", () => {
  let registered: Registered[];
  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
  });

  it("asks for another proof when its image or its limits are others", async () => {
    const { LimitedContainer } = await import("../../components");
    const { dockerProvider } = await import("../../components/limited-container/docker-provider");
    // A host each: a workload is one resource's on its host.
    const hostOf = (name: string) => ({ name, address: `${name}.example`, hostKey: HOST_KEY });
    const provider = dockerProvider("docker", hostOf("a"), {});
    const make = (name: string, image: string, max: string) =>
      new LimitedContainer(name, {
        host: hostOf(name),
        provider,
        workload: "llamacpp",
        image,
        memory: { max },
      });
    make("a", "example/llama:1", "6GiB");
    make("b", "example/llama:2", "6GiB");
    make("c", "example/llama:1", "5GiB");
    make("d", "example/llama:1", "6GiB");
    await settle();
    const revision = (name: string) =>
      /revision: "([0-9a-f]{12})"/.exec(
        String(registered.find((resource) => resource.name === `${name}-ready-apply`)?.inputs["stdin"]),
      )?.[1];
    expect(new Set(["a", "b", "c"].map(revision)).size).toBe(3);
    expect(revision("d")).toBe(revision("a"));
    const container = registered.find(({ name }) => name === "a-container");
    expect(container?.inputs).toMatchObject({ cgroupParent: "ai-llamacpp.slice", mustRun: true });
    expect(container?.dependsOn).toContain("a-bundle-apply");
    // Whose it is on the host, and who takes it along.
    const owner = "goblin-host/test/a-bundle";
    expect(container?.inputs["labels"]).toEqual([{ label: "goblin-host.owner", value: owner }]);
    expect(registered.find(({ name }) => name === "a-bundle-apply")?.inputs["stdin"]).toContain(
      `owner: "${owner}"\n`,
    );
    for (const name of ["a-container", "a-image"])
      expect(registered.find((resource) => resource.name === name)?.deletedWith, name).toBe("a-bundle-apply");
    expect(container?.deleteBeforeReplace).toBe(true);
    // Nobody gave it a network.
    expect(container?.inputs["networkMode"]).toBe("bridge");
    // Also when the container is another one, for whatever reason.
    const proof = registered.find(({ name }) => name === "a-ready-apply");
    expect(proof?.inputs["create"]).toBe(
      "/usr/local/sbin/ai-resource-manager apply ready-llamacpp # for a-container-id",
    );
    expect(proof?.inputs["update"]).toBe("/usr/local/sbin/ai-resource-manager apply ready-llamacpp");
  });

  it("joins the network that it is given, by name, and goes before it", async () => {
    const { ContainerNetwork, LimitedContainer, dockerProvider } = await import("../../components");
    const host = { name: "goblin", address: "goblin.example", hostKey: HOST_KEY };
    const network = new ContainerNetwork("net", { host });
    const provider = dockerProvider("docker", host, {});
    new LimitedContainer("ollama", {
      ...{ host, provider, network, workload: "ollama", image: "example/ollama:1" },
      memory: { max: "6GiB" },
    });
    await settle();
    const find = (name: string) => registered.find((resource) => resource.name === name);
    expect(textOf(find("net-bundle-apply")).replace(/^manager: .*$/m, 'manager: "VERSION"')).toBe(`bundle: "1"
name: "network"
manager: "VERSION"
owner: "goblin-host/test/net-bundle"
confirm: "120"
networks:
  goblin-host:
    bridge: "br-goblin-host"
    setting: "net"
end: true
`);
    expect(find("ollama-container")?.inputs).toMatchObject({ name: "ollama", networkMode: "goblin-host" });
    expect(find("ollama-container")?.inputs).not.toHaveProperty("networksAdvanced");
    for (const name of ["ollama-bundle-apply", "ollama-container"])
      expect(find(name)?.dependsOn, name).toEqual(
        expect.arrayContaining(["net-bundle-apply", "net-bundle-confirm"]),
      );
    expect(find("ollama-container")?.deletedWith).toBe("ollama-bundle-apply");
  });
});
