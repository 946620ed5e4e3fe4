import { spawn, spawnSync } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerHost } from "../../../components/limited-container/docker-host";
import { namedAgent } from "../../../components/ssh/agent";
import { makeKey, type SshServer, startSshServer } from "../../sandbox/engine/testing/ssh-server";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const onDisk = (socket: string): string => socket.replace("~", userInfo().homedir);
/** Of this test alone, so that no agent of somebody's is taken the link of. */
const identity = (what: string): string => `test/${process.pid}/${what}`;

/** A program of its own that has one, says its socket, and then does what `rest` says. */
function program(identity: string, key: string, rest: string) {
  const file = join(ROOT, "components", "ssh", "agent.ts");
  const code = `require(${JSON.stringify(file)}).namedAgent(...${JSON.stringify([identity, key])}).then(console.log);${rest}`;
  return spawn(process.execPath, ["--import", "tsx", "--input-type=commonjs", "--eval", code], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

const keys = (socket: string) =>
  spawnSync("ssh-add", ["-l"], { encoding: "utf8", env: { ...process.env, SSH_AUTH_SOCK: onDisk(socket) } });

/** ssh with the options that the docker provider gives it. */
function login({ port, hostKey }: SshServer, agent: string) {
  const { sshOpts } = dockerHost({ address: "127.0.0.1", port, user: "root", hostKey, agent });
  const args = [
    ...sshOpts,
    "-F",
    "/dev/null",
    "-p",
    String(port),
    "root@127.0.0.1",
    "docker system dial-stdio",
  ];
  const child = spawn("ssh", args, { stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env["PATH"] } });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => (said += text.toString()));
  return new Promise<{ code: number | null; said: string }>((resolve) => {
    child.once("close", (code) => {
      resolve({ code, said });
    });
  });
}

describe("a run's own ssh-agent", () => {
  let server: SshServer;
  beforeAll(async () => {
    server = await startSshServer();
  });
  afterAll(async () => {
    await server.close();
  });

  it("opens the host to the docker provider's ssh, by a path that is the same for the same host alone", async () => {
    const agent = await namedAgent(identity("host"), server.privateKey.trimEnd());
    expect(agent).toMatch(/^~\/\.cache\/goblin-host\/agent-[0-9a-f]{12}$/);
    expect(await login(server, agent)).toEqual({ code: 0, said: "docker system dial-stdio\n" });
    expect(lstatSync(onDisk(agent)).isSymbolicLink()).toBe(true);
    expect(lstatSync(readlinkSync(onDisk(agent))).mode & 0o777).toBe(0o600);
    const other = await namedAgent(identity("other"), makeKey().privateKey);
    expect(other).not.toBe(agent);
    expect((await login(server, other)).said).toContain("Permission denied");
    // The next one of the same host takes its place.
    expect(await namedAgent(identity("host"), makeKey().privateKey)).toBe(agent);
    expect((await login(server, agent)).said).toContain("Permission denied");
  });

  it.each(["end", "SIGKILL"])("is gone with the program, and does not hold it up (%s)", async (how) => {
    const rest = how === "end" ? "" : "setInterval(() => undefined, 1000)";
    const child = program(identity(how), server.privateKey, rest);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const agent = await new Promise<string>((resolve) => {
      child.stdout.once("data", (text: Buffer) => {
        resolve(text.toString().trim());
      });
    });
    if (how === "SIGKILL") {
      expect(keys(agent).stdout).toContain("ED25519");
      child.kill("SIGKILL");
    }
    await ended;
    await expect.poll(() => existsSync(onDisk(agent)), { timeout: 5000 }).toBe(false);
    expect(keys(agent).status).toBe(2);
  });

  it("takes no key that is damaged, and says so without it", async () => {
    await expect(namedAgent(identity("damaged"), "not a real key")).rejects.toThrow(
      /^the private key is not accepted: Error loading key "\(stdin\)": .*\. It must be whole, and without a passphrase$/,
    );
  });
});
