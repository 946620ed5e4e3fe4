import { beforeEach, describe, expect, it, vi } from "vitest";
import { commands, isSecretInput, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HOST = {
  address: "203.0.113.10",
  hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`,
};
const FILE = "/etc/ai-resource-monitor/credentials/webhook.url";

describe("a monitor that tells by addresses that are secrets", () => {
  let registered: Registered[];
  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
  });
  const found = (name: string) => registered.find((resource) => resource.name === name);

  it("has them in a bundle before its own, and nowhere else", async () => {
    const { GoblinHost } = await import("../../components");
    new GoblinHost("goblin", {
      ...HOST,
      monitorCredentials: { webhook: "https://hooks.example.com/hunter2", heartbeat: undefined },
    });
    await settle();
    const secret = found("goblin-monitor-credentials-apply");
    expect(isSecretInput(secret)).toBe(true);
    expect(textOf(secret)).toContain(`  ${FILE}:\n`);
    expect(textOf(secret)).toContain('    mode: "0400"\n    owner: "65532:65532"\n');
    expect(textOf(secret)).toContain("      https://hooks.example.com/hunter2\n");
    const own = found("goblin-monitor-bundle-apply");
    expect(own?.dependsOn).toContain("goblin-monitor-credentials-apply");
    expect(textOf(own)).toContain(`"urlFile": "${FILE}"`);
    expect(isSecretInput(own)).toBe(false);
    expect(JSON.stringify(registered.filter((resource) => resource !== secret))).not.toContain("hunter2");
    expect(found("goblin-monitor-container")?.inputs["networkMode"]).toBe("host");
    expect(commands(registered).filter((command) => isSecretInput(command))).toEqual([secret]);
  });

  it("takes those that are known only later, too", async () => {
    const pulumi = await import("@pulumi/pulumi");
    const { GoblinHost } = await import("../../components");
    const sentry = pulumi.secret("https://hunter2@sentry.example.com/7");
    new GoblinHost("goblin", { ...HOST, monitorCredentials: { sentry } });
    await settle();
    const secret = found("goblin-monitor-credentials-apply");
    expect(isSecretInput(secret)).toBe(true);
    expect(textOf(secret)).toContain("      https://hunter2@sentry.example.com/7\n");
    expect(JSON.stringify(registered.filter((resource) => resource !== secret))).not.toContain("hunter2");
  });

  it("without any is as it always was", async () => {
    const { GoblinHost } = await import("../../components");
    new GoblinHost("goblin", { ...HOST, monitorCredentials: {} });
    await settle();
    expect(commands(registered).map(({ name }) => name)).not.toContain("goblin-monitor-credentials-apply");
    expect(commands(registered).some((command) => isSecretInput(command))).toBe(false);
  });

  it("that has the address in a file of the user's, too, is refused", async () => {
    const { GoblinHost } = await import("../../components");
    const monitor = { tell: { webhook: "/etc/ai-resource-monitor/webhook.url" } };
    const monitorCredentials = { webhook: "https://hooks.example.com/hunter2" };
    expect(() => new GoblinHost("goblin", { ...HOST, monitor, monitorCredentials })).toThrow(
      '"goblin-monitor" has the address of webhook twice: in tell.webhook, a file of yours, and in credentials.webhook',
    );
  });
});
