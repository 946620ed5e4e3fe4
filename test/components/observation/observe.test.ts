import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { OBSERVE_COMMAND, observe } from "../../../components/observation/observe";
import { SshConnection, type SshTarget } from "../../../components/observation/ssh";
import { makeKey, type SshServer, startSshServer } from "../../sandbox/engine/testing/ssh-server";

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
    privateKey: server.privateKey,
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
    expect(server.connections).toBe(1);
  });

  it("asks as often as there is time, and leaves nothing behind on the connection", async () => {
    const warned: Error[] = [];
    const warn = (warning: Error): void => void warned.push(warning);
    process.on("warning", warn);
    const connection = await SshConnection.open(target, Date.now() + 10_000);
    for (let run = 0; run < 12; run++) expect((await connection.run("true")).code).toBe(0);
    connection.close();
    process.off("warning", warn);
    expect(warned).toEqual([]);
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
      reason: expect.stringContaining("ECONNREFUSED") as string,
    });
    server = await startSshServer();
  });

  it("never takes another host's answer", async () => {
    await expect(observe({ ...target, hostKey: makeKey().publicKey })).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/^its host key is SHA256:\S+, not SHA256:\S+$/) as string,
    });
    const ecdsa = `ecdsa-sha2-nistp256 ${Buffer.alloc(104).toString("base64")}`;
    await expect(observe({ ...target, hostKey: ecdsa })).rejects.toMatchObject({
      kind: "refused",
      message: "it has no host key of the type ecdsa-sha2-nistp256",
    });
    expect(server.take()).toEqual([]);
  });

  it("says when the login is refused, and when there is no key at all", async () => {
    await expect(observe({ ...target, privateKey: makeKey().privateKey })).rejects.toMatchObject({
      kind: "refused",
      message: "the login as root was refused",
    });
    vi.stubEnv("SSH_AUTH_SOCK", "");
    const { address, port, user } = target;
    await expect(observe({ address, port, user })).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("SSH_AUTH_SOCK is not set") as string,
    });
    await expect(observe({ ...target, privateKey: "nonsense" })).rejects.toMatchObject({ kind: "refused" });
  });
});
