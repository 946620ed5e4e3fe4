import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { renderDockerEngine } from "../../components/docker-engine/render";
import { DockerEngineSettings } from "../../components/docker-engine/schema";
import { renderBundle } from "../../components/host-bundle/render";
import { commands, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const render = (settings: DockerEngineSettings) =>
  renderDockerEngine(DockerEngineSettings.parse(settings), "goblin-host:docker");

describe("DockerEngine", () => {
  let registered: Registered[];
  let components: typeof import("../../components");

  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
    components = await import("../../components");
  });

  // What a test left unfinished must not meet the mocks of the next one.
  afterEach(settle);

  it("sends the keys of daemon.json, the package, and what dockerd must say", async () => {
    new components.DockerEngine("docker", {
      host: { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true },
      settingPath: "goblin-host:docker",
    });
    await settle();
    const [command, ...others] = commands(registered);
    expect(others).toEqual([]);
    expect(textOf(command).replace(/^manager: "[0-9.]+"$/m, 'manager: "VERSION"')).toBe(`bundle: "1"
name: "docker"
manager: "VERSION"
owner: "goblin-host/test/docker-bundle"
confirm: "120"
json:
  /etc/docker/daemon.json:
    content: |2+
      {
        "exec-opts": [
          "native.cgroupdriver=systemd"
        ],
        "live-restore": true,
        "log-driver": "json-file",
        "log-opts": {
          "max-file": "3",
          "max-size": "10485760"
        }
      }
    reloads: "live-restore"
    restartWith: "{\\"live-restore\\":true}"
    setting: "goblin-host:docker"
packages:
  apparmor: "present"
  docker-cli:
    optional: "true"
    program: "/usr/bin/docker"
  docker.io:
    unless: "docker-ce"
units:
  containerd.service:
  docker.service:
    active: "true"
    enabled: "true"
    restartOn: "/etc/docker/daemon.json"
  docker.socket:
docker:
  docker.service:
    cgroupDriver: "systemd"
    cgroupVersion: "2"
    config: "/etc/docker/daemon.json"
    flags: "exec-opt live-restore log-driver log-opt"
    liveRestore: "true"
    logOptions: "compress env env-regex labels labels-regex max-buffer-size max-file max-size mode tag"
    loggingDriver: "json-file"
    packages: "docker.io"
    setting: "goblin-host:docker"
end: true
`);
  });

  it("refuses bad settings all at once, by name", () => {
    const host = { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true };
    expect(() => new components.DockerEngine("docker", { host, logMaxSize: "10m", logMaxFiles: 0 })).toThrow(
      /the settings of "docker" are not valid:\n {2}logMaxSize is "10m": [^]*\n {2}logMaxFiles is 0: /,
    );
  });
});

describe("the docker bundle", () => {
  it("without live-restore holds nothing over a restart", () => {
    const { json, docker } = render({ liveRestore: false });
    expect(json?.["/etc/docker/daemon.json"]).toEqual({
      content: {
        "exec-opts": ["native.cgroupdriver=systemd"],
        "live-restore": false,
        "log-driver": "json-file",
        "log-opts": { "max-file": "3", "max-size": "10485760" },
      },
      reloads: ["live-restore"],
      setting: "goblin-host:docker",
    });
    expect(docker?.["docker.service"]?.liveRestore).toBe(false);
  });

  it("gives dockerd bytes, because its own units are powers of ten", () => {
    const { json } = render({ logMaxSize: "1GiB", logMaxFiles: "20" });
    expect(json?.["/etc/docker/daemon.json"]?.content["log-opts"]).toEqual({
      "max-file": "20",
      "max-size": "1073741824",
    });
  });

  it("names only flags of keys that the file sets", () => {
    const { json, docker } = render({});
    const keys = Object.keys(json?.["/etc/docker/daemon.json"]?.content ?? {});
    expect(docker?.["docker.service"]?.flags).toEqual(keys.map((key) => key.replace(/opts$/, "opt")));
  });
});

describe("packages", () => {
  it("are as they always were where nothing stands in their place", () => {
    expect(renderBundle({ name: "x", packages: ["jq"] }, "1.0.0")).toBe(
      'bundle: "1"\nname: "x"\nmanager: "1.0.0"\npackages:\n  jq: "present"\nend: true\n',
    );
  });
});
