import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { hostBundles } from "../components/goblin-host/bundles";
import type { GoblinHostSettings } from "../components/goblin-host/schema";
import {
  commands,
  confirmations,
  isSecretInput,
  mockEngine,
  type Registered,
  settle,
  textOf,
} from "./components/mock-engine";

type Config = Record<string, unknown>;

/** A stack's configuration, its keys without the project. */
function configOf(stack: string): Config {
  const folder = stack === "containers" ? "examples/" : "";
  const { config } = parse(readFileSync(`${folder}Pulumi.${stack}.yaml`, "utf8")) as { config: Config };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("goblin-host:", ""), value]),
  );
}

/** The same with everything that a stack may have and these have not. */
function withPrometheus(config: Config): Config {
  const monitor = { ...(config["monitor"] as object | undefined), listen: "127.0.0.1:9465" };
  return { ...config, monitor, prometheus: { enabled: true } };
}

async function deploy(config: Config, stack = "test", secrets: readonly string[] = []) {
  vi.resetModules();
  const registered = await mockEngine({ observe: "off", ...config }, stack, secrets);
  const program = await import("../index");
  const limits = await program.limits;
  const nextSteps = await program.nextSteps;
  await settle();
  return { limits, nextSteps: Object.keys(nextSteps), registered };
}

afterEach(settle);

/** The bundles' resources in the order in which they are applied, each after the one before. */
const SERVICES = [
  "manager",
  "zram",
  "swap",
  "earlyoom",
  "slices",
  "docker",
  "models",
  "monitor",
  "monitor-timer",
  "ollama",
  "llamacpp",
  "local-llm-proxy",
];

/** A network is there for containers only. */
const WITH_CONTAINERS = SERVICES.flatMap((part) => (part === "ollama" ? ["network", part] : [part]));

/** Those whose changes could cut the operator off: swapoff, sshd's own limits, a restart of dockerd, a subnet. */
const CONFIRMED = ["zram", "swap", "slices", "docker", "network"];

/** Everything that a resource waits for. */
function ancestors(registered: readonly Registered[], name: string): Set<string> {
  const found = new Set<string>();
  const visit = (at: string): void => {
    for (const next of registered.find((resource) => resource.name === at)?.dependsOn ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      visit(next);
    }
  };
  visit(name);
  return found;
}

describe("the program", () => {
  it.each([
    { stack: "prod", host: "goblin", containers: [] },
    { stack: "sandbox", host: "sandbox", containers: ["llamacpp"] },
  ])("declares the host of the stack $stack as one chain of bundles", async ({ stack, host, containers }) => {
    const { limits, registered } = await deploy(configOf(stack), stack);
    const ORDER = containers.length === 0 ? SERVICES : WITH_CONTAINERS;
    const confirmed = CONFIRMED.filter((part) => ORDER.includes(part));
    expect(commands(registered).map(({ name }) => name)).toEqual(
      ORDER.flatMap((part) => [
        `${host}-${part}-bundle-apply`,
        // A container is proven well by a bundle of its own, after it.
        ...(containers.includes(part) ? [`${host}-${part}-ready-apply`] : []),
      ]),
    );
    for (const [index, part] of ORDER.entries()) {
      if (index === 0) continue;
      const reached = ancestors(registered, `${host}-${part}-bundle-apply`);
      expect(reached, part).toContain(`${host}-${ORDER[index - 1] ?? ""}-bundle-apply`);
      for (const before of confirmed.filter((name) => ORDER.indexOf(name) < index))
        expect(reached, part).toContain(`${host}-${before}-bundle-confirm`);
    }
    expect(confirmations(registered).map(({ name }) => name)).toEqual(
      confirmed.map((part) => `${host}-${part}-bundle-confirm`),
    );
    expect(registered.filter(({ name }) => name === host).map(({ parent }) => parent)).toEqual([""]);
    const parentOf = (name: string) => registered.find((resource) => resource.name === name)?.parent;
    for (const part of ORDER) {
      expect(parentOf(`${host}-${part}-bundle-apply`)).toBe(`${host}-${part}-bundle`);
      expect(parentOf(`${host}-${part}-bundle`)).toBe(`${host}-${part}`);
      expect(parentOf(`${host}-${part}`)).toBe(part === "monitor-timer" ? `${host}-monitor` : host);
    }
    expect(commands(registered).every(({ deleteBeforeReplace }) => deleteBeforeReplace)).toBe(true);
    expect(Object.keys(limits)).toEqual([host]);
    expect(limits[host]?.["ollama.service"]?.MemoryMax).toBe("8589934592");
  });

  it.each(["prod", "sandbox", "containers"])(
    "sends what drift detection without Pulumi compares with (%s)",
    async (stack) => {
      const config = withPrometheus(configOf(stack));
      const credentials = { ollama: { OLLAMA_TOKEN: "hunter2" } };
      const monitorCredentials = { webhook: "https://hooks.example.com/hunter2" };
      const prometheusCredentials = { webhook: "https://alerts.example.com/hunter2" };
      const secret = { credentials, monitorCredentials, prometheusCredentials };
      const { registered } = await deploy({ ...config, ...secret }, stack, Object.keys(secret));
      const [[name, own] = ["", {}]] = Object.entries(config["hosts"] as Record<string, object>);
      const settings = { ...config, ...own } as GoblinHostSettings & { hosts?: object };
      delete settings.hosts;
      const settingPath = (path: string) => `goblin-host:${path}`;
      const host = { name, settings, ...secret, settingPath };
      const bundles = hostBundles(host, { project: "goblin-host", stack });
      expect(bundles.map(({ text }) => text)).toEqual(commands(registered).map((command) => textOf(command)));
      expect(bundles.map(({ secret }) => secret)).toEqual(
        commands(registered).map((command) => isSecretInput(command)),
      );
      const secrets = ["ollama", "monitor", "prometheus"].map((of) => `${name}-${of}-credentials-apply`);
      const shown = registered.filter(({ name: of }) => !secrets.includes(of));
      const container = shown.find(({ name: of }) => of === `${name}-ollama-container`);
      expect(isSecretInput(container, "envs")).toBe(stack === "containers");
      expect(JSON.stringify(shown.filter((resource) => resource !== container))).not.toContain("hunter2");
      expect(bundles.map(({ owner }) => owner)).toContain(
        `goblin-host/${stack}/${name}-monitor-timer-bundle`,
      );
    },
  );

  it("declares Prometheus only where it is wanted, after the monitor and before the workloads", async () => {
    const { registered, limits } = await deploy(withPrometheus(configOf("sandbox")), "sandbox");
    const names = commands(registered).map(({ name }) => name.replace(/^sandbox-|-bundle-apply$/g, ""));
    const at = names.indexOf("prometheus");
    expect(names.slice(at - 1, at + 2)).toEqual(["monitor-timer", "prometheus", "network"]);
    const reached = ancestors(registered, "sandbox-prometheus-bundle-apply");
    expect(reached).toContain("sandbox-monitor-timer-bundle-apply");
    expect(ancestors(registered, "sandbox-network-bundle-apply")).toContain(
      "sandbox-prometheus-bundle-apply",
    );
    // Nothing else of the host is another for it but the monitor, which is asked at an address.
    const without = await deploy(configOf("sandbox"), "sandbox");
    const texts = (of: readonly Registered[]): Record<string, string> =>
      Object.fromEntries(commands(of).map((command) => [command.name, textOf(command)]));
    const [before, after] = [texts(without.registered), texts(registered)];
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual(
      ["monitor", "monitor-timer", "prometheus"].map((part) => `sandbox-${part}-bundle-apply`),
    );
    expect(limits["sandbox"]?.["prometheus.service"]?.MemoryMax).toBe("402653184");
  });

  it("holds the specification's numbers in production", async () => {
    const { registered } = await deploy(configOf("prod"), "prod");
    const sent = commands(registered)
      .map((command) => textOf(command))
      .join("");
    for (const text of [
      'size: "17179869184"',
      'size: "8589934592"',
      'algorithm: "lz4"',
      'vm.swappiness: "10"',
      "-m 10,5 -s 100,100",
      'MemoryMax: "8589934592"',
      'MemoryMax: "6442450944"',
      'MemoryMax: "1073741824"',
      'CPUQuota: "200%"',
      'CPUQuota: "150%"',
      'CPUQuota: "50%"',
      'CPUAffinity: "0-7"',
      'CPUAffinity: "8-11"',
      'IOWeight: "100"',
      'IOWeight: "80"',
      'IOWeight: "50"',
      "Before=llamacpp.service local-llm-proxy.service ollama.service",
    ]) {
      expect(sent).toContain(text);
    }
    expect(configOf("prod")["thresholds"]).toEqual({ memory: 85, cpu: 90, disk: 90, swap: 70, service: 95 });
  });

  it("renders the same inputs from another folder, with another key and another agent", async () => {
    const first = await deploy(configOf("prod"));
    const folder = process.cwd();
    process.chdir("/");
    vi.stubEnv("SSH_AUTH_SOCK", "/tmp/another-agent");
    vi.stubEnv("HOME", "/tmp/another-home");
    const config = (() => {
      process.chdir(folder);
      const read = configOf("prod");
      process.chdir("/");
      return read;
    })();
    const second = await deploy(config);
    process.chdir(folder);
    vi.unstubAllEnvs();
    expect(second.registered).toEqual(first.registered);
  });

  it("does as many hosts as there are, side by side", async () => {
    const { hosts, ...shared } = configOf("prod");
    const [host] = Object.values(hosts as Record<string, object>);
    const { registered } = await deploy({
      ...shared,
      hosts: { b: { ...host, address: "203.0.113.11", workloads: { ollama: null } }, a: host },
    });
    const names = commands(registered).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("a-"))).toHaveLength(12);
    expect(names.filter((name) => name.startsWith("b-"))).toHaveLength(11);
    for (const { name, dependsOn } of commands(registered)) {
      expect(dependsOn.every((other) => other.startsWith(name.slice(0, 2)))).toBe(true);
    }
    // One that goes takes no name of another's along.
    const images = registered.filter(({ type }) => type === "docker:index/remoteImage:RemoteImage");
    expect(new Set(images.map(({ inputs }) => inputs["name"])).size).toBe(2);
  });

  it("declares the same for a host that was renamed, and each resource says what it was called", async () => {
    // An agent is known by what the host was called first, too.
    vi.doMock("../components/ssh/agent", () => ({
      namedAgent: (identity: string) => Promise.resolve(`agent of ${identity}`),
      runAgent: () => Promise.resolve("an agent"),
    }));
    const { hosts, ...shared } = configOf("containers");
    const [own] = Object.values(hosts as Record<string, object>);
    // Of its own, so that the host's errors name it by the host.
    const host = { ...own, swap: { size: "4GiB" } };
    const config = { ...withPrometheus(shared), privateKey: "not a real key" };
    const before = await deploy({ ...config, hosts: { goblin: host } }, "test", ["privateKey"]);
    const formerly = ["goblin", "vps"];
    const renamed = { ...config, hosts: { prime: { ...host, formerly } } };
    const after = await deploy(renamed, "test", ["privateKey"]);
    vi.doUnmock("../components/ssh/agent");
    expect(JSON.stringify(before.registered)).toContain("IdentityAgent=agent of goblin-host/test/goblin");
    const named = (name: string): string => name.replace(/^prime/, "goblin");
    expect(
      after.registered.map((resource) => ({
        ...resource,
        name: named(resource.name),
        parent: named(resource.parent),
        dependsOn: resource.dependsOn.map(named),
        deletedWith: named(resource.deletedWith),
        inputs: JSON.parse(JSON.stringify(resource.inputs).replaceAll("prime-", "goblin-")) as object,
        aliases: [],
      })),
    ).toEqual(
      JSON.parse(JSON.stringify(before.registered.map((resource) => ({ ...resource, aliases: [] })))),
    );
    for (const { name, aliases } of after.registered)
      expect(aliases, name).toEqual(
        expect.arrayContaining(formerly.map((old) => name.replace(/^prime/, old))),
      );
    expect([before.limits, before.nextSteps]).toEqual([after.limits, after.nextSteps]);
    expect(textOf(after.registered.find(({ name }) => name === "prime-swap-bundle-apply"))).toContain(
      'setting: "goblin-host:hosts.goblin.swap.size"',
    );
  });

  it("makes a workload a container in its place: unit, image, container, proof", async () => {
    const config = configOf("prod");
    const workloads = config["workloads"] as Record<string, object>;
    const { registered } = await deploy({
      ...config,
      workloads: {
        ...workloads,
        ollama: { ...workloads["ollama"], runtime: "container", image: "ollama/ollama:0.6.5" },
      },
    });
    const find = (name: string) => registered.find((resource) => resource.name === name);
    expect(textOf(find("goblin-slices-bundle-apply"))).toContain('MemorySwapMax: "4294967296"');
    expect(find("goblin-ollama-container")?.dependsOn).toContain("goblin-ollama-bundle-apply");
    expect(find("goblin-ollama-ready-apply")?.dependsOn).toContain("goblin-ollama-container");
    // The next workload waits until this one is well.
    expect(find("goblin-llamacpp-bundle-apply")?.dependsOn).toContain("goblin-ollama-ready-apply");
  });

  it("connects containers to a network of their host, which goes after them, unless one is to stay out", async () => {
    const config = configOf("containers");
    const workloads = config["workloads"] as Record<string, object>;
    const outside = (names: readonly string[]) =>
      deploy({
        ...config,
        workloads: Object.fromEntries(
          Object.entries(workloads).map(([name, settings]) => [
            name,
            names.includes(name) ? { ...settings, network: "bridge" } : settings,
          ]),
        ),
      });
    const { registered } = await outside(["llamacpp"]);
    const find = (name: string) => registered.find((resource) => resource.name === `goblin-${name}`);
    expect(textOf(find("network-bundle-apply"))).toContain(
      'networks:\n  goblin-host:\n    bridge: "br-goblin-host"\n    setting: "goblin-host:workloads"\n',
    );
    const modes = ["ollama", "llamacpp", "local-llm-proxy", "monitor"].map(
      (name) => find(`${name}-container`)?.inputs["networkMode"],
    );
    // The monitor asks the endpoints of the workloads on the host.
    expect(modes).toEqual(["goblin-host", "bridge", "goblin-host", "host"]);
    for (const name of ["ollama", "local-llm-proxy"])
      for (const part of ["bundle-apply", "container"])
        expect(find(`${name}-${part}`)?.dependsOn, part).toContain("goblin-network-bundle-apply");
    expect(find("llamacpp-container")?.dependsOn).not.toContain("goblin-network-bundle-apply");
    // Where nobody shares it, there is none.
    const alone = await outside(Object.keys(workloads));
    expect(alone.registered.filter(({ name }) => name.startsWith("goblin-network"))).toEqual([]);
  });
});
