import { linkSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { collectDisks } from "../../monitor/collectors/disks";
import { collectNetwork } from "../../monitor/collectors/network";
import { parseDiskstats } from "../../monitor/parse/disk";
import { isHostsOwn, parseNetDev } from "../../monitor/parse/network";
import { collectorOf, FixtureHost, settled } from "./fixture-host";

const hosts: FixtureHost[] = [];
afterEach(() => {
  for (const host of hosts.splice(0)) host.dispose();
});

function fixture(...situations: string[]): FixtureHost {
  const host = new FixtureHost(...situations);
  hosts.push(host);
  return host;
}

const ETH0 = {
  device: "eth0",
  receivedBytes: 9_876_543_210,
  receiveErrors: 3,
  receiveDrops: 4,
  transmittedBytes: 123_456_789,
  transmitErrors: 1,
  transmitDrops: 2,
};

test("disks are the real ones: no partition, loop, RAM, zram, drive, device-mapper or md", () => {
  const host = fixture("systemd");
  expect(collectDisks(host.roots)).toEqual([
    { device: "nvme0n1", readBytes: 8_192_000 * 512, writtenBytes: 1_024_000 * 512, ioSeconds: 42.5 },
    { device: "sda", readBytes: 20_480 * 512, writtenBytes: 4096 * 512, ioSeconds: 1.25 },
  ]);
  // sysfs has an exclamation mark where the kernel's name has a slash.
  host.write("proc/diskstats", " 104 0 cciss/c0d0 1 0 8 1 2 0 16 2 0 3 3\n");
  host.write("sys/block/cciss!c0d0/device/model", "x");
  expect(collectDisks(host.roots)?.map(({ device }) => device)).toEqual(["cciss/c0d0"]);
  expect(collectDisks(fixture().roots)).toBeUndefined();
  expect(() => parseDiskstats(" 8 0 sda 1 0 8 1 2\n")).toThrow("a line that is not whole: sda");
});

test("the host's network is its first process's, without loopback and the ends of containers' networks", () => {
  const host = fixture("systemd");
  host.write("proc/self/net/dev", "");
  expect(collectNetwork(host.roots)?.map(({ device }) => device)).toEqual(["eth0", "br-lan"]);
  expect(collectNetwork(host.roots)?.[0]).toEqual(ETH0);
  host.remove("proc/1");
  expect(collectNetwork(host.roots)).toBeUndefined();
  expect(["bond0", "eth0.10", "wg0", "enp5s0", "lo0x"].every((device) => isHostsOwn({ device }))).toBe(true);
  expect(["lo", "veth0", "virbr0-nic", "tap3", "cali12"].some((device) => isHostsOwn({ device }))).toBe(
    false,
  );
});

test("an interface's line: a colon in its name, a number at its colon, and what is torn", () => {
  const head = "Inter-|\n face |\n";
  expect(parseNetDev(`${head}eth0:1:7 0 0 0 0 0 0 0 8 0 0 0 0 0 0 0\n`)).toMatchObject([
    { device: "eth0:1", receivedBytes: 7, transmittedBytes: 8 },
  ]);
  expect(() => parseNetDev(`${head}eth0: 7 0 0 0\n`)).toThrow("not whole: eth0: 7 0 0 0");
});

test("a service's network is that of its own namespace, and none where it has the host's", async () => {
  const config = settled({ services: [{ name: "ollama", runtime: "systemd" }] });
  const of = async (host: FixtureHost) => {
    const { services } = await collectorOf(host, config).collect();
    expect(services?.[0]?.problems).toEqual([]);
    return services?.[0]?.running?.network;
  };
  const own = fixture("systemd");
  expect(await of(own)).toBeUndefined();
  own.write(
    "proc/500/net/dev",
    "Inter-|\n face |\n lo: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\neth0: 7 0 1 2 0 0 0 0 8 0 3 4 0 0 0 0\n",
  );
  expect(await of(own)).toEqual([
    {
      device: "eth0",
      receivedBytes: 7,
      receiveErrors: 1,
      receiveDrops: 2,
      transmittedBytes: 8,
      transmitErrors: 3,
      transmitDrops: 4,
    },
  ]);
  // Files of one namespace have one inode.
  const shared = fixture("systemd");
  mkdirSync(join(shared.roots.procfs, "500/net"));
  linkSync(join(shared.roots.procfs, "1/net/dev"), join(shared.roots.procfs, "500/net/dev"));
  expect(await of(shared)).toBeUndefined();
});
