import { beforeEach, describe, expect, it, vi } from "vitest";
import { renderCredentials } from "../../components/credentials/render";
import { sentBundle } from "../../components/host-bundle/sent";
import { commands, isSecretInput, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HOST = {
  name: "goblin",
  address: "203.0.113.10",
  hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`,
};
const FILE = "/etc/goblin-host/credentials/ollama.env";
const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";

describe("the bundle of a workload's secrets", () => {
  it("is one file that only root reads", () => {
    expect(renderCredentials("ollama", { TOKEN: 'a "b" $c `d` \\e %f', API_KEY: "é" })).toEqual({
      name: "credentials-ollama",
      secret: true,
      files: {
        [FILE]: {
          mode: "0600",
          content: `${HEADER}\nAPI_KEY="é"\nTOKEN="a \\"b\\" \\$c \\\`d\\\` \\\\e %f"\n`,
        },
      },
    });
  });

  it("refuses what a line cannot hold, without a word of it", () => {
    expect(() => renderCredentials("ollama", { TOKEN: "hunter2\nX=1" })).toThrow(
      new RangeError("the value of TOKEN holds a control character"),
    );
    expect(() => renderCredentials("ollama", { "A B": "hunter2" })).toThrow(
      new RangeError(`"A B" is no variable: a variable's name has letters, digits and _`),
    );
  });

  it("is known to be one where it is compared", () => {
    expect(sentBundle(renderCredentials("ollama", {})).secret).toBe(true);
    expect(sentBundle({ name: "zram" }).secret).toBe(false);
  });
});

describe("a workload with secrets", () => {
  let registered: Registered[];
  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
  });
  const found = (name: string) => registered.find((resource) => resource.name === name);
  const workload = { host: HOST, workload: "ollama", memory: { max: "8GiB" } };

  it("as a service has them in a bundle before its own, which is applied again after it", async () => {
    const { CgroupService } = await import("../../components");
    new CgroupService("ollama", { ...workload, credentials: { TOKEN: "hunter2" } });
    await settle();
    expect(commands(registered).map(({ name }) => name)).toEqual([
      "ollama-credentials-apply",
      "ollama-bundle-apply",
    ]);
    const secret = found("ollama-credentials-apply");
    expect([isSecretInput(secret), textOf(secret).includes('TOKEN="hunter2"')]).toEqual([true, true]);
    const own = found("ollama-bundle-apply");
    expect(own?.dependsOn).toContain("ollama-credentials-apply");
    expect(textOf(own)).toContain(`      EnvironmentFile=${FILE}\n`);
    expect(textOf(own)).toContain(
      `restartOn: "/etc/systemd/system/ollama.service.d/zz-goblin-exec.conf ${FILE}"`,
    );
    expect(textOf(own, "create")).toBe(
      "/usr/local/sbin/ai-resource-manager apply workload-ollama # for receipt of ollama-credentials-apply",
    );
    expect(JSON.stringify(own)).not.toContain("hunter2");
  });

  it("takes those that are known only later, too", async () => {
    const pulumi = await import("@pulumi/pulumi");
    const { CgroupService } = await import("../../components");
    new CgroupService("ollama", {
      ...workload,
      credentials: { TOKEN: pulumi.secret("hunter2"), B: "plain" },
    });
    await settle();
    const secret = found("ollama-credentials-apply");
    expect(isSecretInput(secret)).toBe(true);
    expect(textOf(secret)).toContain('B="plain"\n      TOKEN="hunter2"\n');
  });

  it("without any is as it always was", async () => {
    const { CgroupService } = await import("../../components");
    new CgroupService("ollama", { ...workload, environmentFile: "/etc/ollama.env", credentials: {} });
    await settle();
    const [own, ...others] = commands(registered);
    expect(others).toEqual([]);
    expect(textOf(own)).toContain("      EnvironmentFile=/etc/ollama.env\n");
    expect(textOf(own, "create")).toBe("/usr/local/sbin/ai-resource-manager apply workload-ollama");
  });

  it("as a container has them in its environment, which is a secret then", async () => {
    const { dockerProvider, LimitedContainer } = await import("../../components");
    const provider = dockerProvider("docker", HOST, {});
    const environment = { OLLAMA_DEBUG: "1" };
    const given = { ...workload, provider, image: "ollama/ollama:0.6.5", environment };
    new LimitedContainer("ollama", { ...given, credentials: { TOKEN: "hunter2" } });
    await settle();
    const container = found("ollama-container");
    expect(isSecretInput(container, "envs")).toBe(true);
    expect(container?.inputs["envs"]).toMatchObject({
      value: [
        "LLAMA_ARG_CACHE_RAM=1024",
        "NVIDIA_VISIBLE_DEVICES=void",
        "OLLAMA_CONTEXT_LENGTH=4096",
        "OLLAMA_DEBUG=1",
        "OLLAMA_MAX_LOADED_MODELS=1",
        "TOKEN=hunter2",
      ],
    });
    const shown = registered.filter((resource) => resource !== container);
    expect(JSON.stringify(shown)).not.toContain("hunter2");
  });

  it("as a container has each variable once, a secret one in the place of a plain or a derived one", async () => {
    const { dockerProvider, LimitedContainer } = await import("../../components");
    const provider = dockerProvider("docker", HOST, {});
    const environment = { OLLAMA_DEBUG: "1", OLLAMA_CONTEXT_LENGTH: "" };
    const credentials = { OLLAMA_DEBUG: "hunter2", LLAMA_ARG_CACHE_RAM: "3" };
    const image = "ollama/ollama:0.6.5";
    new LimitedContainer("ollama", { ...workload, provider, image, environment, credentials });
    await settle();
    expect(found("ollama-container")?.inputs["envs"]).toMatchObject({
      value: [
        "LLAMA_ARG_CACHE_RAM=3",
        "NVIDIA_VISIBLE_DEVICES=void",
        "OLLAMA_CONTEXT_LENGTH=",
        "OLLAMA_DEBUG=hunter2",
        "OLLAMA_MAX_LOADED_MODELS=1",
      ],
    });
  });

  it("that its host does not have is refused", async () => {
    const { GoblinHost } = await import("../../components");
    const credentials = { llama: { TOKEN: "hunter2" } };
    const { address, hostKey } = HOST;
    expect(() => new GoblinHost("goblin", { address, hostKey, credentials })).toThrow(
      'host "goblin" has credentials for "llama", which is no workload of it',
    );
  });
});
