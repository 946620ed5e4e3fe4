import { mkdirSync, rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const OURS = "p/s/goblin-network-bundle";
const SETTING = "goblin-host:workloads";
const BUNDLE: Sections = {
  meta: { name: { "": "network" }, owner: { "": OURS } },
  networks: { shared: { bridge: "br-shared", setting: SETTING } },
};
const NONE: Sections = {};

const id = (digit: string): string => digit.repeat(64);
/** dockerd: networks has "ID LABEL" of those of that name, members what is in one, and net/ is the kernel's. */
const DOCKER = `
  told() { [[ " $FAILS " != *" docker:$1 "* ]] || { echo "$2" >&2; return 1; }; }
  docker() {
    case "$*" in
      'network ls --no-trunc --filter name=^shared$ '*)
        told ls 'permission denied' || return 1
        cat networks 2>/dev/null || :
        ;;
      'network inspect'*' bridge') cat mtu 2>/dev/null || { echo 'no such network: bridge' >&2; return 1; } ;;
      'network create'*)
        echo "docker $*" >>calls
        told create "$(cat why)" || return 1
        echo '${id("7")} ${OURS}' >>networks
        mkdir -p net/br-shared/bridge
        echo '${id("7")}'
        ;;
      'network rm'*)
        echo "docker $*" >>calls
        told rm "Error response from daemon: error while removing network: network shared has active endpoints" || return 1
        told lie 'context deadline exceeded' || return 1
        grep -v "^$3 " networks >networks.new || :
        mv networks.new networks
        rm -rf net/br-shared
        ;;
      'network connect'*) echo "docker $*" >>calls; told connect 'no space' ;;
      'ps --all --no-trunc --quiet --filter network=shared --filter label=goblin-host.owner') cut -d ' ' -f 1 members 2>/dev/null || : ;;
      'ps --all --filter network=shared '*) cat strangers 2>/dev/null || : ;;
      'inspect --format'*)
        printf '%s\\n' "\${@:4}" >wanted
        grep --fixed-strings --file=wanted members | sed 's/ / \\//'
        ;;
      *) echo "unexpected: docker $*" >&2; return 1 ;;
    esac
  }
`;
const runs = (host: SystemdHost): void => {
  host.unit("docker.service", { LoadState: "loaded", ActiveState: "active" });
};
/** Docker has it, and the kernel its bridge. */
const has = (host: SystemdHost, label = OURS): void => {
  runs(host);
  host.write("networks", `${id("1")} ${label}\n`);
  mkdirSync(host.at("net/br-shared/bridge"), { recursive: true });
};
const problems = (host: SystemdHost, was: Sections, before = ""): string[] =>
  host.run(was, BUNDLE, `${DOCKER} ${before}\npreflight_networks\nprintf '%s\\n' "\${PROBLEMS[@]}"`);
const make = (host: SystemdHost, before = "", was = NONE): string[] =>
  host.attempt(was, BUNDLE, "make_networks", `${DOCKER} ${before}`);
const giveUp = (host: SystemdHost, before = ""): string[] =>
  host.attempt(BUNDLE, NONE, "give_up_networks", `${DOCKER} ${before}`);
const drift = (host: SystemdHost, before = ""): string[] =>
  host.run(NONE, BUNDLE, `${DOCKER} ${before}\ndrift network`);

const STRANGER =
  "a Docker network named shared is there already, which this project has not made. " +
  `Remove it (docker network rm 111111111111), or do without: pulumi config set --path '${SETTING}.NAME.network' bridge, for each workload that is a container. Then run pulumi up`;
const INTERFACE =
  "a network interface br-shared is there already, and no Docker network of this project has it. Remove it (ip link delete br-shared), then run pulumi up";

describe("a network that a host has not yet", () => {
  it("is refused where one of its name, or an interface, is somebody else's, with the ways out", () => {
    onSystemdHost((host) => {
      has(host, "");
      expect(problems(host, NONE)).toEqual([`${SETTING}: ${STRANGER}`]);
      // Also one that took the place of ours.
      expect(problems(host, BUNDLE)).toEqual([`${SETTING}: ${STRANGER}`]);
      expect(make(host)).toEqual([`error: bundle app: ${SETTING}: ${STRANGER}`, "status 1"]);
      host.write("networks");
      expect(problems(host, NONE)).toEqual([`${SETTING}: ${INTERFACE}`]);
      expect(make(host)).toEqual([`error: bundle app: ${SETTING}: ${INTERFACE}`, "status 1"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is refused without a dockerd that runs, or by one that does not say; what is in force waits for it", () => {
    onSystemdHost((host) => {
      expect(problems(host, NONE)).toEqual([
        `${SETTING}: docker.service does not run, which makes the network shared. Start it (systemctl start docker), then run this again`,
      ]);
      expect(problems(host, BUNDLE)).toEqual([]);
      expect(make(host, "", BUNDLE)).toEqual(["status 0"]);
      runs(host);
      expect(problems(host, NONE)).toEqual([]);
      expect(problems(host, NONE, "FAILS=docker:ls")).toEqual([
        "docker does not say which networks there are: permission denied: see journalctl -u docker.service, and mend it first",
      ]);
      expect(make(host, "FAILS=docker:ls")).toEqual([
        "error: bundle app: docker does not say which networks there are: permission denied. Mend it (systemctl restart docker), then run this again",
        "status 1",
      ]);
    });
  });

  it("is made once, with its owner, its bridge, and the MTU of an owner who has set one", () => {
    onSystemdHost((host) => {
      runs(host);
      host.write("mtu", "1500\n");
      const command = `docker network create --driver bridge --label goblin-host.owner=${OURS} --opt com.docker.network.bridge.name=br-shared`;
      expect(make(host)).toEqual(["  made the Docker network shared (bridge br-shared)", "status 0"]);
      expect(host.calls).toEqual([`${command} shared`]);
      expect(make(host)).toEqual(["status 0"]);
      expect(drift(host)).toEqual([]);
      expect(host.calls).toEqual([]);
      for (const [mtu, option] of [
        ["1450\n", " --opt com.docker.network.driver.mtu=1450"],
        ["<no value>\n", ""],
        [undefined, ""],
      ] as const) {
        host.write("networks");
        rmSync(host.at("net"), { recursive: true });
        if (mtu === undefined) rmSync(host.at("mtu"));
        else host.write("mtu", mtu);
        make(host);
        expect(host.calls).toEqual([`${command}${option} shared`]);
      }
    });
  });

  it("fails with dockerd's own words, and says what to do where it has no subnet left", () => {
    onSystemdHost((host) => {
      runs(host);
      const free =
        "Free a subnet (docker network ls; docker network prune removes the networks in which no container runs), or give dockerd more: default-address-pools in /etc/docker/daemon.json, then systemctl restart docker";
      for (const [why, remedy] of [
        [
          "Error response from daemon: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
          `. ${free}`,
        ],
        ["Error response from daemon: all predefined address pools have been fully subnetted", `. ${free}`],
        ["Error response from daemon: operation not permitted", ""],
      ] as const) {
        host.write("why", why);
        expect(make(host, "FAILS=docker:create")).toEqual([
          `error: bundle app: dockerd does not make the network shared: ${why}${remedy}`,
          "status 1",
        ]);
      }
    });
  });
});

describe("a network that is there", () => {
  it("is used as it is, whoever of this project made it and whatever the store has forgotten", () => {
    onSystemdHost((host) => {
      has(host, "p/other/goblin-network-bundle");
      expect(problems(host, NONE)).toEqual([]);
      expect(make(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is drift where its bridge is gone from the kernel, which a look sees without dockerd", () => {
    onSystemdHost((host) => {
      has(host);
      expect(drift(host)).toEqual([]);
      rmSync(host.at("net"), { recursive: true });
      const gone =
        "drift shared|network|bridge br-shared||none|the Docker network is gone, as docker network prune leaves it where all its containers are stopped";
      expect(drift(host, "LOOKING=1 FAILS=docker:ls")).toEqual([gone]);
      expect(drift(host)).toEqual([gone]);
      // Without dockerd there is none, and that is the drift of its own unit.
      for (const ActiveState of ["inactive", "activating"]) {
        host.unit("docker.service", { ActiveState });
        expect(drift(host)).toEqual([]);
      }
    });
  });

  it("is drift where dockerd has forgotten it, or does not say", () => {
    onSystemdHost((host) => {
      has(host);
      host.write("networks");
      expect(drift(host)).toEqual([
        "drift shared|network|a network of this project||none|dockerd has no such network",
      ]);
      has(host, "");
      expect(drift(host)).toEqual([
        `drift shared|network|a network of this project||${id("1")}|dockerd has no such network`,
      ]);
      expect(drift(host, "FAILS=docker:ls")).toEqual([
        "drift shared|network|an answer||none|docker does not say which networks there are: permission denied",
      ]);
      for (const when of ["BOOTING", "LOOKING"]) expect(drift(host, `${when}=1`)).toEqual([]);
    });
  });

  it("that went while its containers were stopped is made anew, and they are put into it", () => {
    onSystemdHost((host) => {
      runs(host);
      host.write(
        "members",
        `${id("a")} ollama ${id("0")}\n${id("b")} never-ran \n${id("c")} back ${id("7")}\n`,
      );
      expect(make(host, "FAILS=docker:connect")).toEqual([
        "  made the Docker network shared (bridge br-shared)",
        "error: bundle app: the container ollama cannot be put into the network shared: no space",
        "status 1",
      ]);
      // The run after it goes on there.
      expect(host.calls).toHaveLength(2);
      expect(make(host)).toEqual(["  put the container ollama into the network shared", "status 0"]);
      expect(host.calls).toEqual([`docker network connect shared ${id("a")}`]);
    });
  });

  it("without its bridge is made anew, unless containers run in it", () => {
    onSystemdHost((host) => {
      has(host);
      rmSync(host.at("net"), { recursive: true });
      expect(make(host, "FAILS=docker:rm")).toEqual([
        "error: bundle app: the network shared has lost its bridge br-shared, and containers run in it: Error response from daemon: error while removing network: network shared has active endpoints. Run systemctl restart docker, restart these containers, then run this again",
        "status 1",
      ]);
      expect(make(host)).toEqual(["  made the Docker network shared (bridge br-shared)", "status 0"]);
      expect(drift(host)).toEqual([]);
    });
  });
});

describe("the bundle of a network that goes", () => {
  it("takes it along; one that is gone already is gone", () => {
    onSystemdHost((host) => {
      has(host);
      expect(giveUp(host)).toEqual(["  removed the Docker network shared", "status 0"]);
      expect(host.calls).toEqual([`docker network rm ${id("1")}`]);
      expect(giveUp(host)).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("leaves what is not its own, and what somebody else's container is in", () => {
    onSystemdHost((host) => {
      has(host, "");
      expect(giveUp(host)).toEqual([
        "  kept the network shared (111111111111): it is not of this bundle",
        "status 0",
      ]);
      has(host);
      host.write("strangers", `ollama ${OURS}\nmine \n`);
      expect(giveUp(host)).toEqual(["  kept the network shared: mine is in it", "status 0"]);
      expect(host.calls).toEqual([]);
      host.write("strangers", `ollama ${OURS}\n`);
      expect(giveUp(host, "FAILS=docker:rm")).toEqual([
        "  kept the network shared: Error response from daemon: error while removing network: network shared has active endpoints",
        "status 0",
      ]);
    });
  });

  it("is not removed where dockerd does not remove it", () => {
    onSystemdHost((host) => {
      has(host);
      expect(giveUp(host, "FAILS=docker:lie")).toEqual([
        "error: bundle app: the network shared cannot be removed: context deadline exceeded. Remove it (docker network rm shared), then run this again",
        "status 1",
      ]);
    });
  });

  it("is not held up by a Docker that is gone, or does not start; one that is stopped is started", () => {
    onSystemdHost((host) => {
      host.write("journal.docker.service", "failed to load listeners: no sockets\n");
      expect(giveUp(host)).toEqual([
        "  Docker is gone from this host, and with it the network shared",
        "status 0",
      ]);
      has(host);
      host.unit("docker.service", { ActiveState: "failed" });
      expect(giveUp(host, "FAILS=start:docker.service")).toEqual([
        "warning: dockerd does not start (failed to load listeners: no sockets), so the network shared may still be there. Once dockerd runs: docker network rm shared",
        "status 0",
      ]);
      expect(giveUp(host)).toEqual([
        "  started docker.service, which knows the network shared",
        "  removed the Docker network shared",
        "status 0",
      ]);
    });
  });
});
