import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const NONE: Sections = {};
const UNIT = "docker.service";
const DOCKER: Sections = {
  units: { [UNIT]: { active: "true" }, "docker.socket": { "": "" }, "containerd.service": { "": "" } },
  docker: {
    [UNIT]: {
      cgroupDriver: "systemd",
      liveRestore: "true",
      loggingDriver: "json-file",
      flags: "exec-opt log-driver",
      packages: "docker.io",
      setting: "goblin-host:docker",
    },
  },
};
/** The same with a configuration file of the host's own. */
const configured = (host: SystemdHost): Sections => ({
  ...DOCKER,
  docker: { [UNIT]: { ...DOCKER["docker"]?.[UNIT], config: host.at("daemon.json") } },
});
const active = (host: SystemdHost, root = host.at("docker")): void => {
  host.unit(UNIT, { ActiveState: "active" });
  host.write("dockerd.root", `${root}\n`);
};

describe("what dockerd says of itself", () => {
  it("is compared, and silence is drift", () => {
    onSystemdHost((host) => {
      active(host);
      expect(host.run(NONE, DOCKER, "drift docker")).toEqual([]);
      host.write("dockerd.live", "false\n");
      expect(host.run(NONE, DOCKER, "drift docker")).toEqual([
        "drift docker.service|liveRestore|true||false|dockerd runs with another",
      ]);
      expect(host.run(NONE, DOCKER, "rm dockerd.root; drift docker")).toEqual([
        "drift docker.service|docker info|an answer||none|does not answer (journalctl -u docker.service)",
      ]);
      for (const when of ["BOOTING", "LOOKING"])
        expect(host.run(NONE, DOCKER, `${when}=1\ndrift docker`)).toEqual([]);
    });
  });

  it("is waited for after a reload, which is said when it has been taken over", () => {
    onSystemdHost((host) => {
      active(host);
      const reload = (before = ""): string[] =>
        host.attempt(NONE, DOCKER, `reload_unit ${UNIT}`, `mark_pending "reload%${UNIT}"\n${before}`);
      host.write("dockerd.live", "false\n");
      expect(reload()).toEqual([
        "error: bundle app: dockerd does not take over its configuration: see journalctl -u docker.service",
        "status 1",
      ]);
      expect(host.pending).toEqual([`reload%${UNIT}`]);
      expect(reload("sleep() { echo true >dockerd.live; }")).toEqual([
        "  reloaded docker.service",
        "status 0",
      ]);
      expect(host.pending).toEqual([]);
    });
  });

  it("decides whether a restart would stop its containers", () => {
    onSystemdHost((host) => {
      active(host);
      const hold = (before = ""): string[] => host.attempt(NONE, DOCKER, `take_over_hold ${UNIT}`, before);
      const refused = (why: string): string[] => [
        `error: bundle app: dockerd does not take over live-restore, and a restart would stop 3 containers: ${why}`,
        "status 1",
      ];
      expect(hold()).toEqual(["status 0"]);
      host.write("dockerd.live", "false\n");
      expect(hold()).toEqual(["status 0"]);
      host.write("dockerd.running", "3\n");
      expect(hold()).toEqual(refused("see journalctl -u docker.service"));
      expect(hold(`FAILS=reload:${UNIT}`)).toEqual(refused("Failed to reload docker.service: no"));
      expect(hold("sleep() { echo true >dockerd.live; }")).toEqual(["status 0"]);
      host.unit(UNIT, { ActiveState: "inactive" });
      expect(hold("rm dockerd.root")).toEqual(["status 0"]);
    });
  });
});

describe("preflight of dockerd", () => {
  const problems = (host: SystemdHost, want: Sections, check: string): string[] =>
    host.run(NONE, want, `${check}\nprintf '%s\\n' "\${PROBLEMS[@]}"`);

  it("names the file that gives it a flag which its configuration has, too", () => {
    onSystemdHost((host) => {
      const flags = (): string[] =>
        problems(host, DOCKER, `preflight_docker_flags ${UNIT} goblin-host:docker`).map(
          (line) => /: (\S+) gives dockerd the flag (\S+),/.exec(line)?.slice(1).join(" ") ?? line,
        );
      host.write(
        "etc/docker.service",
        `[Service]\nEnvironmentFile=-${host.at("default")}\nExecStart=/usr/sbin/dockerd --exec-opt a`,
      );
      host.unit(UNIT, { FragmentPath: host.at("etc/docker.service") });
      expect(flags()).toEqual(["/etc/docker.service --exec-opt"]);
      host.write(
        "etc/own.conf",
        "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd '--log-driver' journald\n# --exec-opt",
      );
      host.unit(UNIT, { DropInPaths: host.at("etc/own.conf") });
      expect(flags()).toEqual(["/etc/own.conf --log-driver"]);
      host.write("default", '#DOCKER_OPTS="--log-driver=a"\nDOCKER_OPTS="--exec-opt=a"');
      expect(flags()).toEqual(["/etc/own.conf --log-driver", "/default --exec-opt"]);
    });
  });

  it("names options of another log driver, and leaves what is no JSON to the file's own check", () => {
    onSystemdHost((host) => {
      const want: Sections = {
        docker: { [UNIT]: { ...configured(host)["docker"]?.[UNIT], logOptions: "max-size max-file" } },
      };
      const options = (text: string): string[] => {
        host.write("daemon.json", text);
        return problems(host, want, `preflight_log_options ${UNIT} goblin-host:docker`);
      };
      expect(options('{"log-opts": {"max-size": "1", "cache-disabled": "true"}}')).toEqual([]);
      expect(options("{}")).toEqual([]);
      expect(options("{")).toEqual([]);
      expect(options('{"log-opts": {"syslog-address": "a", "max-file": "1"}}')).toEqual([
        "goblin-host:docker: /daemon.json has log-opts.syslog-address, which the log driver json-file does not know: dockerd would not start. Take it out of that file, then run this again",
      ]);
    });
  });

  it("refuses one that runs and does not answer", () => {
    onSystemdHost((host) => {
      host.unit(UNIT, { ActiveState: "active" });
      expect(problems(host, DOCKER, "preflight_docker_origin() { :; }\npreflight_docker")).toEqual([
        "dockerd runs and does not answer: see journalctl -u docker.service, and mend it first (systemctl restart docker.service stops its containers)",
      ]);
    });
  });
});

describe("dockerd's data", () => {
  const recorded = `record_original packages docker.io absent docker.io
    record_original units ${UNIT} none inactive; record_original units docker.socket none inactive
    record_original units containerd.service none inactive\n`;
  const keep = (host: SystemdHost, was = configured(host)): string[] =>
    host.attempt(was, NONE, "keep_docker", recorded);
  const kept = (why: string): string[] => [`  kept package docker.io: ${why}`, "status 0"];

  it("is none where dockerd keeps nothing, and the package goes", () => {
    onSystemdHost((host) => {
      host.write("docker/volumes/metadata.db");
      expect(keep(host)).toEqual(["status 0"]);
      expect(host.list("originals")).toContain("packages%docker.io");
    });
  });

  it("keeps package and unit, where it lies below a folder of userns-remap, too", () => {
    onSystemdHost((host) => {
      host.write("docker/165536.165536/volumes/models/_data/weights.gguf", "x");
      const why = "/docker has 1 volumes, which its purge would delete";
      expect(keep(host)).toEqual(kept(why));
      expect(host.list("originals")).not.toContain("packages%docker.io");
      expect(host.read(`state/originals/units%${UNIT}`)).toBe("enabled\tactive\tend");
      host.write("docker/image/overlay2/imagedb/content/sha256/abc");
      host.write("docker/containers/abc/config.json");
      expect(keep(host)[0]).toContain("/docker has 1 containers, 1 volumes, 1 images,");
    });
  });

  it("is looked for where dockerd says that it is, or its configuration", () => {
    onSystemdHost((host) => {
      host.write("else/volumes/models/_data/weights.gguf", "x");
      const why = "/else has 1 volumes, which nothing could use without it";
      expect(keep(host)).toEqual(["status 0"]);
      host.write("daemon.json", `{"data-root": "${host.at("else")}"}`);
      expect(keep(host)).toEqual(kept(why));
      host.write("daemon.json", "{}");
      active(host, host.at("else"));
      expect(keep(host)).toEqual(kept(why));
      // One that hangs has its configuration all the same.
      host.write("daemon.json", `{"data-root": "${host.at("else")}"}`);
      host.run(NONE, NONE, "rm dockerd.root");
      expect(keep(host)).toEqual(kept(why));
    });
  });

  it("is taken to be there where nobody can tell", () => {
    onSystemdHost((host) => {
      host.write("daemon.json", "{");
      expect(keep(host)).toEqual(
        kept("/daemon.json is no JSON, so that nobody can tell where dockerd keeps its data"),
      );
    });
  });

  it("and what started with dockerd stops with it, its socket first", () => {
    onSystemdHost((host) => {
      for (const unit of [UNIT, "docker.socket", "containerd.service"])
        host.unit(unit, { ActiveState: "active", UnitFileState: "enabled" });
      expect(host.attempt(DOCKER, NONE, "stop_gone_units", recorded)).toEqual([
        "  stopped docker.service",
        "status 0",
      ]);
      expect(host.calls).toEqual(
        ["docker.socket", UNIT, "containerd.service"].map((unit) => `systemctl stop ${unit}`),
      );
      const owners = recorded.replace(`${UNIT} none inactive`, `${UNIT} enabled active`);
      expect(host.attempt(DOCKER, NONE, "stop_gone_units", owners)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });
});
