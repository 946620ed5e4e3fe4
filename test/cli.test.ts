import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { withAgent } from "./sandbox/agent";
import { SWAP_OFF } from "./support/finding";
import { type SshServer, startSshServer } from "./sandbox/engine/testing/ssh-server";

const ROOT = join(import.meta.dirname, "..");
const LIMITS = [
  ["ollama.service", "MemoryMax", "8 GiB", "8 GiB", "enforced", ""],
  ["ollama.service", "IOWeight", "100", "", "inert", "no disk of this host weighs IO"],
].map(([unit, property, declared, kernel, verdict, reason]) => ({
  unit,
  property,
  declared,
  kernel,
  verdict,
  reason,
}));

interface Bundle {
  name: string;
  digest: string;
  generation: number;
  owner?: string;
  findings: object[];
  limits: object[];
}

let server: SshServer;
let folder: string;
let bundles: Bundle[];

const stack = (change: (config: Record<string, unknown>) => void = () => undefined): void => {
  const { config } = parse(readFileSync(join(ROOT, "Pulumi.prod.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  config["goblin-host:hosts"] = {
    goblin: { address: "127.0.0.1", port: server.port, hostKey: server.hostKey },
  };
  change(config);
  writeFileSync(join(folder, "Pulumi.vps.yaml"), stringify({ config }));
};

/** A command of package.json with this stack, and an agent that holds the key. */
function run(command: "drift" | "verdict", ...args: string[]) {
  return withAgent(join(folder, "key"), async (socket) => {
    const { exitCode, stdout, stderr } = await execa(
      "npm",
      ["run", "-s", command, "--", "--stack", "vps", "--folder", folder, ...args],
      { cwd: ROOT, env: { SSH_AUTH_SOCK: socket }, reject: false },
    );
    return { exitCode, stdout, stderr };
  });
}

beforeAll(async () => {
  server = await startSshServer();
  folder = mkdtempSync(join(tmpdir(), "goblin-host-cli-"));
  writeFileSync(join(folder, "key"), server.privateKey, { mode: 0o600 });
  stack();
  server.answer = () => ({ stdout: '{"absent":true,"boot":"b"}' });
  const { hosts } = JSON.parse((await run("drift", "--json")).stdout) as {
    hosts: { bundles: { bundle: string; declared: string }[] }[];
  };
  bundles = (hosts[0]?.bundles ?? []).map(({ bundle, declared }) => ({
    name: bundle,
    digest: declared,
    generation: 1,
    findings: [],
    limits: bundle === "workload-ollama" ? LIMITS : [],
  }));
});

beforeEach(() => {
  stack();
  answer(bundles);
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await server.close();
});

function answer(held: readonly Bundle[]): void {
  server.answer = () => ({
    stdout: JSON.stringify({ version: "1.0.0", busy: false, boot: "b", bundles: held }),
  });
}

const at = (): string => `goblin (root@127.0.0.1:${server.port})`;

describe("npm run drift", () => {
  it("says in sync, and ends with 0", async () => {
    expect(bundles).toHaveLength(12);
    expect(await run("drift")).toMatchObject({ exitCode: 0, stdout: `${at()}: in sync, 12 bundles` });
  });

  it("tells what differs, what is missing and what is too much, and ends with 7", async () => {
    const [first, second, ...rest] = bundles;
    if (first === undefined || second === undefined) throw new Error("no bundles");
    answer([
      first,
      { ...second, digest: "another", findings: [SWAP_OFF] },
      ...rest.slice(1),
      { ...first, name: "old" },
    ]);
    const { exitCode, stdout } = await run("drift");
    expect(exitCode).toBe(7);
    expect(stdout).toBe(
      [
        `${at()}: drift in 3 of 13 bundles`,
        `  ${second.name}`,
        "    /swapfile swap: declared 16 GiB, priority 10, kernel off (is off)",
        "    the host holds another version than this stack declares",
        `  ${rest[0]?.name ?? ""}`,
        "    not on the host",
        "  old",
        "    this stack does not declare it",
        "  repair: pulumi up",
      ].join("\n"),
    );
  });

  it("tells what belongs to another stack or project", async () => {
    const [first, ...rest] = bundles;
    if (first === undefined) throw new Error("no bundles");
    answer([{ ...first, owner: "goblin-host/old/goblin-manager-bundle" }, ...rest]);
    expect((await run("drift")).stdout).toContain(
      "    it belongs to goblin-host/old/goblin-manager-bundle, and this stack declares it as goblin-host/vps/goblin-manager-bundle\n",
    );
    writeFileSync(join(folder, "Pulumi.yaml"), "name: fork\n");
    answer(bundles.map((bundle) => ({ ...bundle, owner: "fork/vps/goblin-manager-bundle" })));
    const { stdout } = await run("drift");
    rmSync(join(folder, "Pulumi.yaml"));
    expect(stdout).toContain("drift in 12 of 12 bundles");
    expect(stdout).not.toContain("declares it as fork/vps/goblin-manager-bundle");
    expect(stdout).toContain("and this stack declares it as fork/vps/goblin-zram-bundle");
  });

  it("compares secrets by what the host finds of them, and tells no digest, from which one could be guessed", async () => {
    stack((config) => {
      config["goblin-host:privateKey"] = { secure: "AAAB" };
      config["goblin-host:credentials"] = { ollama: { TOKEN: { secure: "AAAB" } } };
      config["goblin-host:monitorCredentials"] = {
        webhook: { secure: "AAAB" },
        sentry: { secure: "AAAB" },
      };
      config["goblin-host:monitor"] = { listen: "127.0.0.1:9465" };
      config["goblin-host:prometheus"] = { enabled: true };
      config["goblin-host:prometheusCredentials"] = { webhook: { secure: "AAAB" } };
    });
    server.answer = () => ({ stdout: '{"absent":true,"boot":"b"}' });
    const { hosts } = JSON.parse((await run("drift", "--json")).stdout) as {
      hosts: { bundles: { bundle: string; declared?: string }[] }[];
    };
    const held = (hosts[0]?.bundles ?? []).map(({ bundle, declared = "of the secret" }) => ({
      ...{ name: bundle, digest: declared, generation: 1 },
      ...{ findings: [] as object[], limits: [] },
    }));
    const secret = { ...held.find(({ name }) => name === "credentials-ollama") };
    expect(secret.digest).toBe("of the secret");
    for (const name of ["monitor-credentials", "prometheus-credentials"])
      expect(held.find((bundle) => bundle.name === name)?.digest).toBe("of the secret");
    answer([...held, { ...held[0], ...secret, name: "credentials-gone" } as Bundle]);
    const told = await run("drift", "--json");
    expect(told.stdout).not.toContain("of the secret");
    expect(told.stdout).toContain('"bundle": "prometheus-stack"');
    expect(told.stdout).toContain('"bundle": "credentials-gone"');
    answer(held);
    expect(await run("drift")).toMatchObject({ exitCode: 0, stdout: `${at()}: in sync, 16 bundles` });
    answer(
      held.map((bundle) => (bundle.name === secret.name ? { ...bundle, findings: [SWAP_OFF] } : bundle)),
    );
    expect((await run("drift")).stdout).toContain("  credentials-ollama\n    /swapfile swap: ");
  });

  it("ends with 1 where nobody could look, and says what to do", async () => {
    server.answer = () => ({ status: 2, stderr: "not booted with systemd\n" });
    const failed = await run("drift");
    expect(failed.exitCode).toBe(1);
    expect(failed.stdout).toBe(
      `${at()}: unknown, ai-resource-manager status ended with 2: not booted with systemd\n` +
        `  try: ssh -p ${server.port} root@127.0.0.1 /usr/local/sbin/ai-resource-manager status --json`,
    );
  });

  it("names a stack that is not there, what is encrypted, and what is wrong, without a stack trace", async () => {
    const refused = async (...args: string[]): Promise<string> => {
      const { exitCode, stderr } = await run("drift", ...args);
      expect(exitCode).toBe(1);
      expect(stderr).not.toContain("    at ");
      return stderr;
    };
    stack((config) => (config["goblin-host:swap"] = { size: { secure: "AAAB" } }));
    const misplaced = await refused();
    expect(misplaced).toContain("goblin-host:swap holds a secret, which would be plain text in");
    expect(misplaced).not.toContain("AAAB");
    stack((config) => (config["goblin-host:credentials"] = { secure: "AAAB" }));
    expect(await refused()).toContain(
      "error: goblin-host:credentials in Pulumi.vps.yaml is encrypted as a whole, and only Pulumi can read it. Set each value with --path",
    );
    stack((config) => (config["goblin-host:swap"] = { size: "16GB" }));
    expect(await refused()).toContain("fix: pulumi config set --path 'goblin-host:swap.size' 16GiB");
    rmSync(join(folder, "Pulumi.vps.yaml"));
    writeFileSync(join(folder, "Pulumi.other.yaml"), "config: {}\n");
    expect(await refused()).toBe(`error: there is no Pulumi.vps.yaml in ${folder}; --stack can be: other`);
    const nowhere = join(folder, "nowhere");
    expect(await refused("--folder", nowhere)).toBe(
      `error: there is no folder ${nowhere} (--folder), and so no Pulumi.vps.yaml in it`,
    );
  });
});

describe("npm run verdict", () => {
  it("shows every limit with what the kernel makes of it", async () => {
    const { exitCode, stdout } = await run("verdict");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")[0]).toBe(`${at()}: 1 enforced, 1 inert, 0 unsupported`);
    expect(stdout).toMatch(/^ollama\.service +MemoryMax +8 GiB +8 GiB +enforced$/m);
    expect(stdout).toMatch(/^ollama\.service +IOWeight +100 +- +inert \(no disk of this host weighs IO\)$/m);
    const { hosts } = JSON.parse((await run("verdict", "--json")).stdout) as {
      hosts: { limits: object[] }[];
    };
    expect(hosts[0]?.limits).toEqual(LIMITS);
  });

  it("says when there is no manager, and ends with 1", async () => {
    server.answer = () => ({ stdout: '{"absent":true,"boot":"b"}' });
    expect(await run("verdict")).toMatchObject({
      exitCode: 1,
      stdout: `${at()}: unknown, the host has no manager\n  apply the stack: pulumi up`,
    });
  });
});
