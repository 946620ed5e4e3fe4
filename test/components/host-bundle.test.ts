import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Bundle } from "../../components/host-bundle/bundle";
import { bundleCommands } from "../../components/host-bundle/commands";
import { firstName, ownerOf } from "../../components/host-bundle/identity";
import { renderBundle } from "../../components/host-bundle/render";

const one = (content: string): Bundle => ({ name: "x", files: { "/etc/a.conf": { mode: "0644", content } } });

describe("a bundle's text", () => {
  it("has every section in the order of docs/bundle.md, sorted below", () => {
    const bundle: Bundle = {
      name: "all",
      confirmSeconds: 90,
      limits: { "a.service": { MemoryMax: "1", CPUQuota: "200%" } },
      ioSchedulers: { "*": "bfq" },
      zram: {
        zram0: { sizeBytes: 2, memoryLimitBytes: 1, priority: 100, algorithm: "lz4", setting: "zram.size" },
      },
      swapFiles: { "/swapfile": { sizeBytes: 4096, priority: 10, setting: "swap.size" } },
      sysctls: { "vm.swappiness": "10" },
      hardening: { "a.service": { setting: "goblin-host:workloads.a", readable: 1, writable: 0 } },
      units: {
        "srv-my\\x2dswap.swap": { enabled: true, active: true, restartOn: ["/a", "/b"], cmdline: 'x "y"' },
      },
      backups: { "/etc/a": "/etc/a.backup" },
      replaces: { "old.service": "an older tool" },
      packages: ["zsh", "jq"],
      files: {
        "/etc/b.conf": { mode: "0600", content: "\n  indented\n\ttab\n\n", expand: true },
        "/etc/a b.conf": { mode: "0644", content: "" },
      },
      requires: { "goblin-host:workloads.a.cpu.cores": { cores: "0-7" } },
    };
    expect(renderBundle(bundle, "1.2.3", "goblin-host/prod/goblin-all-bundle")).toBe(`bundle: "1"
name: "all"
manager: "1.2.3"
owner: "goblin-host/prod/goblin-all-bundle"
confirm: "90"
requires:
  "goblin-host:workloads.a.cpu.cores":
    cores: "0-7"
files:
  "/etc/a b.conf":
    content: ""
    mode: "0644"
  /etc/b.conf:
    content: |2+

        indented
      \ttab

    expand: "true"
    mode: "0600"
packages:
  jq: "present"
  zsh: "present"
replaces:
  old.service: "an older tool"
backups:
  /etc/a: "/etc/a.backup"
units:
  "srv-my\\\\x2dswap.swap":
    active: "true"
    cmdline: "x \\"y\\""
    enabled: "true"
    restartOn: "/a /b"
hardening:
  a.service:
    readable: "1"
    setting: "goblin-host:workloads.a"
    writable: "0"
sysctls:
  vm.swappiness: "10"
swapFiles:
  /swapfile:
    priority: "10"
    setting: "swap.size"
    size: "4096"
zram:
  zram0:
    algorithm: "lz4"
    memoryLimit: "1"
    priority: "100"
    setting: "zram.size"
    size: "2"
ioSchedulers:
  "*": "bfq"
limits:
  a.service:
    CPUQuota: "200%"
    MemoryMax: "1"
end: true
`);
  });

  it.each([
    ["a carriage return", one("a\r\n")],
    ["a NUL", one("a\u0000\n")],
    ["an escape", one("\u001b[0m\n")],
    ["a C1 control", one("a\u0085b\n")],
    ["a line separator", one("a\u2028b\n")],
    ["a byte order mark", one("\ufeffa\n")],
    ["half a surrogate pair", one("a\ud800b\n")],
    ["no newline at its end", one("a")],
    ["a newline in a value", { name: "x", sysctls: { a: "b\nc" } }],
    ["a tab in a value", { name: "x", sysctls: { a: "b\tc" } }],
    ["a newline in a key", { name: "x", sysctls: { "a\nb": "c" } }],
    ["an empty key", { name: "x", sysctls: { "": "c" } }],
    ["a name with a slash", { name: "../x" }],
    ["a name with a newline", { name: "x\n" }],
    ["a name in capitals", { name: "X" }],
  ] satisfies [string, Bundle][])("is refused with %s", (_, bundle) => {
    expect(() => renderBundle(bundle, "1.0.0")).toThrow(RangeError);
  });

  it("reads back as what went in, for 500 generated bundles", () => {
    const random = generator(20251208);
    for (let round = 0; round < 500; round++) {
      const content = `${text(random, ALPHABET, 60)}\n`.repeat(1 + random(2));
      const path = `/${text(random, KEY_ALPHABET, 12)}`;
      const cmdline = text(random, KEY_ALPHABET, 20);
      const bundle: Bundle = {
        name: "generated",
        files: { [path]: { mode: "0644", content }, "/z": { mode: "0755", content: "" } },
        units: { [text(random, KEY_ALPHABET, 12)]: { cmdline, enabled: true } },
      };
      expect(parse(renderBundle(bundle, "1.0.0"))).toEqual({
        bundle: "1",
        name: "generated",
        manager: "1.0.0",
        files: { [path]: { mode: "0644", content }, "/z": { mode: "0755", content: "" } },
        units: Object.fromEntries(
          Object.entries(bundle.units ?? {}).map(([unit]) => [unit, { cmdline, enabled: "true" }]),
        ),
        end: true,
      });
    }
  });
});

const MANAGER = "/usr/local/sbin/ai-resource-manager";

describe("the texts that stay in Pulumi's state", () => {
  it("are these, for every user", () => {
    expect(bundleCommands("swap", "goblin-host/prod/it's")).toEqual({
      apply: `${MANAGER} apply swap`,
      remove:
        `sh -c 'if test -x ${MANAGER}; then exec ${MANAGER} remove swap --owner "$1"; fi; ` +
        'test -d /var/lib/ai-resource-manager || exit 0; r=; test "$(id -u)" = 0 || r="sudo -n"; $r true || exit 1; ' +
        "for d in bundles removing; do if $r test -e /var/lib/ai-resource-manager/$d/swap; then " +
        `echo "ai-resource-manager: ${MANAGER} is gone, and bundle swap is still in force: nothing was removed. ` +
        "Bring the manager back with pulumi up, then remove the bundle again\" >&2; exit 1; fi; done' " +
        "sh 'goblin-host/prod/it'\\''s'",
      confirm: `${MANAGER} confirm swap`,
    });
  });
});

describe("removing a bundle", () => {
  let folder: string;
  /** Runs the text on a host whose manager and store are in a folder. */
  const remove = () => {
    const text = bundleCommands("swap", "goblin-host/prod/it's")
      .remove.replaceAll(MANAGER, join(folder, "manager"))
      .replaceAll("/var/lib/ai-resource-manager", join(folder, "store"));
    const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
    const { status, stdout, stderr } = spawnSync("sh", ["-c", text], { encoding: "utf8", env });
    return { status, stdout, stderr };
  };
  const program = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "goblin-host-remove-"));
    // Whoever runs this, it is as a user with sudo.
    program("id", "echo 1000");
    program("sudo", 'shift; exec "$@"');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is the manager's, who hears whose it is, and its end", () => {
    program("manager", 'printf "%s\\n" "$@"; exit 4');
    expect(remove()).toMatchObject({ status: 4, stdout: "remove\nswap\n--owner\ngoblin-host/prod/it's\n" });
  });

  it("is done where the manager has gone with what it stored", () => {
    expect(remove()).toEqual({ status: 0, stdout: "", stderr: "" });
    mkdirSync(join(folder, "store", "displaced"), { recursive: true });
    expect(remove()).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it.each(["bundles", "removing"])("is an error where the manager's file alone has gone (%s)", (where) => {
    mkdirSync(join(folder, "store", where, "swap"), { recursive: true });
    const { status, stderr } = remove();
    expect(status).toBe(1);
    expect(stderr).toContain(
      "is gone, and bundle swap is still in force: nothing was removed. Bring the manager back",
    );
  });

  it("is an error where nobody may look", () => {
    mkdirSync(join(folder, "store"));
    program("sudo", 'echo "sudo: a password is required" >&2; exit 1');
    expect(remove()).toEqual({ status: 1, stdout: "", stderr: "sudo: a password is required\n" });
  });
});

describe("a resource's first name", () => {
  const firstNames = { vps: "goblin", "vps-disk": "goblin-swap" };

  it.each([
    ["vps", "goblin"],
    ["vps-models-bundle", "goblin-models-bundle"],
    ["vps-disk-bundle", "goblin-swap-bundle"],
    ["vps-disks", "goblin-disks"],
    ["vpsx", "vpsx"],
    ["other-vps", "other-vps"],
  ])("of %s is %s", (name, first) => {
    expect(firstName(name, firstNames)).toBe(first);
    expect(ownerOf({ project: "p", stack: "s" }, name, firstNames)).toBe(`p/s/${first}`);
  });

  it("is its own where nothing was renamed", () => {
    expect(firstName("vps-swap")).toBe("vps-swap");
  });
});

/** Characters that readers of YAML treat specially, and some that they do not. */
const ALPHABET = [
  ...Array.from("aZ09 \t\n:#-?*&!|>'\"%@`{}[],\\~=.<$/äß€😀"),
  "\n\n",
  "  ",
  "---\n",
  "end: true\n",
  "|2+",
  "null",
  "0755",
];
const KEY_ALPHABET = [...Array.from("abcXYZ019/._@*+-: '\"\\#&!|>%{}[],~=ä€😀"), "null", "true", "0755"];

/** A small linear congruential generator: the same cases in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function text(random: (below: number) => number, alphabet: readonly string[], length: number): string {
  const count = 1 + random(length);
  return Array.from({ length: count }, () => alphabet[random(alphabet.length)] ?? "").join("");
}
