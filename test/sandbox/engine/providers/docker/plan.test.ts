import type { ContainerInspectInfo } from "dockerode";
import { describe as group, expect, it } from "vitest";
import { describe } from "../../describe";
import { secret, UNKNOWN, type PropertyMap } from "../../values";
import { readContainer } from "./container-read";
import { containerSchema } from "./container-schema";
import { imageResource } from "./image";
import { planCreate, planUpdate, refreshInputs } from "./plan";
import { known } from "./resource";
import { checkInputs } from "./schema";

const MiB = 1024 ** 2;

/** What Docker 20.10 says of a container whose program sets a name, an image and 128 MiB. */
function inspection(host: object = {}, running = true): ContainerInspectInfo {
  return {
    Id: "0123",
    Name: "/c",
    Image: "sha256:abc",
    Platform: "linux",
    State: { Running: running, ExitCode: running ? 0 : 137 },
    Config: { Hostname: "0123", Image: "i", Cmd: ["node"], Entrypoint: null, Env: ["PATH=/bin"], Labels: {} },
    HostConfig: {
      Memory: 128 * MiB,
      MemorySwap: 256 * MiB,
      NetworkMode: "bridge",
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      LogConfig: { Type: "json-file", Config: {} },
      Runtime: "runc",
      IpcMode: "private",
      ShmSize: 64 * MiB,
      Init: false,
      ...host,
    },
    NetworkSettings: { Bridge: "", Ports: {}, Networks: { bridge: { IPAddress: "172.17.0.2" } } },
  } as unknown as ContainerInspectInfo;
}

const SET = { name: "c", image: "i", memory: 128, memorySwap: 256 };

const stateOf = (inputs: PropertyMap, host: object = {}, running = true): PropertyMap =>
  readContainer(known(planCreate(containerSchema, inputs), UNKNOWN), inspection(host, running));

interface Change {
  text: string;
  replaces: boolean;
}

function change(state: PropertyMap, inputs: PropertyMap): Change | undefined {
  const { properties, shown } = planUpdate(containerSchema, state, inputs).diff;
  if (properties.length === 0) return undefined;
  return {
    text: describe(shown?.before ?? {}, shown?.after ?? {}),
    replaces: properties.some(({ replace }) => replace),
  };
}

group("a container that was just made", () => {
  it("has no difference where the program sets what is read back", () => {
    expect(change(stateOf(SET), SET)).toBeUndefined();
  });

  it("has none in a network of its own, whose name is read back, and its endpoints are outputs", () => {
    const inputs = { ...SET, networkMode: "goblin-host" };
    expect(change(stateOf(inputs, { NetworkMode: "goblin-host" }), inputs)).toBeUndefined();
    expect(stateOf(inputs, { NetworkMode: "goblin-host" })).not.toHaveProperty("networksAdvanced");
  });

  it("differs where Docker fills in a swap limit that the program does not set", () => {
    const inputs = { name: "c", image: "i", memory: 128 };
    expect(change(stateOf(inputs), inputs)).toEqual({ text: "- memorySwap: 256", replaces: false });
  });

  it("differs at each run where the program's spelling is not Go's", () => {
    const inputs = { ...SET, cpus: "2", healthcheck: { tests: ["CMD", "true"], interval: "60s" } };
    const state = stateOf(inputs, { NanoCpus: 2e9 });
    expect(change(state, inputs)).toEqual({ text: '~ cpus: "2.0" => "2"', replaces: true });
    expect(change(state, { ...inputs, cpus: "2.0" })).toBeUndefined();
  });
});

group("a change", () => {
  const state = stateOf(SET);
  it.each([
    ["memory", { memory: 64 }, "~ memory: 128 => 64", false],
    ["restart", { restart: "always" }, '~ restart: "no" => "always"', false],
    ["cpuSet", { cpuSet: "0" }, '~ cpuSet: "" => "0"', false],
    ["image", { image: "j" }, '~ image: "i" => "j"', true],
    ["cpus", { cpus: "0.5" }, '+ cpus: "0.5"', true],
    ["cgroupParent", { cgroupParent: "ai.slice" }, '+ cgroupParent: "ai.slice"', true],
    // What an upgrade from 1.0 does to each container.
    ["network", { networkMode: "goblin-host" }, '~ networkMode: "bridge" => "goblin-host"', true],
    ["an image not known yet", { image: UNKNOWN }, '~ image: "i" => output<string>', true],
    // Carried out by nothing: the provider only notes it, hence replaceOnChanges.
    ["init", { init: true }, "~ init: false => true", false],
    ["a secret", { envs: secret(["A=1"]) }, "+ envs: [secret]", true],
  ])("of %s", (_, more, text, replaces) => {
    expect(change(state, { ...SET, ...(more as PropertyMap) })).toEqual({ text, replaces });
  });

  it("is none where only the order of a set differs, or a default is written out", () => {
    const inputs = { ...SET, groupAdds: ["1", "2"], mounts: [{ type: "bind", source: "/a", target: "/b" }] };
    const read = stateOf(inputs, {
      GroupAdd: ["2", "1"],
      Mounts: [{ Type: "bind", Source: "/a", Target: "/b" }],
    });
    expect(change(read, { ...inputs, restart: "no", mustRun: true })).toBeUndefined();
  });

  it("is none where Docker chose the port", () => {
    const inputs = { ...SET, ports: [{ internal: 80 }] };
    const read = {
      ...stateOf(inputs),
      ports: [{ internal: 80, external: 49153, ip: "0.0.0.0", protocol: "tcp" }],
    };
    expect(change(read, inputs)).toBeUndefined();
    expect(change(read, { ...SET, ports: [{ internal: 80, external: 81 }] })?.replaces).toBe(true);
  });
});

group("what happened on the host", () => {
  it("is drift in the inputs' own terms", () => {
    const before = stateOf(SET);
    const now = readContainer(before, inspection({ Memory: 200 * MiB }));
    expect(refreshInputs(containerSchema, SET, before, now)).toEqual({ ...SET, memory: 200 });
    expect(change(now, SET)).toEqual({ text: "~ memory: 200 => 128", replaces: false });
  });

  it("shows a stopped container as one that need not run", () => {
    const now = readContainer(stateOf(SET), inspection({}, false));
    expect(now["exitCode"]).toBe(137);
    expect(change(now, SET)).toEqual({ text: "~ mustRun: false => true", replaces: false });
    expect(
      change(readContainer({ ...now, mustRun: false }, inspection({}, false)), { ...SET, mustRun: false }),
    ).toBe(undefined);
  });
});

group("inputs", () => {
  const failures = (inputs: PropertyMap): string[] =>
    checkInputs(containerSchema, { ...SET, ...inputs }).map(
      ({ property, reason }) => `${property}: ${reason}`,
    );

  it("that are not served are errors that name them", () => {
    expect(
      failures({ uploads: [], colour: "red", mounts: [{ type: "bind", target: "/a", mode: 1 }] }),
    ).toEqual([
      "uploads: the local engine does not serve it",
      "colour: the local engine does not serve it",
      "mounts[0].mode: the local engine does not serve it",
    ]);
  });

  it("that cannot be are refused", () => {
    expect(
      failures({ restart: "sometimes", memory: -1, cpuSet: "a", ulimits: [{ name: "nofile" }] }),
    ).toEqual([
      "cpuSet: 'a' doesn't match the pattern '^\\d+([,-]\\d+)*$'",
      "memory: '-1' cannot be lower than 0",
      "restart: 'sometimes' doesn't match the pattern '^(no|on-failure|always|unless-stopped)$'",
      "ulimits[0].soft: missing required property",
      "ulimits[0].hard: missing required property",
    ]);
    expect(failures({ image: UNKNOWN })).toEqual([]);
  });

  it("of a build need the remote daemon's builder", () => {
    const refuse = (build: PropertyMap): string | undefined => imageResource.refuse?.({ name: "n", build });
    expect(refuse({ context: "." })).toContain("build without useLegacyBuilder");
    expect(refuse({ context: ".", useLegacyBuilder: true })).toBeUndefined();
  });
});
