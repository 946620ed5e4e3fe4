import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withAgent } from "../../sandbox/agent";
import { dockerImages } from "../../sandbox/base-image";
import { destroy, preview, up, type EngineResult } from "../../sandbox/engine";
import type { Vm } from "../../sandbox/vm";
import { itInLong } from "../support/long";
import { goTo, machine } from "../support/machine";

const MiB = 1024 ** 2;

/** Everything set that the provider reads back (design, section 5): a second run then has nothing to do. */
const APP = {
  image: dockerImages.workload,
  command: ["app", "8080"],
  memory: 128,
  memorySwap: 160,
  cpus: "0.5",
  cpuSet: "0",
  cgroupParent: "ai-app.slice",
  restart: "unless-stopped",
  readOnly: true,
  user: "1000:1000",
  securityOpts: ["no-new-privileges"],
  capabilities: { drops: ["ALL"] },
  networkMode: "bridge",
  destroyGraceSeconds: 5,
  tmpfs: { "/tmp": "size=16m" },
  healthcheck: { tests: ["CMD", "true"], interval: "5s", timeout: "1m0s", retries: 3 },
  wait: true,
  waitTimeout: 120,
  mounts: [{ type: "volume", source: "data", target: "/data" }],
};

let vm: Vm;
let folder: string;

beforeAll(async () => {
  vm = machine();
  await goTo(vm, "clean");
  await vm.run("systemctl start docker");
  folder = mkdtempSync(join(tmpdir(), "goblin-host-docker-"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Verb = typeof up;

/** Runs the fixture against the VM's Docker; the host key is the VM's unless another is given. */
function run(
  verb: Verb,
  config: Record<string, unknown>,
  { hostKey = vm.hostKey, state = "state.json" } = {},
): Promise<EngineResult> {
  const known = `KnownHostsCommand=/bin/echo [127.0.0.1]:${vm.state.sshPort} ${hostKey}`;
  const strict = [
    "StrictHostKeyChecking=yes",
    "UserKnownHostsFile=/dev/null",
    "GlobalKnownHostsFile=/dev/null",
  ];
  const sshOpts = [known, ...strict].flatMap((option) => ["-o", option]);
  const host = { host: `ssh://root@127.0.0.1:${vm.state.sshPort}`, sshOpts };
  return withAgent(vm.files.clientKey, (socket) =>
    verb({
      programDir: join(import.meta.dirname, "../../sandbox/engine/fixtures/docker"),
      stack: "test",
      stateFile: join(folder, state),
      overrides: { "docker:host": host, ...config },
      env: { SSH_AUTH_SOCK: socket, PULUMI_NODEJS_TRANSPILE_ONLY: "true" },
    }),
  );
}

const app = (more: object = {}): Record<string, unknown> => ({
  "docker:containers": { app: { ...APP, ...more } },
  "docker:volumes": { data: {} },
});

const said = ({ diagnostics }: EngineResult): string => diagnostics.map(({ message }) => message).join("\n");

/** What one step of the result shows. */
const shown = (result: EngineResult): string[] =>
  result.steps.filter(({ op }) => op !== "same").map(({ op, name, diff }) => `${op} ${name} ${diff}`.trim());

async function succeed(verb: Verb, config: Record<string, unknown>): Promise<EngineResult> {
  const result = await run(verb, config);
  expect(result.exitCode, said(result)).toBe(0);
  return result;
}

const inspect = async (format: string, name = "app"): Promise<string> =>
  (await vm.run(`docker inspect --format '${format}' ${name}`)).trim();

describe("a container", () => {
  it("is created with its limits in its slice, healthy, and a second run has nothing to do", async () => {
    expect((await succeed(up, app())).summary).toBe("4 created");
    expect(await inspect("{{.State.Health.Status}}")).toBe("healthy");
    const id = await inspect("{{.Id}}");
    const scope = `/sys/fs/cgroup/ai.slice/ai-app.slice/docker-${id}.scope`;
    const limits = "cat memory.max memory.swap.max cpu.max cpuset.cpus";
    expect(await vm.run(`cd ${scope} && ${limits}`)).toBe(`${128 * MiB}\n${32 * MiB}\n50000 100000\n0\n`);
    expect((await succeed(up, app())).summary).toBe("4 unchanged");
    expect(await run(preview, app()).then(({ summary }) => summary)).toBe("4 unchanged");
    expect(await inspect("{{.Id}}")).toBe(id);
  });

  itInLong("serves: memory held in it is charged to its scope", async () => {
    const address = await inspect("{{.NetworkSettings.IPAddress}}");
    const get = `exec 3<>/dev/tcp/${address}/8080; printf 'GET /allocate?mib=20 HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    expect(await vm.run(get)).toContain("holding 20 MiB");
    const scope = `/sys/fs/cgroup/ai.slice/ai-app.slice/docker-${await inspect("{{.Id}}")}.scope`;
    expect(Number(await vm.run(`cat ${scope}/memory.current`))).toBeGreaterThan(20 * MiB);
  });

  it("changed by `docker update` is seen as drift and repaired in place", async () => {
    const id = await inspect("{{.Id}}");
    await vm.run("docker update --memory 200m --memory-swap 232m app");
    const drift = await run(preview, app());
    expect(shown(drift)).toEqual(["update app ~ memory: 200 => 128\n~ memorySwap: 232 => 160"]);
    expect((await succeed(up, app())).summary).toBe("1 updated, 3 unchanged");
    expect(await inspect("{{.HostConfig.Memory}} {{.Id}}")).toBe(`${128 * MiB} ${id}`);
  });

  itInLong("that was removed is created anew, its volume kept", async () => {
    await vm.run(
      "docker run --rm -v data:/data --user 0 --entrypoint sh goblin-sandbox/workload -c 'echo kept >/data/f'",
    );
    await vm.run("docker rm --force app");
    expect(shown(await succeed(up, app()))).toEqual(["create app"]);
    expect(await vm.run("docker exec app cat /data/f")).toBe("kept\n");
  });

  itInLong("that was stopped is started", async () => {
    const id = await inspect("{{.Id}}");
    await vm.run("docker stop --time 2 app");
    expect(shown(await succeed(up, app()))).toEqual(["update app ~ mustRun: false => true"]);
    expect(await inspect("{{.State.Running}} {{.Id}}")).toBe(`true ${id}`);
  });

  itInLong("with another image or slice is replaced, the old one first", async () => {
    await vm.run("docker tag goblin-sandbox/workload:latest goblin-sandbox/workload:other");
    const result = await succeed(
      up,
      app({ image: "goblin-sandbox/workload:other", cgroupParent: "ai-b.slice" }),
    );
    expect(shown(result).map((line) => line.split(" ", 2).join(" "))).toEqual([
      "delete-replaced app",
      "replace app",
      "create-replacement app",
    ]);
    expect(result.summary).toBe("1 replaced, 3 unchanged");
    expect(await inspect("{{.Config.Image}} {{.HostConfig.CgroupParent}}")).toBe(
      "goblin-sandbox/workload:other ai-b.slice",
    );
  });

  itInLong("that cannot start stays in the state, is not running, and heals with the next run", async () => {
    const broken = app({ image: "goblin-sandbox/workload:other", entrypoints: ["/no/such/program"] });
    const failed = await run(up, broken);
    expect(failed.exitCode).toBe(1);
    expect(said(failed)).toMatch(
      /Unable to start container: Error response from daemon: .*no such file or directory/,
    );
    expect(shown(await run(preview, broken))).toEqual(["update app ~ mustRun: false => true"]);
    expect((await succeed(up, app())).summary).toBe("1 replaced, 3 unchanged");
  });

  itInLong("that never becomes healthy fails, and runs on", async () => {
    const sick = app({
      healthcheck: { tests: ["CMD", "false"], interval: "2s", retries: 2 },
      waitTimeout: 5,
    });
    const options = {
      ...(sick["docker:containers"] as { app: object }).app,
      labels: [{ label: "a", value: "b" }],
    };
    const failed = await run(up, { ...sick, "docker:containers": { app: options } });
    expect(said(failed)).toContain("container failed to be in healthy state");
    expect(await inspect("{{.State.Running}}")).toBe("true");
  });

  itInLong("of an image that is nowhere fails with Docker's message", async () => {
    const failed = await run(up, app({ image: "registry.invalid/no/such:1" }));
    expect(said(failed)).toMatch(
      /Unable to create container with image registry\.invalid\/no\/such:1: unable to pull image .*: Error response from daemon: /,
    );
  });
});

describe("an image built on the host's daemon", () => {
  const context = (): string => join(folder, "context");
  const built = (hash: string): Record<string, unknown> => ({
    "docker:images": {
      page: {
        name: "sandbox/page:latest",
        keepLocally: true,
        triggers: { hash },
        build: {
          context: context(),
          platform: "linux/amd64",
          useLegacyBuilder: true,
          buildArgs: { WHO: "goblin" },
        },
      },
    },
    "docker:containers": { page: { imageFrom: "page", networkMode: "none", memory: 64, memorySwap: 64 } },
  });

  const writeContext = (text: string): void => {
    const dockerfile = [
      `FROM ${dockerImages.node}`,
      "ARG WHO",
      "ENV WHO=$WHO",
      "COPY page /page",
      'CMD ["sh", "-c", "cat /page; exec sleep 600"]',
    ];
    writeFileSync(join(context(), "Dockerfile"), `${dockerfile.join("\n")}\n`);
    writeFileSync(join(context(), "page"), text);
  };

  beforeAll(() => {
    mkdirSync(context());
    writeContext("one\n");
  });

  it("is built and run, and a second run has nothing to do", async () => {
    await succeed(up, built("1"));
    expect(await vm.run("docker exec page sh -c 'cat /page; echo $WHO'; docker exec page node -p 6*7")).toBe(
      "one\ngoblin\n42\n",
    );
    expect(shown(await succeed(up, built("1")))).toEqual([]);
  });

  itInLong("is built again when its context's hash is another, and the container follows", async () => {
    writeContext("two\n");
    const result = await succeed(up, built("2"));
    expect(result.summary).toBe("2 replaced, 2 unchanged");
    expect(await vm.run("docker exec page cat /page")).toBe("two\n");
  });

  itInLong("that is the same although its hash is another leaves the container alone", async () => {
    const id = await inspect("{{.Id}}", "page");
    expect((await succeed(up, built("3"))).summary).toBe("1 replaced, 3 unchanged");
    expect(await inspect("{{.Id}}", "page")).toBe(id);
  });

  itInLong("whose build fails says why and changes nothing", async () => {
    writeFileSync(join(context(), "Dockerfile"), `FROM ${dockerImages.node}\nRUN exit 7\n`);
    const failed = await run(up, built("4"));
    expect(failed.exitCode).toBe(1);
    expect(said(failed)).toContain(
      "Error running legacy build: executor failed running [/bin/sh -c exit 7]: exit code: 7",
    );
    expect(await inspect("{{.State.Running}}", "page")).toBe("true");
  });
});

describe("the connection", () => {
  it("to a host with another key is refused before anything is done", async () => {
    const key = join(folder, "other");
    await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const hostKey = readFileSync(`${key}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
    // A state of its own: a refresh goes by the configuration that the state has, which is right.
    const result = await run(up, app({ name: "stranger" }), { hostKey, state: "other.json" });
    expect(result.exitCode).toBe(1);
    expect(said(result)).toMatch(
      /Error pinging Docker server, please make sure that ssh:.*Host key verification failed/s,
    );
    expect(await vm.run("docker ps --all --quiet --filter name=stranger")).toBe("");
  });

  itInLong("ends with the run", async () => {
    const { stdout } = await execa("ps", ["-eo", "args"]);
    const ours = stdout
      .split("\n")
      .filter((line) => line.includes(`-p ${vm.state.sshPort} `) && line.includes("dial-stdio"));
    expect(ours).toEqual([]);
  });
});

it("destroy leaves nothing but what is kept on purpose", async () => {
  await succeed(destroy, {});
  expect(await vm.run("docker ps --all --quiet; docker volume ls --quiet")).toBe("");
  expect(await vm.run("docker image ls --quiet sandbox/page")).not.toBe("");
});
