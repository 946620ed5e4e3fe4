import { createServer } from "node:net";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { endProcess, firstFreePort, isOurProcess } from "./process";

describe("isOurProcess", () => {
  it("knows a process by an argument, not by its number", () => {
    const lines: Record<number, string[]> = { 7: ["qemu", "-pidfile", "/run/a.pid"], 8: ["bash"] };
    const read = (pid: number): string[] => lines[pid] ?? [];
    expect(isOurProcess(7, "/run/a.pid", read)).toBe(true);
    expect(isOurProcess(7, "/run/b.pid", read)).toBe(false);
    expect(isOurProcess(8, "/run/a.pid", read)).toBe(false);
    expect(isOurProcess(9, "/run/a.pid", read)).toBe(false);
  });

  it("does not take a part of an argument for the argument", () => {
    expect(isOurProcess(7, "/run/a.pid", () => ["tail", "/run/a.pid.old"])).toBe(false);
  });
});

describe("endProcess", () => {
  const stubborn = "trap '' TERM; while :; do sleep 0.05; done";

  it("ends one that ignores SIGTERM, by force", async () => {
    const child = spawn("bash", ["-c", stubborn, "marker-a"], { stdio: "ignore" });
    const ended = once(child, "exit");
    await once(child, "spawn");
    await new Promise((resolve) => setTimeout(resolve, 100));
    await endProcess(child.pid ?? 0, "marker-a", 300);
    expect(await ended).toEqual([null, "SIGKILL"]);
  });

  it("leaves a process alone that is not ours", async () => {
    const child = spawn("sleep", ["30"], { stdio: "ignore" });
    await once(child, "spawn");
    await endProcess(child.pid ?? 0, "marker-b", 100);
    expect(child.exitCode).toBeNull();
    expect(child.signalCode).toBeNull();
    child.kill();
  });
});

describe("firstFreePort", () => {
  it("takes the first that nobody has", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const free = await firstFreePort([undefined]);
    expect(await firstFreePort([undefined, address.port, free])).toBe(free);
    expect(await firstFreePort([address.port])).not.toBe(address.port);
    server.close();
  });
});
