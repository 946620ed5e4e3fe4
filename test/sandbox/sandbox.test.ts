import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { coreOverrides, vmOverrides } from "./deploy";
import { SandboxError } from "./errors";
import { refuseOvercommit } from "./launch";
import { withLock } from "./lock";
import { missingPackages } from "./prerequisites";
import { snapshotLabels } from "./qmp";
import { formatBytes } from "../../cli/table";
import { progressLine } from "./up";

describe("prerequisites", () => {
  it("names the Debian packages of what is missing, once each", () => {
    const has = { program: (name: string) => !name.startsWith("qemu"), file: () => false };
    expect(missingPackages(has, true)).toEqual(["debian-archive-keyring", "qemu-system-x86", "qemu-utils"]);
  });

  it("wants the tools for an unprivileged build only from users other than root", () => {
    const has = { program: (name: string) => name !== "fakeroot", file: () => true };
    expect(missingPackages(has, true)).toEqual([]);
    expect(missingPackages(has, false)).toEqual(["fakeroot"]);
  });
});

describe("the program's configuration for this VM", () => {
  it("says where the VM is and how it proves itself", () => {
    const state = {
      name: "t",
      memoryMiB: 1,
      cpus: 2,
      sshPort: 2300,
      accelerator: "tcg" as const,
      imageKey: "k",
      release: "bookworm" as const,
    };
    expect(vmOverrides({ hostKey: "ssh-ed25519 AAAA", state })).toEqual({
      "goblin-host:hosts.sandbox.port": 2300,
      "goblin-host:hosts.sandbox.hostKey": "ssh-ed25519 AAAA",
    });
  });

  it.each([
    [1, "0", "0"],
    [3, "0-1", "2"],
    [4, "0-2", "3"],
    [12, "0-7", "8-11"],
  ])("shares %i cores out: %s and %s", (cpus, ollama, llamacpp) => {
    expect(Object.values(coreOverrides(cpus))).toEqual([ollama, llamacpp]);
  });
});

describe("refuseOvercommit", () => {
  const running = [
    {
      name: "a",
      memoryMiB: 20480,
      cpus: 2,
      sshPort: 1,
      accelerator: "tcg" as const,
      imageKey: "k",
      release: "bookworm" as const,
    },
  ];

  it("names what runs when a second large VM would not fit", () => {
    expect(() => {
      refuseOvercommit({ name: "b", memoryMiB: 8192 }, running, 24000);
    }).toThrow("b wants 8192 MiB; this machine has 24000 MiB, and these VMs are running: a (20480 MiB)");
  });

  it("lets one in that fits", () => {
    expect(() => {
      refuseOvercommit({ name: "b", memoryMiB: 2048 }, running, 24000);
    }).not.toThrow();
  });
});

describe("snapshotLabels", () => {
  it("reads them from QEMU's answer, also that of a disk without any and of an empty drive", () => {
    const image = (snapshots?: readonly object[]) => ({
      inserted: { image: { format: "qcow2", snapshots } },
    });
    const applied = { name: "applied", "vm-state-size": 1010 * 1024 ** 2, "date-sec": 1 };
    expect(snapshotLabels([image([{ name: "base" }, applied])])).toEqual(["base", "applied"]);
    expect(snapshotLabels([image()])).toEqual([]);
    expect(snapshotLabels([{ device: "cd" }])).toEqual([]);
  });
});

describe("formatBytes", () => {
  it.each([
    ["8589934592", "8GiB"],
    ["5797576704", "5529MiB"],
    ["4097", "4097"],
    ["0", "0"],
    ["max", "max"],
    ["1099511627776", "1024GiB"],
  ])("%s is %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("progressLine", () => {
  const step = { op: "create" as const, urn: "u", type: "t", name: "swap", diff: "", ran: ["x"] };

  it("shows what ran on the host, and warnings", () => {
    expect(progressLine({ type: "step", step })).toBe("create swap");
    expect(progressLine({ type: "step", step }, 12_300)).toBe("create swap [12s]");
    expect(progressLine({ type: "step", step: { ...step, failed: true } })).toBe("create swap: failed");
    expect(progressLine({ type: "step", step: { ...step, ran: [] } })).toBeUndefined();
    expect(progressLine({ type: "diagnostic", diagnostic: { severity: "warning", message: "w\n" } })).toBe(
      "warning: w",
    );
    expect(
      progressLine({ type: "diagnostic", diagnostic: { severity: "info", message: "i" } }),
    ).toBeUndefined();
  });
});

describe("withLock", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "lock-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("lets one in at a time, and the next after it, also after a failure", async () => {
    const file = join(folder, "lock");
    const order: string[] = [];
    const first = withLock(file, 5, async () => {
      order.push("first in");
      await expect(withLock(file, 0, () => Promise.resolve())).rejects.toThrow(SandboxError);
      order.push("first out");
      throw new Error("first failed");
    });
    await expect(first).rejects.toThrow("first failed");
    await withLock(file, 5, () => Promise.resolve(order.push("second in")));
    expect(order).toEqual(["first in", "first out", "second in"]);
  });
});
