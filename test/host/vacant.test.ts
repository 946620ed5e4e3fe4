import { createServer, type Server } from "node:net";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { bash, inFolder } from "./manager";
import { SystemdHost } from "./systemd-host";

const UNIT = "prometheus.service";
const LISTEN = "goblin-host:prometheus.listen";
const REMEDY = "To keep it: say so.";

/** A bundle that brings the unit, as the component renders it. */
function stack(host: SystemdHost, listen = "127.0.0.1:9090"): Sections {
  const folder = host.at("metrics2");
  return {
    requires: { [LISTEN]: { vacant: UNIT, listen, package: "prometheus", folder, remedy: REMEDY } },
    units: { [UNIT]: { enabled: "true", active: "true" } },
  };
}

/** The problems that it has with this host. */
function problems(host: SystemdHost, { was = {}, before = "", listen = "127.0.0.1:9090" } = {}): string[] {
  const text = `${before}\npreflight_vacant; printf '%s\\n' "\${PROBLEMS[@]}"`;
  return host.run(was, stack(host, listen), text);
}

const onHost = (action: (host: SystemdHost) => void): void => {
  inFolder((folder) => {
    action(new SystemdHost(folder));
  });
};

const refused = (what: string): string[] => [
  `${LISTEN}: ${UNIT} of this host's owner ${what}, and this would take its place. ${REMEDY}`,
];

describe("a unit that must not be the owner's", () => {
  it("is none where there is none, and where it neither runs nor is to run", () => {
    onHost((host) => {
      expect(problems(host)).toEqual([]);
      const file = "/lib/systemd/system/prometheus.service";
      host.unit(UNIT, { ActiveState: "inactive", UnitFileState: "disabled", FragmentPath: file });
      expect(problems(host)).toEqual([]);
      const mask = host.at(`etc/${UNIT}`);
      host.unit(UNIT, { ActiveState: "failed", UnitFileState: "masked", FragmentPath: mask });
      expect(problems(host)).toEqual([]);
    });
  });

  it.each([
    [{ ActiveState: "active", UnitFileState: "enabled" }, "is active and is enabled"],
    [{ ActiveState: "inactive", UnitFileState: "enabled" }, "is enabled"],
    [{ ActiveState: "activating", UnitFileState: "disabled" }, "is activating"],
    [{ ActiveState: "inactive", UnitFileState: "linked" }, "is linked"],
  ])("is refused by what it is: %o", (properties, what) => {
    onHost((host) => {
      host.unit(UNIT, properties);
      expect(problems(host)).toEqual(refused(what));
    });
  });

  it("is refused where the owner has written it, whatever becomes of it", () => {
    onHost((host) => {
      const FragmentPath = host.at(`etc/${UNIT}`);
      host.unit(UNIT, { ActiveState: "inactive", UnitFileState: "disabled", FragmentPath });
      expect(problems(host)).toEqual(refused(`has a file of its own, /etc/${UNIT}`));
    });
  });

  it("is this project's own once a bundle has it, and a repair asks nothing", () => {
    onHost((host) => {
      host.unit(UNIT, { ActiveState: "active", UnitFileState: "enabled" });
      host.write("tcp-tables/tcp", table("0100007F", 9090));
      expect(problems(host, { was: { units: { [UNIT]: {} } } })).toEqual([]);
      expect(problems(host, { before: "STORED=1" })).toEqual([]);
      // Of another unit: that one is not this.
      expect(problems(host, { was: { units: { "other.service": {} } } })).toHaveLength(1);
    });
  });
});

/** A line of the kernel's, below its heading. */
const table = (address: string, port: number, state = "0A"): string =>
  `  sl  local_address rem_address   st tx_queue\n   0: ${address}:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 ${state} 00000000:00000000\n`;

describe("an address that must be free", () => {
  const TAKEN = [
    `${LISTEN}: "127.0.0.1:9090": something listens there already (ss -Hltnp 'sport = :9090'). Allowed: an address that is free. Fix: pulumi config set --path '${LISTEN}' 127.0.0.1:PORT. ${REMEDY}`,
  ];

  it.each([
    ["loopback", "tcp", "0100007F"],
    ["every address", "tcp", "00000000"],
    ["every address of IPv6", "tcp6", "0".repeat(32)],
    ["loopback, written as IPv6", "tcp6", "0000000000000000FFFF00000100007F"],
  ])("is refused where something listens at %s", (_, file, address) => {
    onHost((host) => {
      host.write(`tcp-tables/${file}`, table(address, 9090));
      expect(problems(host)).toEqual(TAKEN);
    });
  });

  it.each([
    ["at another port", "tcp", table("0100007F", 9091)],
    ["at an address of the network", "tcp", table("0500000A", 9090)],
    ["at loopback of IPv6", "tcp6", table("00000000000000000000000001000000", 9090)],
    ["as a connection", "tcp", table("0100007F", 9090, "01")],
  ])("is free where it is %s", (_, file, text) => {
    onHost((host) => {
      host.write(`tcp-tables/${file}`, text);
      expect(problems(host)).toEqual([]);
    });
  });

  it("may be loopback of IPv6", () => {
    onHost((host) => {
      host.write("tcp-tables/tcp6", table("00000000000000000000000001000000", 9090));
      expect(problems(host, { listen: "[::1]:9090" })).toEqual([
        expect.stringContaining("Fix: pulumi config set --path 'goblin-host:prometheus.listen' [::1]:PORT."),
      ]);
    });
  });

  it("is told once where the unit itself has it", () => {
    onHost((host) => {
      host.unit(UNIT, { ActiveState: "active", UnitFileState: "enabled" });
      host.write("tcp-tables/tcp", table("0100007F", 9090));
      expect(problems(host)).toEqual(refused("is active and is enabled"));
    });
  });

  it.each(["127.0.0.1", "127.1.2.3", "0.0.0.0"])(
    "is found in the kernel's own table: %s",
    async (address) => {
      const server: Server = createServer();
      await new Promise<void>((resolve) => server.listen(0, address, resolve));
      const { port } = server.address() as { port: number };
      const asked = address === "0.0.0.0" ? "127.0.0.1" : address;
      const taken = () => bash(`is_taken ${asked}:${port}; printf %s "$ANSWER"`);
      const before = taken();
      await new Promise((resolve) => server.close(resolve));
      expect([before, taken()]).toEqual(["yes", ""]);
    },
  );
});

describe("a folder that the purge of a package deletes", () => {
  it("must hold nothing where this project would bring the package", () => {
    onHost((host) => {
      host.write("metrics2/wal/00000000", "samples");
      expect(problems(host)).toEqual([
        `${LISTEN}: /metrics2 holds data, and this host does not have the package prometheus: it would be deleted with it once that goes again. Move it away (mv /metrics2 /metrics2.old), then run this again. ${REMEDY}`,
      ]);
      expect(problems(host, { before: "SEEN_PACKAGE[prometheus]=not-installed" })).toHaveLength(1);
      // dpkg's own, which is removed and not purged.
      for (const state of ["installed", "config-files"])
        expect(problems(host, { before: `SEEN_PACKAGE[prometheus]=${state}` })).toEqual([]);
    });
  });

  it("may be there, empty", () => {
    onHost((host) => {
      host.write("metrics2/.keep");
      expect(problems(host)).toHaveLength(1);
    });
    onHost((host) => {
      host.run({}, {}, "mkdir metrics2");
      expect(problems(host)).toEqual([]);
    });
  });
});

describe("a file that is required", () => {
  const setting = "goblin-host:monitor.access.token";
  const missing = (host: SystemdHost, before = ""): string[] =>
    host.run(
      {},
      { requires: { [setting]: { file: host.at("listen.token"), remedy: "Put it there." } } },
      `${before}\npreflight_required_files; printf '%s\\n' "\${PROBLEMS[@]}"`,
    );

  it("is refused where it is not, but for a repair", () => {
    onHost((host) => {
      expect(missing(host)).toEqual([
        `goblin-host:monitor.access.token: this host has no file /listen.token. Put it there.`,
      ]);
      expect(missing(host, "STORED=1")).toEqual([]);
      host.write("listen.token", "word");
      expect(missing(host)).toEqual([]);
    });
  });
});
