import { describe, expect, it } from "vitest";
import { AMD, GpuHost, SWAPPED } from "./gpu-host";
import { loadVersion } from "./loaded";
import { inFolder } from "./manager";

/** Nodes of the host, each with its device. */
type Nodes = Readonly<Record<string, string>>;

const NODES: Nodes = {
  "/dev/nvidia0": "195:0",
  "/dev/nvidia1": "195:1",
  "/dev/nvidiactl": "195:255",
  "/dev/dri/renderD128": "226:128",
  "/dev/dri/renderD129": "226:129",
  "/dev/dri/card0": "226:0",
  "/dev/mine": "195:0",
  "/dev/rtc0": "254:0",
};

/** What every list of ours has beside the cards. */
const CONTROL = [
  "/dev/char/195:255",
  "/dev/char/195:254",
  "char-nvidia-caps",
  "char-nvidia-uvm",
  "char-kfd",
  "char-rtc",
];

interface Service {
  readonly policy?: string;
  readonly state?: string;
  /** What systemd has opened to it, beside what every list of ours has. */
  readonly open?: readonly string[];
  readonly nodes?: Nodes;
  readonly container?: boolean;
}

/** The verdict of the GPUs of a unit: what is enforced, and why or why not. */
function verdict(
  host: GpuHost,
  gpus: string,
  { policy = "closed", state = "active", open = [], nodes = NODES, container = false }: Service,
): string {
  const numbers = Object.entries(nodes).map(([path, device]) => `[${path}]=${device}`);
  const [line = "nothing"] = host.run(`
    declare -A NODES=(${numbers.join(" ")})
    exec() { "$@"; }
    stat() {
      while [[ $1 != -- ]]; do shift; done
      local path
      for path in "\${@:2}"; do
        [[ -z \${NODES[$path]-} ]] ||
          printf 'character special file\\t%x\\t%x\\t%s\\n' "\${NODES[$path]%:*}" "\${NODES[$path]#*:}" "$path"
      done
      return 1
    }
    lines=(${["LoadState=loaded", `ActiveState=${state}`, `DevicePolicy=${policy}`].join(" ")})
    for entry in ${[...CONTROL, ...open].join(" ")}; do lines+=("DeviceAllow=$entry rw"); done
    see_units a.service
    ${loadVersion(host.folder, "WANT", { units: { "a.service": container ? { container: "a" } : { enabled: "true" } } })}
    check_limit a.service GPUs '${gpus}'
    echo "$VERDICT|$ENFORCED|$REASON$WRONG"`);
  return line;
}

const onHost = (action: (host: GpuHost) => void): void => {
  inFolder((folder) => {
    const host = new GpuHost(folder);
    host.nvidia(SWAPPED);
    host.amd(AMD);
    action(host);
  });
};

const FIRST = ["/dev/char/195:1", "/dev/char/226:129"];
const SECOND = ["/dev/char/195:0", "/dev/char/226:128"];
const CUDA = "inert||advice: CUDA_VISIBLE_DEVICES alone";

describe("the GPUs of a service", () => {
  it("are enforced where the list is closed and has the devices of these cards only", () => {
    onHost((host) => {
      expect(verdict(host, "0", { open: FIRST })).toBe("enforced|0|DeviceAllow");
      expect(verdict(host, "1", { open: SECOND, policy: "strict" })).toBe("enforced|1|DeviceAllow");
      expect(verdict(host, "1,0", { open: [...FIRST, ...SECOND] })).toBe("enforced|1,0|DeviceAllow");
      expect(verdict(host, "GPU-bbbb", { open: SECOND })).toBe("enforced|GPU-bbbb|DeviceAllow");
      // A node of the owner's is as good as its number, and so is what is no GPU.
      expect(
        verdict(host, "0", { open: ["/dev/nvidia1", "/dev/dri/renderD129", "/dev/nvidiactl", "/dev/rtc0"] }),
      ).toBe("enforced|0|DeviceAllow");
    });
  });

  it("are not where the minor is taken for the number", () => {
    onHost((host) => {
      expect(verdict(host, "1", { open: ["/dev/nvidia1", "/dev/char/226:128"] })).toBe(
        `${CUDA} (/dev/nvidia1 is open to it, too)`,
      );
    });
  });

  it("are advice on a host that is a container itself", () => {
    onHost((host) => {
      host.isContainer();
      expect(verdict(host, "0", { open: FIRST })).toMatch(
        /^inert\|\|advice: .*this host is a container itself/,
      );
    });
  });

  it("are advice where anything opens another card to it", () => {
    onHost((host) => {
      for (const entry of ["/dev/nvidia0", "/dev/mine", "/dev/dri/card0", "/dev/char/226:128"])
        expect(verdict(host, "0", { open: [...FIRST, entry] }), entry).toBe(
          `${CUDA} (${entry} is open to it, too)`,
        );
      // systemd opens every minor of a major by one of its names.
      for (const entry of [
        "char-drm",
        "char-nvidia",
        "char-nvidia-modeset",
        "char-nvidiactl",
        "char-195",
        "char-*",
      ])
        expect(verdict(host, "0", { open: [...FIRST, `'${entry}'`] }), entry).toBe(
          `${CUDA} (${entry} is open to it, and with it the GPUs of others)`,
        );
      expect(verdict(host, "0", { open: FIRST, policy: "auto" })).toBe(
        `${CUDA} (hardening without DevicePolicy)`,
      );
      expect(verdict(host, "MIG-1", { open: ["char-nvidia"] })).toMatch(
        /^inert\|\|advice: .*does not tell a MIG device/,
      );
    });
  });

  it("are inert where systemd has not opened them, or a node is missing or another", () => {
    onHost((host) => {
      expect(verdict(host, "0", { open: ["/dev/char/0:0"] })).toMatch(
        /^inert\|\|systemd has not opened \/dev\/\S+ \(\S+\) to it$/,
      );
      expect(verdict(host, "0", { open: FIRST, nodes: { "/dev/nvidia0": "195:0" } })).toBe(
        "inert||/dev/nvidia1 is not there, without which it is closed to all",
      );
      expect(verdict(host, "0", { open: FIRST, nodes: { ...NODES, "/dev/nvidia1": "195:0" } })).toBe(
        "inert||/dev/nvidia1 is the device 195:0, and the driver's table says 195:1",
      );
      expect(verdict(host, "0", { open: FIRST, state: "inactive" })).toBe("inert||a.service is not running");
    });
  });

  it("are inert where the host has no such card, with those that it has", () => {
    onHost((host) => {
      const has = `GPUs 0-1 (0 is 0000:01:00.0 ${SWAPPED["0000:01:00.0"].uuid}, 1 is 0000:c1:00.0 ${SWAPPED["0000:c1:00.0"].uuid})`;
      expect(verdict(host, "2", {})).toBe(`inert||this host has no GPU 2: it has ${has}`);
      expect(verdict(host, "GPU-cccc", {})).toBe(`inert||this host has no GPU GPU-cccc: it has ${has}`);
    });
  });

  it("are inert without the driver's table, whatever was known before", () => {
    onHost((host) => {
      host.run("cards_of nvidia; remember_gpus");
      host.nvidia(undefined);
      expect(verdict(host, "0", { open: FIRST })).toBe(
        "inert||the driver says nothing of its GPUs now (/nvidia): is it loaded? The devices are those of the last time that it did",
      );
      host.run('rm "$KNOWN_GPUS"');
      expect(verdict(host, "GPU-aaaa", {})).toBe(
        "inert||the driver says nothing of its GPUs now (/nvidia): is it loaded?",
      );
    });
  });

  it("are inert by a UUID that the driver does not tell yet, also where that of the last time is known", () => {
    const unused = { minor: 1, uuid: "GPU-????????-????-????-????-????????????" };
    onHost((host) => {
      host.nvidia({ "0000:01:00.0": unused });
      const untold =
        "inert||the driver does not tell every UUID before the card is used: nvidia-smi -L uses all of them";
      expect(verdict(host, "GPU-aaaa", {})).toBe(untold);
      expect(verdict(host, "0", { open: ["/dev/char/195:1"] })).toBe("enforced|0|DeviceAllow");
      host.nvidia(SWAPPED);
      host.run("cards_of nvidia; remember_gpus");
      host.nvidia({ "0000:01:00.0": unused });
      expect(verdict(host, "GPU-aaaa", { open: ["/dev/char/195:1"] })).toBe(untold);
    });
  });

  it("of AMD's are enforced by the render node, which its kernel driver asks the list for", () => {
    onHost((host) => {
      for (const id of ["0", "GPU-ab54a98ceb1f0ad2", "/dev/dri/renderD129"])
        expect(verdict(host, `amd ${id}`, { open: ["/dev/char/226:129"] })).toBe(
          `enforced|amd ${id}|DeviceAllow`,
        );
      expect(verdict(host, "amd 0", { open: ["/dev/char/226:129", "/dev/char/226:128"] })).toBe(
        "inert||advice: ROCR_VISIBLE_DEVICES alone (/dev/char/226:128 is open to it, too)",
      );
      expect(verdict(host, "amd 2", {})).toBe(
        "inert||this host has no GPU 2: it has GPUs 0-1 (0 is 0000:03:00.0 GPU-ab54a98ceb1f0ad2 /dev/dri/renderD129, 1 is 0000:c1:00.0 GPU-00000000000000a1 /dev/dri/renderD128)",
      );
      host.amd([{}]);
      expect(verdict(host, "amd 0", {})).toBe(
        "inert||the driver says nothing of its GPUs now (/kfd): is it loaded?",
      );
    });
  });
});

describe("the GPUs of a container", () => {
  it("of NVIDIA's are given by its runtime, where the driver has them", () => {
    onHost((host) => {
      const container = true;
      expect(verdict(host, "0,GPU-bbbb", { container, policy: "auto" })).toBe(
        "enforced|0,GPU-bbbb|device nodes given by the NVIDIA runtime",
      );
      expect(verdict(host, "MIG-1", { container })).toMatch(/^enforced/);
      expect(verdict(host, "2", { container })).toMatch(/^inert\|\|this host has no GPU 2/);
      host.nvidia(undefined);
      expect(verdict(host, "0", { container })).toMatch(/^inert\|\|the driver says nothing/);
    });
  });

  it("of AMD's are those whose render nodes it was given, and advice where it was given all", () => {
    onHost((host) => {
      const container = true;
      expect(verdict(host, "amd /dev/dri/renderD128", { container })).toBe(
        "enforced|amd /dev/dri/renderD128|device nodes given by Docker",
      );
      const all =
        "inert||advice: ROCR_VISIBLE_DEVICES alone (all of /dev/dri is open to it: name the render node in gpu.devices";
      expect(verdict(host, "amd 0", { container })).toBe(`${all}, which is /dev/dri/renderD129)`);
      expect(verdict(host, "amd 7", { container })).toBe(`${all})`);
      // Another vendor's, or none.
      expect(verdict(host, "amd /dev/dri/renderD130", { container })).toMatch(
        /^inert\|\|this host has no GPU \/dev\/dri\/renderD130: it has GPUs 0-1/,
      );
    });
  });
});

describe("the VRAM of a GPU", () => {
  it("is limited by nothing", () => {
    onHost((host) => {
      expect(
        host.run(
          'SEEN_UNIT=(["a.service|LoadState"]=loaded); check_limit a.service VRAM 90; echo "$VERDICT $REASON"',
        ),
      ).toEqual(["unsupported advice: nothing on a host limits VRAM; the monitor alerts"]);
    });
  });
});
