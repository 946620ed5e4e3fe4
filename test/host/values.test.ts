import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bash } from "./manager";

/** Calls a function of the manager for each argument and returns what it leaves in REPLY. */
function replies(name: string, values: readonly string[]): string[] {
  const quoted = values.map((value) => `'${value}'`).join(" ");
  return bash(`for value in ${quoted}; do ${name} "$value"; printf '%s\\n' "$REPLY"; done`)
    .trimEnd()
    .split("\n");
}

describe("values on the host", () => {
  it("shows bytes in the largest unit that divides them", () => {
    expect(replies("human", ["8589934592", "1099511627776", "7730102272", "4096", "1", "infinity"])).toEqual([
      "8 GiB",
      "1 TiB",
      "7372 MiB",
      "4096 B",
      "1 B",
      "infinity",
    ]);
  });

  it("reads blanks as fstab and the kernel write them", () => {
    expect(replies("decode_octal", ["/swap\\0402.img", "/100%\\040full", "/a\\134b", "/plain"])).toEqual([
      "/swap 2.img",
      "/100% full",
      "/a\\b",
      "/plain",
    ]);
    expect(replies("escape_blanks", ["/swap 2.img", "/a\\b", "/plain"])).toEqual([
      "/swap\\0402.img",
      "/a\\134b",
      "/plain",
    ]);
  });

  it("joins CPU lists and leaves what is none", () => {
    expect(replies("normal_cpus", ["0-2,5,3", "7", "3,1,2,0", "7-0", "a"])).toEqual([
      "0-3,5",
      "7",
      "0-3",
      "7-0",
      "a",
    ]);
  });

  it("reads systemd's time spans", () => {
    expect(replies("usec", ["2s", "1.500000s", "500ms", "1s 500ms", "infinity", "1min"])).toEqual([
      "2000000",
      "1500000",
      "500000",
      "1500000",
      "infinity",
      "60000000",
    ]);
  });

  it("resolves tokens from this machine's memory and CPUs", () => {
    const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) * 1024;
    const online = readFileSync("/sys/devices/system/cpu/online", "utf8").trim();
    const steps = (bytes: number): string => String(Math.floor(bytes / 2 ** 26) * 2 ** 26);
    expect(
      replies("expand_tokens", [
        "MemoryMax=@{memory-less:1073741824:1%}x",
        "@{memory-less:4096:50%}",
        "plain",
        `@{cores-except:${online}}.`,
      ]),
    ).toEqual([
      `MemoryMax=${steps(total - Math.max(1073741824, Math.floor(total / 100)))}x`,
      steps(total - Math.floor(total / 2)),
      "plain",
      ".",
    ]);
  });

  it("gives a service its own cgroup by what systemd has for that", () => {
    const view = (said: string): string =>
      bash(
        `systemctl() { echo '${said}'; }
        expand_tokens 'ProtectControlGroups=@{own-cgroup:/ai.slice/ai-a.slice/a:b@c.service}|'
        echo "$REPLY"`,
      );
    const bound = `ProtectControlGroups=yes
BindReadOnlyPaths="-/sys/fs/cgroup/ai.slice/ai-a.slice/a:b@c.service":/sys/fs/cgroup
MemoryPressureWatch=no|
`;
    expect(view("systemd 247 (247.3-7+deb11u6)")).toBe(bound);
    expect(view("systemd 252 (252.39-1~deb12u2)")).toBe(bound);
    expect(view("systemd 256 (256.7-1)")).toBe(bound);
    expect(view("systemd 257 (257.13-1~deb13u1)")).toBe("ProtectControlGroups=strict|\n");
    expect(view("systemd 260 (260.1)")).toBe("ProtectControlGroups=strict|\n");
    expect(() => view("what?")).toThrow("systemd does not say its version (systemctl --version: what?)");
  });

  it("leaves a text as it is that only looks like a token", () => {
    expect(replies("expand_tokens", ["A=@{at}{x}@{at}@y", "@x"])).toEqual(["A=@{x}@@y", "@x"]);
  });

  it("refuses a token that it does not know", () => {
    expect(() => bash("expand_tokens '@{something:1}'")).toThrow(/which manager \d+\.\d+\.\d+ does not know/);
  });
});
