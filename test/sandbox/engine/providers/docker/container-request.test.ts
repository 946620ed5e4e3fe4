import { describe, expect, it } from "vitest";
import { createBody, updateBody } from "./container-request";
import { containerSchema } from "./container-schema";
import { planCreate } from "./plan";
import { known } from "./resource";
import { UNKNOWN, type PropertyMap } from "../../values";

const bodyOf = (inputs: PropertyMap, apiVersion = "1.41"): ReturnType<typeof createBody> =>
  createBody(known(planCreate(containerSchema, { name: "c", image: "i", ...inputs }), UNKNOWN), apiVersion);

const BARE = {
  name: "c",
  Image: "i",
  Hostname: "",
  Domainname: "",
  Tty: false,
  OpenStdin: false,
  StopSignal: "",
};

const BARE_HOST = {
  Privileged: false,
  PublishAllPorts: false,
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  ReadonlyRootfs: false,
  Runtime: "",
  LogConfig: { Type: "", Config: {} },
  Init: false,
  NetworkMode: "bridge",
  Mounts: [],
};

describe("the body that creates a container", () => {
  it("says no more than is asked for", () => {
    expect(bodyOf({})).toEqual({ ...BARE, HostConfig: BARE_HOST });
  });

  it("carries limits in bytes and billionths, hardening, logs and health", () => {
    const body = bodyOf({
      command: ["serve"],
      envs: ["A=1"],
      user: "1000:1000",
      memory: 128,
      memorySwap: 160,
      memoryReservation: 64,
      cpus: "0.1",
      cpuSet: "0-1",
      cpuShares: 50,
      cgroupParent: "airm.slice",
      cgroupnsMode: "private",
      restart: "on-failure",
      maxRetryCount: 3,
      readOnly: true,
      init: true,
      securityOpts: ["no-new-privileges", "systempaths=unconfined"],
      capabilities: { adds: ["NET_BIND_SERVICE"], drops: ["ALL"] },
      logDriver: "json-file",
      logOpts: { "max-size": "1m" },
      tmpfs: { "/tmp": "size=16m" },
      networkMode: "none",
      pidMode: "host",
      stopTimeout: 20,
      labels: [{ label: "a", value: "b" }],
      ulimits: [{ name: "nofile", soft: 10, hard: 20 }],
      deviceReadBps: [{ path: "/dev/vda", rate: 1000 }],
      healthcheck: { tests: ["CMD", "true"], interval: "1m30s", timeout: "2s", retries: 3 },
    });
    expect(body).toEqual({
      ...BARE,
      Cmd: ["serve"],
      Env: ["A=1"],
      User: "1000:1000",
      StopTimeout: 20,
      Labels: { a: "b" },
      Healthcheck: {
        Test: ["CMD", "true"],
        Interval: 90e9,
        Timeout: 2e9,
        StartPeriod: 0,
        Retries: 3,
      },
      HostConfig: {
        ...BARE_HOST,
        Memory: 128 * 1024 ** 2,
        MemorySwap: 160 * 1024 ** 2,
        MemoryReservation: 64 * 1024 ** 2,
        NanoCpus: 1e8,
        CpusetCpus: "0-1",
        CpuShares: 50,
        CgroupParent: "airm.slice",
        CgroupnsMode: "private",
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
        ReadonlyRootfs: true,
        Init: true,
        SecurityOpt: ["no-new-privileges"],
        MaskedPaths: [],
        ReadonlyPaths: [],
        CapAdd: ["NET_BIND_SERVICE"],
        CapDrop: ["ALL"],
        LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
        Tmpfs: { "/tmp": "size=16m" },
        NetworkMode: "none",
        PidMode: "host",
        Ulimits: [{ Name: "nofile", Soft: 10, Hard: 20 }],
        BlkioDeviceReadBps: [{ Path: "/dev/vda", Rate: 1000 }],
      },
    });
  });

  it("carries mounts, volumes, ports and GPUs", () => {
    const { HostConfig, ExposedPorts, Volumes } = bodyOf({
      mounts: [
        {
          type: "bind",
          source: "/run/a",
          target: "/a",
          readOnly: true,
          bindOptions: { propagation: "rslave" },
        },
        { type: "tmpfs", target: "/t", tmpfsOptions: { sizeBytes: 4096 } },
      ],
      volumes: [{ volumeName: "data", containerPath: "/data" }],
      ports: [
        { internal: 8080, external: 80, ip: "127.0.0.1" },
        { internal: 53, protocol: "udp" },
      ],
      gpus: "device=1",
    });
    expect(HostConfig?.Mounts).toEqual([
      {
        Type: "bind",
        Target: "/a",
        Source: "/run/a",
        ReadOnly: true,
        BindOptions: { Propagation: "rslave" },
      },
      { Type: "tmpfs", Target: "/t", Source: "", ReadOnly: false, TmpfsOptions: { SizeBytes: 4096 } },
    ]);
    expect(HostConfig?.Binds).toEqual(["data:/data:rw"]);
    expect(Volumes).toEqual({ "/data": {} });
    expect(HostConfig?.PortBindings).toEqual({
      "8080/tcp": [{ HostPort: "80", HostIp: "127.0.0.1" }],
      "53/udp": [{ HostPort: "0", HostIp: "0.0.0.0" }],
    });
    expect(ExposedPorts).toEqual({ "8080/tcp": {}, "53/udp": {} });
    expect(HostConfig?.DeviceRequests).toEqual([
      { Driver: "", Count: 0, DeviceIDs: ["1"], Capabilities: [["gpu"]], Options: {} },
    ]);
  });

  it("refuses a volume's options on Docker before 1.45, as the provider does", () => {
    const mounts = [{ type: "volume", source: "v", target: "/v", volumeOptions: { noCopy: true } }];
    expect(() => bodyOf({ mounts })).toThrow("requires docker version 1.45 or higher");
    expect(bodyOf({ mounts }, "1.47").HostConfig?.Mounts).toHaveLength(1);
  });

  it("refuses an empty word in the command", () => {
    expect(() => bodyOf({ command: ["a", ""] })).toThrow("values for command may not be empty");
  });
});

it("updates all limits at once, and no swap where the program says nothing of it", () => {
  expect(updateBody({ memory: 64, memoryReservation: 0, cpuSet: "1", restart: "always" })).toEqual({
    CpuShares: 0,
    Memory: 64 * 1024 ** 2,
    MemoryReservation: 0,
    CpusetCpus: "1",
    RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
  });
  expect(updateBody({ memorySwap: -1 })).toMatchObject({ MemorySwap: -1 });
});
