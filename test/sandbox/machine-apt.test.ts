import { describe, expect, it } from "vitest";
import { configLines, seenFromGuest, sourceLines } from "./machine-apt";

const keyring = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";

describe("sourceLines", () => {
  it("keeps the release's own suites of main, once each", () => {
    const targets = `http://m.example/debian/ bookworm main
http://m.example/debian/ bookworm main
http://m.example/debian/ bookworm-updates main
http://m.example/debian-security/ bookworm-security main
http://m.example/debian/ bookworm contrib
http://other.example/apt stable main
`;
    expect(sourceLines(targets, "bookworm")).toEqual([
      `deb ${keyring} http://m.example/debian/ bookworm main`,
      `deb ${keyring} http://m.example/debian/ bookworm-updates main`,
      `deb ${keyring} http://m.example/debian-security/ bookworm-security main`,
    ]);
  });

  it("finds another release where the machine's own is", () => {
    const targets = `http://m.example/debian/ bookworm main
http://m.example/debian/ bookworm-updates main
http://m.example/debian-security/ bookworm-security main
`;
    expect(sourceLines(targets, "trixie")).toEqual([
      `deb ${keyring} http://m.example/debian/ trixie main`,
      `deb ${keyring} http://m.example/debian/ trixie-updates main`,
      `deb ${keyring} http://m.example/debian-security/ trixie-security main`,
    ]);
    expect(sourceLines(targets, "sid")).toEqual([`deb ${keyring} http://m.example/debian/ sid main`]);
    const both = `${targets}http://own.example/debian/ trixie main\n`;
    expect(sourceLines(both, "trixie")).toEqual([`deb ${keyring} http://own.example/debian/ trixie main`]);
  });

  it.each([
    ["no apt at all", ""],
    ["no Debian", "http://m.example/ubuntu/ noble main\n"],
    ["updates without the release", "http://m.example/debian/ bookworm-updates main\n"],
    ["a CD-ROM", "cdrom://disc/ bookworm main\n"],
  ])("has nothing to offer for %s, so that the default mirror is used", (_what, targets) => {
    expect(sourceLines(targets, "bookworm")).toEqual([]);
  });
});

describe("configLines", () => {
  it("keeps what a download needs and drops empty and unrelated settings", () => {
    const dump = `APT "";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CaInfo "/etc/ssl/ca.pem";
Acquire::Check-Date "false";
Acquire::Languages:: "none";
DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";
`;
    expect(configLines(dump, {})).toEqual([
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::CaInfo "/etc/ssl/ca.pem";',
      'Acquire::Check-Date "false";',
    ]);
  });

  it("takes a proxy from the environment where apt has none of its own", () => {
    const environment = { http_proxy: "http://env.example:8080", https_proxy: "" };
    expect(configLines("", environment)).toEqual(['Acquire::http::Proxy "http://env.example:8080";']);
    expect(configLines('Acquire::http::Proxy "http://own.example";', environment)).toEqual([
      'Acquire::http::Proxy "http://own.example";',
    ]);
  });

  it("lets the guest reach a proxy on this machine's loopback through the gateway", () => {
    const lines = [
      'Acquire::http::Proxy "http://localhost:3142";',
      'Acquire::https::Proxy "http://p.example:1";',
    ];
    expect(seenFromGuest(lines)).toEqual([
      'Acquire::http::Proxy "http://10.0.2.2:3142";',
      'Acquire::https::Proxy "http://p.example:1";',
    ]);
  });
});
