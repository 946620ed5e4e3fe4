import { describe, expect, test } from "vitest";
import { isPrivateAddress } from "../../monitor/config/address";
import { checkConfig, ConfigError } from "../../monitor/config/check";
import { type MonitorConfig, renderMonitorConfig } from "../../monitor/config/schema";

function problems(text: string): readonly string[] {
  try {
    checkConfig(text, "c.json");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("an empty document is the specification's numbers", () => {
  expect(checkConfig("{}", "c.json")).toEqual({
    intervalSeconds: 10,
    thresholds: { memory: 85, cpu: 90, disk: 90, swap: 70, service: 95, pressure: 20 },
    sinks: {},
    models: { path: "/srv/models", mount: "any" },
    services: [],
    alerts: { forSeconds: 60, repeatSeconds: 14_400 },
    history: { everySeconds: 60, days: 7, maxBytes: 16_777_216 },
    watchHours: 24,
    gpu: { command: "nvidia-smi" },
  });
});

test("what is rendered is accepted, and the same settings are the same bytes", () => {
  const config: MonitorConfig = {
    services: [
      {
        name: "ollama",
        runtime: "container",
        slice: "ai-ollama.slice",
        memoryMaxBytes: 8_589_934_592,
        quotaPercent: 200,
        vramThreshold: 90,
        ollama: "http://127.0.0.1:11434",
        health: { http: "http://127.0.0.1:11434/" },
      },
    ],
    listen: { address: "127.0.0.1", port: 9101 },
    intervalSeconds: 5,
  };
  const text = renderMonitorConfig(config);
  expect(text).toMatch(/^\{\n {2}"intervalSeconds": 5,\n {2}"listen": \{\n {4}"address"/);
  const { services, listen } = checkConfig(text, "c.json");
  expect(services[0]?.health).toEqual({ http: "http://127.0.0.1:11434/", timeoutSeconds: 2 });
  expect(listen).toEqual({ address: "127.0.0.1", port: 9101 });
  const reordered = Object.fromEntries(Object.entries(config).reverse()) as MonitorConfig;
  expect(renderMonitorConfig(reordered)).toBe(text);
});

describe("errors name the setting, its value and what is allowed, all at once", () => {
  test("of a document with several", () => {
    const text = JSON.stringify({
      intervalSeconds: 0,
      thresholds: { memory: 150, foo: 1 },
      models: { path: "srv", mount: "no" },
      services: [{ name: "a b", runtime: "docker" }, 3, { name: "x", runtime: "systemd", cgroup: "../up" }],
      listen: { address: "8.8.8.8", port: 9101 },
      unknown: true,
    });
    expect(problems(text)).toEqual([
      "c.json: intervalSeconds is 0; allowed: a whole number from 1 to 3600",
      "c.json: thresholds.memory is 150; allowed: a percentage above 0, up to 100",
      "c.json: there is no setting thresholds.foo",
      'c.json: models.path is "srv"; allowed: an absolute path',
      'c.json: models.mount is "no"; allowed: any or required',
      'c.json: services[0].name is "a b"; allowed: a name: letters, digits and . _ @ -',
      'c.json: services[0].runtime is "docker"; allowed: systemd or container',
      "c.json: services[1] is 3; allowed: a map",
      'c.json: services[2].cgroup is "../up"; allowed: a path without a leading slash or ..',
      'c.json: listen.address is "8.8.8.8"; allowed: a loopback or private IP address, or any with tokenFile and tls beside it',
      "c.json: there is no setting unknown",
    ]);
  });

  test.each([
    ["", "c.json is no JSON: "],
    ["[]", "c.json: the document is []; allowed: a map"],
    ['{"services":[{"runtime":"systemd"}]}', "c.json: services[0].name is missing; allowed: a name"],
    ['{"intervalSeconds":1.5}', "c.json: intervalSeconds is 1.5; allowed: a whole number from 1 to 3600"],
    [
      '{"services":[{"name":"a","runtime":"systemd"},{"name":"a","runtime":"container"}]}',
      "; allowed: services whose names differ",
    ],
    [
      '{"services":[{"name":"a","runtime":"systemd","health":{"http":"https://x/"}}]}',
      "allowed: an http:// address",
    ],
    ['{"listen":{"address":"localhost","port":1}}', "allowed: an IP address"],
  ])("%s", (text, problem) => {
    expect(problems(text).join("\n")).toContain(problem);
  });
});

test("a public address needs a token and TLS", () => {
  const at = (more: object) => problems(JSON.stringify({ listen: { address: "8.8.8.8", port: 1, ...more } }));
  const tls = { certificateFile: "/c", keyFile: "/k" };
  expect(at({ tokenFile: "/t", tls })).toEqual([]);
  expect(at({ tokenFile: "/t" })).toHaveLength(1);
  expect(at({ tls })).toHaveLength(1);
  expect(problems('{"listen":{"address":"0.0.0.0","port":1}}')).toHaveLength(1);
});

test.each([
  ["127.0.0.1", true],
  ["10.1.2.3", true],
  ["172.16.0.1", true],
  ["172.32.0.1", false],
  ["192.168.1.1", true],
  ["192.169.1.1", false],
  ["100.64.0.1", true],
  ["100.128.0.1", false],
  ["169.254.1.1", true],
  ["0.0.0.0", false],
  ["203.0.113.10", false],
  ["256.0.0.1", undefined],
  ["::1", true],
  ["::", false],
  ["fd00::1", true],
  ["fe80::1", true],
  ["2001:db8::1", false],
  ["::ffff:10.0.0.1", true],
  ["::ffff:8.8.8.8", false],
  ["010.0.0.1", undefined],
  ["localhost", undefined],
])("%s is private: %s", (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected);
});
