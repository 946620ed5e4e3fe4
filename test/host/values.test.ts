import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bash, bashWithStore, inFolder } from "./manager";

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

  describe("its own cgroup", () => {
    /** What a service gets on a host whose systemd says this of itself, and whose first process has these files open. */
    const view = (said: string, maps = ""): string =>
      inFolder((folder) => {
        writeFileSync(join(folder, "maps"), maps);
        return bashWithStore(
          `systemctl() { echo '${said}'; }
          expand_tokens 'ProtectControlGroups=@{own-cgroup:/ai.slice/ai-a.slice/a:b@c.service}|'
          echo "$REPLY"`,
          folder,
          { INIT_MAPS: join(folder, "maps") },
        );
      });
    const bound = `ProtectControlGroups=yes
BindReadOnlyPaths="-/sys/fs/cgroup/ai.slice/ai-a.slice/a:b@c.service":/sys/fs/cgroup
MemoryPressureWatch=no|
`;

    it("is a service's by what systemd has for that", () => {
      expect(view("systemd 247 (247.3-7+deb11u6)")).toBe(bound);
      expect(view("systemd 256 (256.7-1)")).toBe(bound);
      expect(view("systemd 257 (257.13-1~deb13u1)")).toBe("ProtectControlGroups=strict|\n");
      expect(view("systemd 260 (260.1)")).toBe("ProtectControlGroups=strict|\n");
      expect(() => view("what?")).toThrow("systemd does not say its version (systemctl --version: what?)");
    });

    it("is so by the systemd that runs, whatever its programs are since an upgrade", () => {
      const maps = (version: string): string =>
        `7f00-7f01 r--p 00000000 fe:00 1  /usr/lib/systemd/systemd\n7f01-7f02 r--p 00000000 fe:00 2  /usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-${version}.so (deleted)\n`;
      expect(view("systemd 257 (257.13-1)", maps("252"))).toBe(bound);
      expect(view("systemd 252 (252.39-1)", maps("257.7-1.fc42"))).toBe("ProtectControlGroups=strict|\n");
      expect(view("systemd 257 (257.13-1)", "7f00-7f01 r--p 00000000 fe:00 1  /init\n")).toBe(
        "ProtectControlGroups=strict|\n",
      );
    });
  });

  it("leaves a text as it is that only looks like a token", () => {
    const texts = ['"A=@\\x7bdisk-of:/}"', "@x"];
    expect(replies("expand_tokens", texts)).toEqual(texts);
  });

  it("refuses a token that it does not know", () => {
    expect(() => bash("expand_tokens '@{something:1}'")).toThrow(/which manager \d+\.\d+\.\d+ does not know/);
  });
});
