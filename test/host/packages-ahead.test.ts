import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Debian } from "./debian";
import type { Sections } from "./loaded";
import { inFolder } from "./manager";

/** The first bundle of a host, and what those that follow it need. */
const FIRST: Sections = {
  packages: { jq: { "": "present" } },
  ahead: {
    "docker.io": { unless: "docker-ce", program: "dockerd", units: "docker.service docker.socket" },
    sysstat: { "": "present" },
  },
};

const onHost = (action: (debian: Debian) => void): void => {
  inFolder((folder) => {
    const debian = new Debian(folder);
    debian.mirror({ jq: "", "docker.io": "containerd", "docker-ce": "", containerd: "", sysstat: "" });
    debian.set("starts", "docker.io", "docker.service docker.socket");
    debian.set("starts", "sysstat", "sysstat-collect.timer");
    action(debian);
  });
};

/** A bundle of the host in force, with this in its index. */
function store({ folder }: Debian, name: string, index: string): void {
  const version = join(folder, "state/versions", `${name}@1`);
  const link = join(folder, "state/bundles", name);
  mkdirSync(version, { recursive: true });
  mkdirSync(dirname(link), { recursive: true });
  writeFileSync(join(version, "index"), index);
  if (!existsSync(link)) symlinkSync(`../versions/${name}@1`, link);
}

const ANNOUNCED = "ahead\x1fdocker.io\x1f\x1f\nahead\x1fsysstat\x1f\x1fpresent\n";

describe("packages of bundles that follow", () => {
  it("come by the same run, do not start before their configuration, and go with their own bundle", () => {
    onHost((debian) => {
      const generatorConfig = join(debian.folder, "generator.conf");
      debian.mirror({ generator: "" });
      debian.set("conffiles", "generator", generatorConfig);
      const first = { ...FIRST, ahead: { ...FIRST["ahead"], generator: { files: generatorConfig } } };
      expect(debian.change({}, first)).toEqual([
        ...["jq", "docker.io", "sysstat", "generator"].map((name) => `  installing ${name}`),
        "status 0",
      ]);
      expect(debian.calls).toEqual(Array(2).fill("apt-get docker.io sysstat generator"));
      expect(debian.installed).toEqual(["containerd", "docker.io", "generator", "jq", "sysstat"]);
      expect(debian.started).toEqual(["sysstat-collect.timer"]);
      expect(existsSync(join(debian.folder, "policy-rc.d"))).toBe(false);
      // As they stood before, for the bundles that take them over.
      for (const unit of ["docker.service", "docker.socket"])
        expect(readFileSync(join(debian.folder, "state/originals", `units%${unit}`), "utf8")).toBe(
          "none\tinactive\tend\n",
        );
      expect(debian.remembered.filter((name) => name.endsWith("generator.conf"))).toHaveLength(1);
      // The package's own configuration says nothing before its bundle does.
      expect(readFileSync(generatorConfig, "utf8")).toMatch(/^# Written by goblin-host\. .*\n$/);

      store(debian, "manager", ANNOUNCED);
      expect(debian.converge([], ["docker.io"])).toEqual(["status 0"]);
      expect(debian.converge(["docker.io"], [])).toEqual(["  purged containerd docker.io", "status 0"]);
      expect(debian.calls.filter((call) => call.startsWith("apt-get"))).toEqual([]);

      // What no bundle has taken over goes with the one that brought it.
      store(debian, "manager", "");
      // Of a run that was killed while it wrote that.
      writeFileSync(join(debian.folder, ".generator.conf.goblin-new"), "");
      expect(debian.change(first, {})).toEqual(["  purged generator jq sysstat", "status 0"]);
      expect(existsSync(generatorConfig)).toBe(false);
      expect(existsSync(join(debian.folder, ".generator.conf.goblin-new"))).toBe(false);
      expect(debian.remembered).toEqual([]);
    });
  });

  it("stay where a bundle has them by now", () => {
    onHost((debian) => {
      debian.change({}, FIRST);
      store(debian, "docker", "packages\x1fdocker.io\x1f\x1fpresent\nunits\x1fdocker.service\x1f\x1f\n");
      expect(debian.change(FIRST, { packages: FIRST["packages"] ?? {} })).toEqual([
        "  purged sysstat",
        "status 0",
      ]);
      expect(debian.installed).toEqual(["containerd", "docker.io", "jq"]);
      expect(debian.remembered).toContain("units%docker.service");
      expect(debian.remembered).not.toContain("units%docker.socket");
    });
  });

  const brought = (prepare: (debian: Debian) => void): string[] => {
    let installed: string[] = [];
    onHost((debian) => {
      prepare(debian);
      expect(debian.change({}, FIRST).at(-1)).toBe("status 0");
      installed = debian.installed;
    });
    return installed;
  };

  it("are left to their bundle where the host has another, or a policy, or an earlier version announced them", () => {
    expect(
      brought((debian) => {
        debian.set("state", "docker-ce", "installed");
      }),
    ).toEqual(["docker-ce", "jq", "sysstat"]);
    expect(
      brought(({ folder }) => {
        writeFileSync(join(folder, "bin/dockerd"), "");
        chmodSync(join(folder, "bin/dockerd"), 0o755);
      }),
    ).toEqual(["jq", "sysstat"]);
    const policy = "#!/bin/sh\nexit 0\n";
    expect(
      brought(({ folder }) => {
        writeFileSync(join(folder, "policy-rc.d"), policy);
      }),
    ).toEqual(["jq", "sysstat"]);
    expect(
      brought((debian) => {
        store(debian, "app", ANNOUNCED);
      }),
    ).toEqual(["jq"]);
  });

  it("that apt cannot bring, or only by removing others, keep nothing else from coming", () => {
    const missing = { ...FIRST, ahead: { nowhere: { "": "present" } } };
    onHost((debian) => {
      expect(debian.change({}, missing)).toEqual([
        "  fetching the package lists",
        "  installing jq",
        "status 0",
      ]);
      expect(debian.installed).toEqual(["jq"]);
      expect(debian.remembered).toEqual(["packages%jq"]);
    });
    expect(
      brought((debian) => {
        debian.set("state", "mine", "installed");
        debian.set("conflicts", "docker.io", "mine");
      }),
    ).toEqual(["jq", "mine"]);
  });

  it("reload systemd once, where a script starts something, and once at the end", () => {
    onHost((debian) => {
      const scripts = join(debian.folder, "state/package-scripts");
      const pending = (): string[] => readdirSync(join(debian.folder, "state/pending"));
      const run = (...commands: string[]): string[] => {
        debian.run(commands.map((command) => `'${scripts}/systemctl' ${command}`).join("\n"));
        return debian.calls;
      };
      debian.run("defer_reloads");
      expect(pending()).toEqual(["reload"]);
      expect(run("--system daemon-reload", "daemon-reload", "is-enabled -- a.service")).toEqual([
        "systemctl is-enabled -- a.service",
      ]);
      expect(run("--root=/ enable a", "--user daemon-reload")).toEqual([
        "systemctl --root=/ enable a",
        "systemctl --user daemon-reload",
      ]);
      expect(run("--quiet --system start a.timer", "start b.service")).toEqual([
        "systemctl daemon-reload",
        "systemctl --quiet --system start a.timer",
        "systemctl start b.service",
      ]);
      run("daemon-reload");
      expect(debian.run('release_scripts; echo "$RELOAD_SURE"')).toEqual(["yes"]);
      expect(pending()).toEqual(["reload"]);
      expect(existsSync(scripts)).toBe(false);
      // Where none was asked for, the mark goes again, unless it is somebody else's.
      debian.run("done_pending reload; defer_reloads; release_scripts");
      expect(pending()).toEqual([]);
      debian.run("mark_reload /etc/systemd/system/a.service; defer_reloads; release_scripts");
      expect(pending()).toEqual(["reload"]);
    });
  });

  it("of a run that was killed meanwhile start again; the owner's policy is not touched", () => {
    onHost((debian) => {
      const policy = join(debian.folder, "policy-rc.d");
      debian.run(`AHEAD=(docker.io); WANT["ahead|docker.io|units"]='docker.service'; hold_starts`);
      const asked = (unit: string, action: string): string[] =>
        debian.run(`status=0; '${policy}' ${unit} ${action} || status=$?; echo "$status"`);
      expect(asked("docker.service", "start")).toEqual(["101"]);
      expect(asked("docker", "start")).toEqual(["101"]);
      expect(asked("docker.service", "stop")).toEqual(["0"]);
      expect(asked("ssh.service", "restart")).toEqual(["0"]);
      expect(debian.run("release_scripts")).toEqual([]);
      expect(existsSync(policy)).toBe(false);
      writeFileSync(policy, "#!/bin/sh\nexit 101\n");
      debian.run("mark_pending policy; release_scripts");
      expect(existsSync(policy)).toBe(true);
    });
  });
});
