import { execFileSync, spawnSync } from "node:child_process";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OBSERVE_COMMAND, observe } from "../../../components/observation/observe";
import { runAgent } from "../../../components/ssh/agent";
import type { SshTarget } from "../../../components/ssh/target";
import { makeKey, type SshServer, startSshServer } from "../../sandbox/engine/testing/ssh-server";

/** After one that opens nothing. */
async function agentWith(keys: readonly string[]): Promise<string> {
  const socket = await runAgent(makeKey().privateKey);
  for (const input of keys)
    execFileSync("ssh-add", ["-q", "-"], { input, env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return socket;
}

const STATUS = { version: "1.0.0", busy: false, boot: "b1", bundles: [] };

let server: SshServer;
let target: SshTarget;

beforeEach(async () => {
  server = await startSshServer();
  server.answer = () => ({ stdout: JSON.stringify(STATUS) });
  target = {
    address: "127.0.0.1",
    port: server.port,
    user: "root",
    hostKey: server.hostKey,
    agent: await runAgent(server.privateKey),
  };
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

describe("a look at a host", () => {
  it("is one connection and one command", async () => {
    expect(await observe(target)).toEqual({ kind: "status", status: STATUS });
    expect(server.take().map(({ command }) => command)).toEqual([OBSERVE_COMMAND]);
    expect(server.connections).toBe(1);
  });

  it("reads past what a login shell prints, and past keys that it does not know", async () => {
    const stdout = `Welcome {to} the host\n${JSON.stringify({ ...STATUS, later: true })}\n`;
    server.answer = () => ({ stdout });
    expect(await observe(target)).toEqual({
      kind: "status",
      status: STATUS,
      preamble: "Welcome {to} the host\n",
    });
  });

  it("sees a host without a manager", async () => {
    server.answer = () => ({ stdout: '{"absent":true,"boot":"b2"}\n' });
    expect(await observe(target)).toEqual({ kind: "absent", boot: "b2" });
  });

  it("waits for a run that changes the host", async () => {
    let asked = 0;
    server.answer = () => ({ stdout: JSON.stringify({ ...STATUS, busy: ++asked < 2 }) });
    expect(await observe(target)).toEqual({ kind: "status", status: STATUS });
    expect(server.connections).toBe(2);
  });

  const unknown: [what: string, answer: object, limitMs: number, reason: RegExp][] = [
    ["is changed all the time", { stdout: JSON.stringify({ ...STATUS, busy: true }) }, 1_500, /another run/],
    ["fails", { status: 2, stderr: "x\nneeds root\n" }, 5_000, /status ended with 2: needs root/],
    ["prints something else", { stdout: "bash: oops\n" }, 5_000, /no status, but "bash: oops\\n"/],
    ["does not answer in time", { delayMs: 3_000 }, 500, /no answer within the time limit/],
  ];
  it.each(unknown)("knows nothing of one that %s", async (_, answer, limitMs, reason) => {
    server.answer = () => answer;
    const observation = await observe(target, limitMs);
    expect(observation).toEqual({ kind: "unknown", reason: expect.stringMatching(reason) as string });
  });

  it("knows nothing of one that nobody reaches, after a second try", async () => {
    await server.close();
    expect(await observe(target)).toEqual({
      kind: "unknown",
      reason: expect.stringContaining("Connection refused") as string,
    });
    server = await startSshServer();
  });

  it("never takes another host's answer", async () => {
    await expect(observe({ ...target, hostKey: makeKey().publicKey })).rejects.toMatchObject({
      kind: "host key",
      message: expect.stringMatching(/^its host key is SHA256:\S+, not SHA256:\S+$/) as string,
    });
    const ecdsa = `ecdsa-sha2-nistp256 ${Buffer.alloc(104).toString("base64")}`;
    await expect(observe({ ...target, hostKey: ecdsa })).rejects.toMatchObject({
      kind: "host key",
      message: "it has no host key of the type ecdsa-sha2-nistp256",
    });
    expect(server.take()).toEqual([]);
  });

  it("says when the login is refused, and when there is no key at all", async () => {
    const agent = await runAgent(makeKey().privateKey);
    await expect(observe({ ...target, agent })).rejects.toMatchObject({
      kind: "login",
      message: "the login as root was refused: the private key is not accepted (ED25519)",
    });
    // A host may count them.
    expect(server.connections).toBe(1);
    const { address, port, user } = target;
    await expect(observe({ ...target, agent: "/run/no-such-agent" })).rejects.toMatchObject({
      kind: "login",
      message: "the login as root was refused: no ssh-agent answers",
    });
    vi.stubEnv("SSH_AUTH_SOCK", "");
    await expect(observe({ address, port, user })).rejects.toMatchObject({
      kind: "login",
      message: expect.stringContaining("SSH_AUTH_SOCK is not set") as string,
    });
  });

  it("ends in time, and leaves nothing running, where what is behind a bastion does not say a word", async () => {
    const bastion = await startSshServer();
    bastion.forwards = true;
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const proxyJump = { address: "127.0.0.1", port: bastion.port, user: "jump", hostKey: bastion.hostKey };
    const through = { ...target, port, proxyJump, agent: await runAgent(bastion.privateKey) };
    const began = Date.now();
    expect(await observe(through, 3000)).toEqual({
      kind: "unknown",
      reason: "no answer within the time limit",
    });
    expect(Date.now() - began).toBeLessThan(6000);
    // The one that goes through has its port among its arguments.
    expect(spawnSync("pgrep", ["-f", `ssh.*-p.*${bastion.port}`], { encoding: "utf8" }).stdout).toBe("");
    expect(sockets.size).toBe(1);
    for (const socket of sockets) socket.destroy();
    silent.close();
    await bastion.close();
  });

  it("goes through a bastion, whose key is checked, and which may refuse", async () => {
    const bastion = await startSshServer();
    bastion.forwards = true;
    const agent = await agentWith([server.privateKey, bastion.privateKey]);
    const { port, hostKey } = bastion;
    const proxyJump = { address: "127.0.0.1", port, user: "jump", hostKey };
    const through = { ...target, agent, proxyJump };
    expect(await observe(through)).toEqual({ kind: "status", status: STATUS });
    expect(bastion.connections).toBe(1);
    await expect(
      observe({ ...through, proxyJump: { ...proxyJump, hostKey: makeKey().publicKey } }),
    ).rejects.toMatchObject({
      kind: "host key",
      message: expect.stringMatching(/^jump@127\.0\.0\.1:\d+: its host key is SHA256:\S+, not /) as string,
    });
    await expect(observe({ ...through, agent: await runAgent(server.privateKey) })).rejects.toMatchObject({
      kind: "login",
      message: expect.stringMatching(
        /^jump@127\.0\.0\.1:\d+: the login as jump was refused: the private key is/,
      ) as string,
    });
    await expect(observe({ ...through, agent: await runAgent(bastion.privateKey) })).rejects.toMatchObject({
      kind: "login",
      message: expect.stringMatching(/^the login as root was refused/) as string,
    });
    bastion.forwards = false;
    expect(await observe(through, 5000)).toMatchObject({ kind: "unknown" });
    await bastion.close();
  });
});
