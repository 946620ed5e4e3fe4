import { rmSync, symlinkSync } from "node:fs";
import { expect, it } from "vitest";
import { bash } from "./manager";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

it.each([
  ["docker run --rm ollama/ollama", "docker run"],
  ["/usr/bin/docker --host unix:///run/docker.sock container run x", "docker run"],
  ["/usr/bin/docker --host=unix:///run/docker.sock run x", "docker run"],
  ["/usr/bin/docker --tlscacert f run x", "docker run"],
  ["/usr/bin/docker compose -f /srv/compose.yaml up", "docker compose up"],
  ["/usr/bin/docker compose logs -f", ""],
  ["/usr/bin/docker compose exec a run", ""],
  ["/usr/bin/docker -l info start -a x", "docker start"],
  ["/usr/bin/docker-compose --profile gpu up", "docker-compose up"],
  ["/usr/bin/docker-compose ps", ""],
  ["nerdctl -n k8s.io run x", "nerdctl run"],
  ["/usr/bin/podman run --replace x", "podman run"],
  ["/usr/bin/podman run --cgroups=split x", ""],
  ["/usr/bin/podman run --cgroups split x", ""],
  ["/usr/bin/docker ps --filter name=run", ""],
  ["/usr/bin/docker --context run ps", ""],
  ["/usr/local/bin/ollama serve", ""],
  ["/opt/x --dir /etc/docker-compose up", ""],
  ["agent --model-dir /srv/docker start", ""],
])("%j is a container engine's command: %j", (command, engine) => {
  expect(bash(`container_client ${command}; echo "$ANSWER"`)).toBe(`${engine}\n`);
});

const UNIT = "ollama.service";
const GROUP = "/system.slice/ollama.service";
const SERVICE: Sections = { limits: { [UNIT]: { MemoryMax: "1073741824" } } };

/** A host on which the unit runs these processes: each its name, its command line, and its program if that is a shell. */
const running = (
  host: SystemdHost,
  ...processes: readonly (readonly [name: string, command: string, shell?: string])[]
): void => {
  host.unit(UNIT, { ControlGroup: GROUP });
  host.write(`cgroups${GROUP}/cgroup.procs`, processes.map((_, index) => `${index + 41}\n`).join(""));
  for (const [index, [name, command, shell]] of processes.entries()) {
    host.write(`proc/${index + 41}/comm`, `${name}\n`);
    host.write(`proc/${index + 41}/cmdline`, command.replaceAll(" ", "\0"));
    rmSync(host.at(`proc/${index + 41}/exe`), { force: true });
    symlinkSync(shell ?? "/usr/bin/perl", host.at(`proc/${index + 41}/exe`));
  }
};

const says = (host: SystemdHost, want: Sections = SERVICE, bundle = "workload-chat"): string[] =>
  host.run({}, want, `NAME=${bundle}; preflight_members; printf '%s\\n' "\${PROBLEMS[@]}"; drift member`);

it("a service whose program is a container is refused, and drift, with the way out", () => {
  onSystemdHost((host) => {
    running(host, ["docker", "/usr/bin/docker run --rm ollama/ollama "]);
    const told = [
      "workload chat: ollama.service runs its program with docker run, so that it is in a cgroup of the container engine's, which the limits of ollama.service do not hold. Make the workload a container, which has them: stop and disable ollama.service, and give the workload runtime: container and its image",
      "drift ollama.service|members|its own processes||docker run|runs its program with docker run, which its limits do not hold. As a container it has them: runtime: container",
    ];
    expect(says(host)).toEqual(told);
    // A shell that waits for it: a script has its own name.
    for (const name of ["sh", "start.sh"]) {
      running(
        host,
        [name, "/bin/sh /opt/start.sh ", "/bin/sh"],
        ["docker", "docker run --rm ollama/ollama "],
      );
      expect(says(host)).toEqual(told);
    }
  });
});

it("a service in the place of this project's own container is none: that one goes", () => {
  onSystemdHost((host) => {
    running(host, ["docker", "/usr/bin/docker start --attach chat "]);
    const container = { units: { [UNIT]: { enabled: "true", container: "chat" } } };
    expect(
      host.run(container, SERVICE, `NAME=workload-chat; preflight_members; printf '%s\\n' "\${PROBLEMS[@]}"`),
    ).toEqual([]);
  });
});

it("a service that starts a container beside its own program is none of that, nor is another bundle's", () => {
  onSystemdHost((host) => {
    running(host, ["agent", "/usr/bin/agent "], ["docker", "docker run --rm sandbox "]);
    expect(says(host)).toEqual([]);
    running(host, ["docker", "docker compose logs -f "]);
    expect(says(host)).toEqual([]);
    running(host, ["docker", "docker run x "]);
    expect(says(host, SERVICE, "slices")).toEqual([]);
    // The unit that stands for a container of this project's is what it is.
    expect(says(host, { ...SERVICE, units: { [UNIT]: { container: "ollama" } } })).toEqual([]);
    // Processes go while they are looked at.
    running(host, ["docker", ""]);
    expect(says(host)).toEqual([]);
  });
});
