import { afterEach, describe, expect, it, vi } from "vitest";
import { POLICY, violation } from "../../components/policy/rules";
import { mockEngine, settle } from "./mock-engine";

const CONTAINER = "docker:index/container:Container";
const COMMAND = "command:remote:Command";
const bundle = (slice: string): string => `bundle: "1"
name: "workload-chat"
files:
  /etc/systemd/system/chat.service.d/zz-goblin.conf:
    content: |2+
      [Service]
      ${slice}
      MemoryMax=1G

    mode: "0644"
limits:
  chat.service:
    MemoryMax: "1073741824"
end: true
`;

const CONTAINER_UNIT = `name: "workload-chat"
units:
  chat.service:
    container: "chat"
limits:
  chat.service:
    GPUs: "0"
`;

/** The rules that a resource breaks. */
const broken = (type: string, inputs: Record<string, unknown>, stack = "prod"): string[] =>
  POLICY.filter((rule) => rule.type === type && violation(rule, "it", inputs, stack) !== undefined).map(
    ({ name }) => name,
  );

describe("a rule", () => {
  const container = { memory: 128, memorySwap: 129, cgroupParent: "ai-chat.slice" };
  const command = {
    connection: { host: "a", hostKey: "ssh-ed25519 AAAA" },
    stdin: bundle("Slice=ai-chat.slice"),
  };

  it.each([
    ["a container within its limits", CONTAINER, container, []],
    ["one in a slice with _", CONTAINER, { ...container, cgroupParent: "ai-a_b.slice" }, []],
    ["the monitor's", CONTAINER, { ...container, cgroupParent: "airm.slice" }, []],
    ["one without memory", CONTAINER, { ...container, memory: undefined }, ["container-limits"]],
    ["one with all swap", CONTAINER, { ...container, memorySwap: -1 }, ["container-limits"]],
    ["one in Docker's own cgroup", CONTAINER, { ...container, cgroupParent: undefined }, ["ai-slice"]],
    ["one in another slice", CONTAINER, { ...container, cgroupParent: "system.slice" }, ["ai-slice"]],
    ["a command", COMMAND, command, []],
    ["a container's unit", COMMAND, { ...command, stdin: CONTAINER_UNIT }, []],
    ["one that sends no bundle", COMMAND, { ...command, stdin: "name: x" }, []],
    ["a workload in another slice", COMMAND, { ...command, stdin: bundle("Slice=user.slice") }, ["ai-slice"]],
    ["a workload in none", COMMAND, { ...command, stdin: bundle("TasksMax=9") }, ["ai-slice"]],
    ["a host without a key", COMMAND, { ...command, connection: { host: "a" } }, ["verified-host-key"]],
    [
      "a bastion without a key",
      COMMAND,
      { ...command, connection: { hostKey: "ssh-ed25519 AAAA", proxy: { host: "b" } } },
      ["verified-host-key"],
    ],
    ["one with an empty key", COMMAND, { ...command, connection: { hostKey: "" } }, ["verified-host-key"]],
    ["a trigger", COMMAND, { ...command, triggers: [1] }, ["no-triggers"]],
    ["no triggers", COMMAND, { ...command, triggers: [] }, []],
    ["another resource", "random:index:Id", {}, []],
  ])("about %s", (_, type, inputs, rules) => {
    expect(broken(type, inputs)).toEqual(rules);
  });

  it("about host keys holds in a stack for production alone", () => {
    expect(broken(COMMAND, { ...command, connection: {} }, "staging")).toEqual([]);
    expect(broken(COMMAND, { ...command, connection: {} }, "prod-eu")).toEqual(["verified-host-key"]);
    expect(broken(COMMAND, { ...command, connection: {} }, "acme/prod")).toEqual(["verified-host-key"]);
  });
});

describe("a program", () => {
  afterEach(async () => {
    await settle().catch(() => undefined);
    vi.resetModules();
  });

  async function program() {
    vi.resetModules();
    const registered = await mockEngine({}, "prod");
    const pulumi = await import("@pulumi/pulumi");
    const command = await import("@pulumi/command");
    const { enforcePolicy } = await import("../../components");
    enforcePolicy();
    return { registered, pulumi, command };
  }

  it("that breaks rules fails by their names, all of a resource's at once, without a stack", async () => {
    const { command } = await program();
    let error: Error | undefined;
    try {
      new command.remote.Command("extra", { connection: { host: "198.51.100.7" }, triggers: ["now"] });
    } catch (thrown) {
      error = thrown as Error;
    }
    expect(error?.message).toMatch(/policy no-triggers: extra: a change of triggers creates first/);
    expect(error?.stack).toBeUndefined();
  });

  it("that keeps them declares what it would without", async () => {
    const { registered, pulumi, command } = await program();
    const hostKey = pulumi.output("ssh-ed25519 AAAA");
    new command.remote.Command("extra", {
      connection: { host: "198.51.100.7", hostKey },
      create: "true",
      stdin: pulumi.output("text"),
    });
    await settle();
    const [extra] = registered;
    expect(extra?.inputs["stdin"]).toBe("text");
    expect(JSON.stringify(extra?.inputs["connection"])).toContain('"hostKey":"ssh-ed25519 AAAA"');
  });
});
