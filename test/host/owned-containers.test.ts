import { describe, expect, it } from "vitest";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const OURS = "p/s/goblin-a-bundle";
const owned = (unit = true): Sections => ({
  meta: { name: { "": "workload-a" }, owner: { "": OURS } },
  containers: { a: { grace: "45", setting: "goblin-host:workloads.a" } },
  ...(unit ? { units: { "a.service": { container: "a" } } } : {}),
});
/** The same as version 1.0 had it. */
const without = (sections: Sections): Sections =>
  Object.fromEntries(Object.entries(sections).filter(([section]) => section !== "containers"));

const id = (digit: string): string => digit.repeat(64);
/** Docker with one container of that name. */
function holds(host: SystemdHost, owner: string): void {
  host.unit("docker.service", { LoadState: "loaded", ActiveState: "active" });
  host.write("owned/a", `${id("1")} ${owner}\n`);
}
const DOCKER = `
  docker() {
    case "$*" in
      'ps --all'*)
        [[ " $FAILS " != *' docker:ps '* ]] || { echo 'Cannot connect to the Docker daemon' >&2; return 1; }
        local name="$*"; name=\${name#*name=^/}; name=\${name%%'$'*}
        cat "owned/$name" 2>/dev/null || :
        ;;
      'stop --time'*) echo "docker $*" >>calls ;;
      'rm --force'*)
        echo "docker $*" >>calls
        [[ " $FAILS " != *' docker:rm '* ]] || { echo 'device or resource busy' >&2; return 1; }
        rm -f owned/*
        ;;
      images*) cat images 2>/dev/null || : ;;
      rmi*)
        echo "docker $*" >>calls
        [[ " $FAILS " != *" docker:rmi:$2 "* ]] || { echo "Error response from daemon: conflict: container 5 is using its referenced image" >&2; return 1; }
        ;;
    esac
  }
`;
/** What preflight has against it. */
const problems = (host: SystemdHost, was: Sections, want: Sections, before = ""): string[] =>
  host.run(was, want, `${DOCKER} ${before}\npreflight_containers\nprintf '%s\\n' "\${PROBLEMS[@]}"`);
const change = (host: SystemdHost, was: Sections, want: Sections, before = ""): string[] =>
  host.attempt(was, want, "change_containers", `${DOCKER} ${before}`);

describe("a workload that is new to a host", () => {
  it("is refused where a container has its name that is nobody's or somebody else's, with the ways out", () => {
    onSystemdHost((host) => {
      holds(host, "");
      const ways =
        "Keep it under another name (docker rename a NAME) or remove it (docker rm --force a); a workload can also have another name. Then run pulumi up";
      expect(problems(host, {}, owned())).toEqual([
        `goblin-host:workloads.a: a container named a is there already, which no stack of this project has made. ${ways}`,
      ]);
      holds(host, "p/other/goblin-a-bundle");
      expect(problems(host, {}, owned())).toEqual([
        `goblin-host:workloads.a: a container named a is there already, which p/other/goblin-a-bundle has made. ${ways}`,
      ]);
      // What was a service stood for no container.
      const service = { ...without(owned()), units: { "a.service": { active: "true" } } };
      expect(problems(host, service, owned())).toHaveLength(1);
    });
  });

  it("takes its own, a free name, a dockerd that sleeps, and what was given up", () => {
    onSystemdHost((host) => {
      holds(host, OURS);
      expect(problems(host, {}, owned())).toEqual([]);
      host.write("state/disowned/app", "p/other/goblin-a-bundle\n");
      holds(host, "p/other/goblin-a-bundle");
      expect(problems(host, {}, owned())).toEqual([]);
      host.write("owned/a");
      expect(problems(host, {}, owned())).toEqual([]);
      holds(host, "");
      host.unit("docker.service", { ActiveState: "inactive" });
      expect(problems(host, {}, owned())).toEqual([]);
    });
  });

  it("is not applied by guess where docker does not say", () => {
    onSystemdHost((host) => {
      holds(host, OURS);
      expect(problems(host, {}, owned(), "FAILS=docker:ps")).toEqual([
        "docker does not say which containers there are: Cannot connect to the Docker daemon: see journalctl -u docker.service, and mend it first",
      ]);
    });
  });
});

describe("a workload that is in force", () => {
  it("asks docker nothing, in whatever version it is", () => {
    onSystemdHost((host) => {
      holds(host, "");
      const monitor = { meta: { name: { "": "monitor" } } };
      expect(problems(host, owned(), owned(), "FAILS=docker:ps")).toEqual([]);
      expect(problems(host, without(owned()), owned(), "FAILS=docker:ps")).toEqual([]);
      expect(problems(host, monitor, owned(false), "FAILS=docker:ps")).toEqual([]);
      expect(change(host, owned(), owned())).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });
});

describe("a bundle that goes", () => {
  it("takes its container along, and its images that nobody uses", () => {
    onSystemdHost((host) => {
      holds(host, OURS);
      host.write(
        "images",
        "sha256:7 goblin-host/monitor:a\nsha256:8 goblin-host/monitor:b\nsha256:9 <none>:<none>\n",
      );
      expect(change(host, owned(), {}, "FAILS=docker:rmi:goblin-host/monitor:b")).toEqual([
        "  removed the container a",
        "  removed the image goblin-host/monitor:a",
        "  kept the image goblin-host/monitor:b: Error response from daemon: conflict: container 5 is using its referenced image",
        "  removed the image sha256:9",
        "status 0",
      ]);
      expect(host.calls.slice(0, 2)).toEqual([
        `docker stop --time 45 ${id("1")}`,
        `docker rm --force --volumes ${id("1")}`,
      ]);
      host.write("images");
      expect(change(host, owned(), {})).toEqual(["status 0"]);
    });
  });

  it("leaves one that is not its own, and one of a version that labelled none", () => {
    onSystemdHost((host) => {
      holds(host, "");
      expect(change(host, owned(), {})).toEqual([
        "  kept the container a: it is not of this bundle",
        "status 0",
      ]);
      expect(change(host, without(owned()), {})).toEqual(["status 0"]);
      // Back to nothing, after an apply that failed: it made no container.
      holds(host, OURS);
      expect(change(host, owned(), {}, "ROLLING_BACK=1")).toEqual(["status 0"]);
      expect(host.calls).toEqual([]);
    });
  });

  it("is not removed where its container is not", () => {
    onSystemdHost((host) => {
      holds(host, OURS);
      expect(change(host, owned(), {}, "FAILS=docker:rm")).toEqual([
        "error: bundle app: the container a cannot be removed: device or resource busy. Remove it (docker rm --force a), then run this again",
        "status 1",
      ]);
    });
  });

  it("is not held up by a Docker that is gone, or does not start; one that is stopped is started", () => {
    onSystemdHost((host) => {
      host.write("journal.docker.service", "failed to load listeners: no sockets\n");
      expect(change(host, owned(), {})).toEqual([
        "  Docker is gone from this host, and with it the container a",
        "status 0",
      ]);
      holds(host, OURS);
      host.unit("docker.service", { ActiveState: "failed" });
      expect(change(host, owned(), {}, "BOOTING=1")).toEqual([
        "error: bundle app: the container a is removed by the next run in which dockerd runs",
        "status 1",
      ]);
      expect(change(host, owned(), {}, "FAILS=start:docker.service")).toEqual([
        "warning: dockerd does not start (failed to load listeners: no sockets), so the container a may still be there, and would start with it, without limits. Once dockerd runs: docker rm --force a",
        "status 0",
      ]);
      expect(change(host, owned(), {})).toEqual([
        "  started docker.service, which knows the container a",
        "  removed the container a",
        "status 0",
      ]);
    });
  });
});

describe("a bundle that was given up, and is taken over", () => {
  it("has the other stack's container removed, and no other's", () => {
    onSystemdHost((host) => {
      const theirs = "p/other/goblin-a-bundle";
      host.write("state/disowned/app", `${theirs}\n`);
      holds(host, OURS);
      expect(change(host, owned(), owned())).toEqual(["status 0"]);
      holds(host, theirs);
      expect(change(host, owned(), owned(), "STORED=1")).toEqual(["status 0"]);
      expect(change(host, owned(), owned())).toEqual([
        `  removed the container a, which ${theirs} had made`,
        "status 0",
      ]);
    });
  });
});

describe("a container that Pulumi is about to create", () => {
  const vacate = (host: SystemdHost, before = ""): string[] =>
    host.attempt({}, {}, `vacate_container a ${OURS}`, `NAME=\n${DOCKER} ${before}`);

  it("has the way made free of one that is this stack's own, and of no other", () => {
    onSystemdHost((host) => {
      holds(host, OURS);
      expect(vacate(host)).toEqual([
        "  removed the container a, which was this stack's own and not in its state",
        "status 0",
      ]);
      expect(vacate(host)).toEqual(["status 0"]);
      holds(host, "");
      expect(vacate(host)).toEqual([
        "error: a container named a is there already, which no stack of this project has made. Keep it under another name (docker rename a NAME) or remove it (docker rm --force a); a workload can also have another name. Then run pulumi up",
        "status 2",
      ]);
      host.unit("docker.service", { ActiveState: "inactive" });
      expect(vacate(host)).toEqual(["status 0"]);
    });
  });
});
