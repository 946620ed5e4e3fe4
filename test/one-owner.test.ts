import { describe, expect, it } from "vitest";
import { isProduction } from "../components/settings/production";
import { paste } from "./support/paste";
import { BASE, type Config, fixOf, HOST_KEY, problemsOf, withValue } from "./support/values";

/** Workloads by name, each with what is special about it; those with ports are containers. */
function workloads(given: Record<string, Record<string, unknown>>): Config {
  return Object.fromEntries(
    Object.entries(given).map(([name, settings]) => [
      name,
      {
        memory: { max: "1GiB" },
        ...("ports" in settings ? { runtime: "container", image: "example/llama:1" } : {}),
        ...settings,
      },
    ]),
  );
}

describe("what only one can have", () => {
  const cases: [what: string, config: Config, said: string[], fixes: string[]][] = [
    [
      "a port of two containers",
      { workloads: workloads({ a: { ports: ["8080:80"] }, b: { ports: ["127.0.0.1:8080:81"] } }) },
      ['workloads.b.ports[0] is "127.0.0.1:8080:81": workload a publishes port 8080/tcp at 127.0.0.1'],
      ["ports[0]' 127.0.0.1:8081:81"],
    ],
    [
      "a port of one container, twice, and the next one taken",
      { workloads: workloads({ a: { ports: ["80:80", "81:80", "0.0.0.0:80:80"] } }) },
      ["workloads.a.ports[2]", "workload a publishes port 80/tcp at 127.0.0.1"],
      ["ports[2]' 0.0.0.0:82:80"],
    ],
    [
      "a port of three containers",
      { workloads: workloads({ a: { ports: ["80:1"] }, b: { ports: ["80:1"] }, c: { ports: ["80:1"] } }) },
      ["workloads.b.ports[0]", "workloads.c.ports[0]"],
      ["b.ports[0]' 127.0.0.1:81:1", "c.ports[0]' 127.0.0.1:82:1"],
    ],
    [
      "the last port",
      { workloads: workloads({ a: { ports: ["65535:1"] }, b: { ports: ["65535:1"] } }) },
      ["workloads.b.ports[0]"],
      ["b.ports[0]' 127.0.0.1:1024:1"],
    ],
    [
      "a port of IPv6 in two spellings",
      { workloads: workloads({ a: { ports: ["[::1]:80:80", "[0:0::1]:80:80"] } }) },
      ["at ::1"],
      ["ports[1]' '[::1]:81:80'"],
    ],
    [
      "the monitor's port",
      { monitor: { listen: "127.0.0.1:9465" }, workloads: workloads({ a: { ports: ["0.0.0.0:9465:80"] } }) },
      ["the monitor listens on port 9465/tcp at 127.0.0.1"],
      ["ports[0]' 0.0.0.0:9466:80"],
    ],
    [
      "a unit, where the usual name is another's",
      {
        workloads: workloads({
          a: { unit: "b.service" },
          b: { unit: "b.service" },
          c: { unit: "b.service" },
        }),
      },
      ['workloads.b.unit is "b.service": workload a has the same unit', "workloads.c.unit"],
      ["b.unit' b2.service", "c.unit' c.service"],
    ],
    [
      "a slice without its dashes, and the next one taken",
      { workloads: workloads({ "a-b": {}, ab: {}, ab2: {} }) },
      ['workloads.ab.slice is by default "ai-ab": workload a-b has the same slice'],
      ["ab.slice' ai-ab3"],
    ],
    [
      "a slice of the longest name",
      { workloads: workloads({ [`a-${"b".repeat(39)}`]: {}, [`a${"b".repeat(39)}`]: {} }) },
      ["has the same slice"],
      [".slice' ai-"],
    ],
    [
      "the whole of the host's cores",
      { reserve: { cores: "0-3" }, workloads: workloads({ a: { cpu: { cores: "2" } } }) },
      ["kept for the system"],
      ["rm --path"],
    ],
  ];
  it.each(cases)("%s", (_, config, said, fixes) => {
    const base = { ...BASE, ...config };
    const problems = problemsOf(base);
    expect(problems).toHaveLength(fixes.length);
    const all = problems.join("\n");
    for (const text of [...said, ...fixes]) expect(all).toContain(text);
    for (const problem of problems) expect(problem).toMatch(/\n {4}allowed: \S/);
    expect(problemsOf(problems.reduce<Config>((at, problem) => paste(at, fixOf(problem)), base))).toEqual([]);
  });

  it("is told of other ports, of services' and of other hosts' by nobody", () => {
    const config = withValue(BASE, ["workloads"], {
      ...workloads({ a: { ports: ["80:80", "80:80/udp"] } }),
      b: { memory: { max: "1GiB" }, ports: ["80:80"] },
    });
    const other = { address: "198.51.100.8", hostKey: HOST_KEY };
    expect(problemsOf(withValue(config, ["hosts", "other"], other))).toEqual([]);
  });
});

describe("a stack is for production by a word of its name", () => {
  it.each([
    "prod",
    "acme/prod",
    "acme/goblin/prod",
    "production",
    "Production",
    "prod-eu",
    "eu-prod",
    "prod2",
    "eu.prod_2",
  ])("%s is", (stack) => {
    expect(isProduction(stack)).toBe(true);
    const skip = { address: "198.51.100.7", insecureSkipHostKeyCheck: true };
    expect(problemsOf(withValue(BASE, ["hosts", "goblin"], skip), stack).join()).toContain(
      "a stack for production always checks the host's key",
    );
  });

  it.each([
    "reproduce",
    "product-test",
    "products",
    "prodigy",
    "staging",
    "prod/dev",
    "preprod",
    "non-prod",
    "pre-prod-eu",
    "",
  ])("%s is not", (stack) => {
    expect(isProduction(stack)).toBe(false);
  });
});
