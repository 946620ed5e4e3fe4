import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildMonitor } from "../../scripts/build-monitor";
import { FixtureHost } from "./fixture-host";

const ROOT = dirname(dirname(import.meta.dirname));
const COMMAND = join(ROOT, "host", "ai-resource-monitor");

let folder: string;
let bundle: string;
let host: FixtureHost;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "airm-bundle-"));
  bundle = await buildMonitor(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  host = new FixtureHost("systemd");
  // The host's command and the monitor compare uptimes; here both read this machine's.
  host.write("proc/uptime", readFileSync("/proc/uptime", "utf8"));
  host.write("config.json", '{"intervalSeconds":3600,"services":[{"name":"ollama","runtime":"systemd"}]}');
});
afterEach(async () => {
  for (const child of children.splice(0)) await stop(child);
  host.dispose();
});

function paths(): string[] {
  const roots = Object.entries(host.roots) as [string, string][];
  return [
    ...roots.flatMap(([name, path]) => [`--path.${name}`, path]),
    "--config",
    join(host.folder, "config.json"),
  ];
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args, ...paths()], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

function command(option: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(COMMAND, [option], {
    encoding: "utf8",
    env: { AIRM_RUN: host.roots.run, AIRM_MANAGER: host.roots.manager, AIRM_WAIT: "2", ...env },
  });
  return { status, stdout, stderr };
}

/** Starts the server and waits for its first collection. */
async function serve(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [bundle, "serve", ...paths()], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  children.push(child);
  await waitFor(() => existsSync(join(host.roots.run, "collected")));
  return child;
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  return ended;
}

async function waitFor(condition: () => boolean): Promise<void> {
  const started = Date.now();
  while (!condition()) {
    if (Date.now() - started > 15_000) throw new Error(`waited too long for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("the bundle", () => {
  test("is one file that needs nothing else, the same from every checkout", () => {
    const text = readFileSync(bundle, "utf8");
    expect([text.includes(ROOT), text.includes("node_modules")]).toEqual([false, false]);
    const other = join(folder, "checkout");
    for (const part of [
      "monitor",
      "scripts/build-monitor.ts",
      "scripts/build-page.ts",
      "package.json",
      "scripts/package.json",
      "tsconfig.json",
    ]) {
      cpSync(join(ROOT, part), join(other, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(other, "node_modules"));
    execFileSync(join(ROOT, "node_modules/.bin/tsx"), ["scripts/build-monitor.ts"], { cwd: other });
    expect(readFileSync(join(other, "monitor/dist/ai-resource-monitor.js"), "utf8") === text).toBe(true);
  });

  test("--version and --help", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(run("--version")).toEqual({ status: 0, stdout: `ai-resource-monitor ${version}\n`, stderr: "" });
    expect(run("--help").stdout).toContain("--path.procfs DIR");
  });

  test("--collect without a server collects by itself, and the others print it", () => {
    expect(run("--collect")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(run("--display").stdout).toContain("  ollama: 4.2GB / 8GB (52%) CPU: 0%\n");
    expect(run("--alerts")).toMatchObject({ status: 0, stdout: "Firing: none\n\nLast alerts: none\n" });
    expect(JSON.parse(run("--json").stdout)).toMatchObject({ schemaVersion: 2, memory: { usedRatio: 0.65 } });
    expect(run("--prometheus").stdout).toContain('airm_service_up{service="ollama"} 1');
  });

  test("what is wrong is told without a stack trace, by exit status too", () => {
    const nothing = run("--display");
    expect(nothing.status).toBe(3);
    expect(nothing.stderr).toMatch(
      /^ai-resource-monitor: nothing has been collected in .* since boot\.\nai-resource-monitor: To see why: docker ps/,
    );
    host.write("config.json", '{"intervalSeconds":0}');
    expect(run("serve")).toEqual({
      status: 2,
      stdout: "",
      stderr: `ai-resource-monitor: ${host.folder}/config.json: intervalSeconds is 0; allowed: a whole number from 1 to 3600\n`,
    });
    host.remove("config.json");
    expect(run("--collect")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        "config.json is missing; allowed: a JSON document, {} for all defaults",
      ) as string,
    });
    expect(run("--nonsense").status).toBe(2);
  });
});

describe("the image", () => {
  const dockerfile = readFileSync(join(ROOT, "monitor", "Dockerfile"), "utf8");
  /** The arguments of an instruction in its exec form. */
  const exec = (instruction: RegExp): string[] =>
    JSON.parse(instruction.exec(dockerfile)?.[1] ?? "null") as string[];

  test("starts the bundle with options that Node.js knows, as a user that is not root", () => {
    const [node, ...options] = exec(/^ENTRYPOINT (\[.*\])$/m);
    expect(node).toBe("node");
    expect(options.pop()).toBe("/usr/local/lib/ai-resource-monitor/ai-resource-monitor.js");
    expect(options.length).toBeGreaterThan(2);
    const { status, stderr } = spawnSync(process.execPath, [...options, bundle, "--version"], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(dockerfile).toMatch(/^USER [1-9][0-9]*:[1-9][0-9]*$/m);
  });

  test("is healthy while the stamp is fresh", () => {
    const [shell = "", option = "", script = ""] = exec(/^ {2}CMD (\[.*\])$/m);
    const here = script.replace("/run/ai-resource-monitor", host.roots.run);
    expect(here).not.toBe(script);
    const healthy = () => spawnSync(shell, [option, here]).status;
    expect(healthy()).toBe(1);
    const uptime = Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
    host.write("run/collected", `${uptime - 25} 10 1 -\n`);
    expect(healthy()).toBe(0);
    host.write("run/collected", `${uptime - 60} 10 1 -\n`);
    expect(healthy()).toBe(1);
    host.write("run/collected", "");
    expect(healthy()).toBe(1);
  });
});

describe("serve", () => {
  test("collects at once, answers --collect, refuses a second, and leaves nothing but its outputs", async () => {
    const server = await serve();
    const first = readFileSync(join(host.roots.run, "collected"), "utf8");
    const second = run("serve");
    expect(second.status).toBe(4);
    expect(second.stderr).toMatch(/another collector holds .*collector\.lock: serve, pid [0-9]+, since /);
    host.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 0 kB\nMemAvailable: 500 kB\nCached: 0 kB\n");
    expect(run("--collect")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(run("--display").stdout).toContain("Memory: 50% (500KB/1000KB)");
    expect(first).toMatch(/^[0-9]+ 3600 [0-9]+ - -\n$/);
    expect(await stop(server)).toBe(0);
    expect(existsSync(join(host.roots.run, "monitor.sock"))).toBe(false);
    expect(existsSync(join(host.roots.run, "collector.lock"))).toBe(false);
  });

  test("one whose folder was replaced ends, so that its restart finds the new one", async () => {
    host.write("config.json", '{"intervalSeconds":1}');
    const server = await serve();
    const ended = new Promise((resolve) => server.once("exit", resolve));
    host.remove("run");
    expect(await ended).toBe(4);
    expect(existsSync(join(host.roots.run, "collected"))).toBe(false);
  });

  test("follows its configuration without a restart, keeps the last good one, and ends where it must start anew", async () => {
    const configure = (intervalSeconds: number, services: unknown): void => {
      host.write("config.json", JSON.stringify({ intervalSeconds, services }));
    };
    const [ollama, proxy] = ["ollama", "proxy"].map((name) => ({ name, runtime: "systemd" }));
    configure(1, [ollama]);
    const server = await serve();
    let said = "";
    server.stderr?.on("data", (data: Buffer) => (said += data.toString()));
    const ended = new Promise((resolve) => server.once("exit", resolve));
    const names = (): unknown => {
      const { services } = JSON.parse(run("--json").stdout) as { services: { name: string }[] };
      return services.map(({ name }) => name);
    };
    expect(names()).toEqual(["ollama"]);
    configure(1, [ollama, proxy]);
    expect(run("--collect")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(names()).toEqual(["ollama", "proxy"]);
    configure(1, 7);
    await waitFor(() => said.includes("the configuration before stays in force"));
    expect(said).toContain("services is 7; allowed: a list of services");
    expect(names()).toEqual(["ollama", "proxy"]);
    configure(2, [ollama]);
    expect(await ended).toBe(1);
    expect(said).toContain(
      "asks for another interval, listener, GPU program, history, name or sinks: start again",
    );
  });

  test("one that was killed is followed by the next", async () => {
    const server = await serve();
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.kill("SIGKILL");
    await ended;
    expect(existsSync(join(host.roots.run, "monitor.sock"))).toBe(true);
    host.remove("run/collected");
    const next = await serve();
    expect(await stop(next)).toBe(0);
  });
});

describe("the host's command", () => {
  test("prints what was rendered, asks for a collection, and shows what fires", async () => {
    await serve();
    for (const [option, file] of [
      ["--display", "display.txt"],
      ["--json", "metrics.json"],
      ["--prometheus", "metrics.prom"],
      ["--alerts", "alerts.txt"],
    ] as const) {
      const printed = command(option);
      expect(printed).toEqual({
        status: 0,
        stdout: readFileSync(join(host.roots.run, file), "utf8"),
        stderr: "",
      });
    }
    host.write("manager/last-verify.json", '{"time":1,"exitCode":3,"findings":1}');
    const collected = command("--collect", { AIRM_WAIT: "10", TZ: "UTC-2" });
    expect(collected.status).toBe(0);
    expect(collected.stdout).toMatch(
      /^Firing:\n {2}Drift: 1 finding by ai-resource-manager verify \(since [0-9-]{10} [0-9:]{8}\)\n$/,
    );
    const log = readFileSync(join(host.roots.log, "alerts.log"), "utf8");
    const written = Date.parse(`${log.slice(0, 19).replace(" ", "T")}Z`);
    expect(Math.abs(written - Date.now() - 7_200_000)).toBeLessThan(60_000);
  });

  test("stale, absent and foreign outputs are told, and how to see why", () => {
    expect(run("--collect").status).toBe(0);
    const uptime = Math.floor(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]));
    host.write("run/collected", `${uptime} 10 1 -\n`);
    expect(command("--display").status).toBe(0);
    host.write("run/collected", `${uptime - 40} 10 1 -\n`);
    const stale = command("--display");
    expect([stale.status, stale.stdout]).toEqual([3, ""]);
    expect(stale.stderr).toMatch(
      /^ai-resource-monitor: the last collection is 4[0-9] s old \(allowed: 30 s\)\.\nai-resource-monitor: To see why: docker /,
    );
    host.write("run/collected", `${uptime + 1000} 10 1 -\n`);
    expect(command("--display")).toMatchObject({ status: 3, stdout: "" });
    expect(command("--display").stderr).toContain("of an earlier boot");
    for (const torn of ["", `${uptime}`, "x 10 1 -\n", `${uptime} 1; 1 -\n`]) {
      host.write("run/collected", torn);
      expect(command("--json").status).toBe(3);
    }
    host.write("run/collected", `${uptime} 10 1 -\n`);
    host.remove("run/display.txt");
    expect(command("--display").stderr).toContain("nothing has been collected");
    symlinkSync("/etc/passwd", join(host.roots.run, "display.txt"));
    expect(command("--display")).toMatchObject({ status: 3, stdout: "" });
  });

  test("a monitor that does not run collects nothing, and usage is told", () => {
    const failed = command("--collect", { AIRM_WAIT: "1" });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain("the monitor has not collected within 1 s.");
    writeFileSync(join(host.folder, "file"), "");
    expect(command("--collect", { AIRM_MANAGER: join(host.folder, "file") }).stderr).toContain(
      "run this as root",
    );
    expect(command("--nonsense")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("usage:") as string,
    });
    expect(command("--help").stdout).toContain("usage:");
  });
});
