import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  SEARCHED_VARIABLES,
  WRITTEN_OPTIONS,
  WRITTEN_VARIABLES,
} from "../../components/cgroup-service/named-paths";
import { bash } from "./manager";
import type { Sections } from "./loaded";
import { onSystemdHost, type SystemdHost } from "./systemd-host";

const UNIT = "chat.service";
const SETTING = "goblin-host:workloads.chat";
const set = (value: string, path: string): string => `pulumi config set --path '${SETTING}.${value}' ${path}`;

/** As systemctl prints a command. */
const command = (line: string, flags = ""): string =>
  `{ path=${line.split(" ")[0] ?? ""} ; argv[]=${line} ; flags=${flags} ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`;

/** The profile `standard`, as far as it is about paths. */
const STANDARD = {
  PrivateTmp: "yes",
  ProtectHome: "yes",
  ProtectSystem: "strict",
  ReadWritePaths: "-~/var/lib/chat -~/srv/models",
};
/** A drop-in of ours: directives, and lines as they are. */
interface Ours {
  readonly directives?: Readonly<Record<string, string>>;
  readonly lines?: string;
  readonly unitFile?: string;
  readonly readable?: number;
  readonly writable?: number;
  readonly setting?: string;
}

/** A host whose homes and other folders are in the test's own; "~" stands for that. */
class ServiceHost {
  constructor(private readonly host: SystemdHost) {
    for (const name of ["home/me", "root", "srv/models", "var/lib/chat", "data"]) this.folder(name);
  }

  private at(text: string): string {
    return text.replaceAll("~", this.host.folder);
  }

  folder(name: string): void {
    mkdirSync(this.host.at(name), { recursive: true });
  }

  file(name: string, text = ""): void {
    this.host.write(name, this.at(text));
  }

  read(name: string): string | undefined {
    return this.host.read(name);
  }

  link(name: string, target: string): void {
    symlinkSync(this.at(target), this.host.at(name));
  }

  /** The unit as systemd has it. */
  unit(properties: Record<string, string>): void {
    rmSync(this.host.at(`units/${UNIT}`), { recursive: true, force: true });
    const all = { ExecStartEx: command("/usr/bin/chat"), ...properties };
    this.host.unit(
      UNIT,
      Object.fromEntries(Object.entries(all).map(([name, value]) => [name, this.at(value)])),
    );
  }

  private version({ directives = STANDARD, lines = "", unitFile, ...counts }: Ours): Sections {
    const content = Object.entries(directives)
      .map(([name, value]) => `${name}=${value}\n`)
      .join("");
    const files = {
      [this.host.at(`etc/${UNIT}.d/zz-goblin-exec.conf`)]: `[Service]\n${content}${lines}`,
      ...(unitFile === undefined ? {} : { [this.host.at(`etc/${UNIT}`)]: unitFile }),
    };
    const { setting = SETTING, readable = 0, writable = 0 } = counts;
    return {
      files: Object.fromEntries(
        Object.entries(files).map(([path, text]) => [path, { mode: "0644", content: this.at(text) }]),
      ),
      hardening: { [UNIT]: { setting, readable: String(readable), writable: String(writable) } },
    };
  }

  /** What preflight refuses of a version, with another one in force. */
  refuses(ours: Ours = {}, before?: Ours, text = ""): string[] {
    const was = before === undefined ? {} : this.version(before);
    for (const [path, { content = "" }] of Object.entries(was["files"] ?? {}))
      this.host.write(path.slice(this.host.folder.length + 1), content);
    return this.host.run(
      was,
      this.version(ours),
      `NAME=workload-chat
      getent() { [[ $3 != me ]] || echo "me:x:1000:1000::$PWD/home/me:/bin/sh"; }
      ${text}
      preflight_hardening; printf '%s\\n' "\${PROBLEMS[@]}"`,
    );
  }
}

const onHost = (action: (host: ServiceHost) => void): void => {
  onSystemdHost((host) => {
    action(new ServiceHost(host));
  });
};
const told = (path: string, where: string, rest: string): string =>
  `${SETTING}: ${UNIT} needs ${path} (${where})${rest}`;
const orElse = (by: string): string => `Or leave ${by.split("=")[0] ?? ""} out (hardening.except)`;
const hidden = (path: string, where: string, fix: string, by = "ProtectHome=yes", what = "it"): string =>
  told(path, where, `, and ${by} hides ${what} from the service. ${fix}. ${orElse(by)}`);
const closed = (path: string, where: string, opened = path, what = "it"): string =>
  told(
    path,
    where,
    ` to write to, and ProtectSystem=strict makes ${what} read-only. To let it write there: ${set("writablePaths[0]", opened)}. Where reading is enough, name it in readablePaths instead. ${orElse("ProtectSystem")}`,
  );
const lacking = (path: string, where: string, what: string, fix: string): string =>
  told(
    path,
    where,
    `, and ${what}, which is to be opened to it, does not exist: systemd opens what is there when it starts the service. ${fix}`,
  );
const read = (value: string, path: string): string => `To show it, read-only: ${set(value, path)}`;
const write = (value: string, path: string): string => `To let it write there: ${set(value, path)}`;
const FROM_UNIT = "in Environment=";

describe("what the hardening hides from a service as it is", () => {
  it("is named: the program, where it starts, and what its arguments and variables name", () => {
    onHost((host) => {
      for (const name of ["llama.cpp/build/bin", "models", "lib"]) host.folder(`home/me/${name}`);
      for (const name of ["home/me/l.gguf", "root/x"]) host.file(name);
      host.unit({
        ExecStartPreEx: `${command("/usr/bin/install ~/root/x", "ignore-failure")}\n${command("/bin/rm ~/root/y", "privileged")}`,
        ExecStartEx: command(
          "~/home/me/llama.cpp/build/bin/llama-server -m ~/home/me/models/a-00001-of-00002.gguf --lora=~/home/me/l.gguf $HOME ~/root/x",
        ),
        WorkingDirectory: "!~/home/me",
        Environment: `"LD_LIBRARY_PATH=/usr/lib:~/home/me/lib" PATH=~/home/me/bin:/usr/bin HOME=~/home/me`,
        User: "me",
      });
      const server = "/home/me/llama.cpp/build/bin/llama-server";
      const model = "/home/me/models/a-00001-of-00002.gguf";
      expect(host.refuses({ readable: 2 })).toEqual([
        hidden(server, "the program of ExecStart=", read("readablePaths[2]", "/home/me/llama.cpp/build")),
        hidden("/home/me", "WorkingDirectory=", read("readablePaths[3]", "/home/me")),
        hidden("/root/x", "ExecStartPre=", read("readablePaths[4]", "/root/x")),
        hidden(model, "-m in ExecStart=", read("readablePaths[5]", "/home/me/models")),
        hidden("/home/me/l.gguf", "--lora in ExecStart=", read("readablePaths[6]", "/home/me/l.gguf")),
        hidden("/home/me/lib", `LD_LIBRARY_PATH ${FROM_UNIT}`, read("readablePaths[7]", "/home/me/lib")),
      ]);
    });
  });

  it("is opened by what its drop-in binds, and by no protection", () => {
    onHost((host) => {
      host.file("home/me/x.gguf");
      host.unit({ ExecStartEx: command("/usr/bin/chat -m ~/home/me/x.gguf --model ~/root/y") });
      const tmpfs = { ...STANDARD, ProtectHome: "tmpfs", BindReadOnlyPaths: "-~/home/me/x.gguf" };
      expect(host.refuses({ directives: tmpfs, readable: 1 })).toEqual([
        hidden("/root/y", "--model in ExecStart=", read("readablePaths[1]", "/root/y"), "ProtectHome=tmpfs"),
      ]);
      const both = { ...tmpfs, BindReadOnlyPaths: "-~/home/me -~/root/y" };
      expect(host.refuses({ directives: both })).toEqual([
        lacking("/root/y", "--model in ExecStart=", "/root/y", "Put it there first, or name another"),
      ]);
      host.file("root/y");
      expect(host.refuses({ directives: both })).toEqual([]);
      expect(host.refuses({ directives: { ...STANDARD, ProtectHome: "read-only" } })).toEqual([]);
      expect(host.refuses({ directives: { PrivateDevices: "yes" } })).toEqual([]);
      // Bound by the unit itself: not below a folder that cannot be reached.
      const owners = { ...STANDARD, ProtectHome: "tmpfs" };
      host.unit({
        ExecStartEx: command("/usr/bin/chat -m ~/home/me/x.gguf"),
        BindReadOnlyPaths: "~/home/me:~/home/me:rbind",
      });
      expect(host.refuses({ directives: owners })).toEqual([]);
      expect(host.refuses()).toHaveLength(1);
    });
  });

  it("is what a link in an opened folder leads to", () => {
    onHost((host) => {
      host.folder("home/me/venv/bin");
      host.file("home/me/.local/python3");
      host.link("home/me/venv/bin/python", "~/home/me/.local/python3");
      host.unit({ ExecStartEx: command("~/home/me/venv/bin/python -m chat") });
      const opened = (paths: string): Ours => ({
        directives: { ...STANDARD, ProtectHome: "tmpfs", BindReadOnlyPaths: paths },
      });
      expect(host.refuses(opened("-~/home/me/venv"))).toEqual([
        hidden(
          "/home/me/venv/bin/python",
          "the program of ExecStart=",
          read("readablePaths[0]", "/home/me/.local"),
          "ProtectHome=tmpfs",
          "/home/me/.local/python3, to which that leads,",
        ),
      ]);
      expect(host.refuses(opened("-~/home/me/venv -~/home/me/.local"))).toEqual([]);
    });
  });

  it("is the program that env or Python runs, too", () => {
    onHost((host) => {
      host.folder("home/me/venv/bin");
      host.file("home/me/venv/bin/vllm");
      host.unit({ ExecStartEx: command("/usr/bin/env A=1 ~/home/me/venv/bin/vllm serve") });
      expect(host.refuses()).toEqual([
        hidden(
          "/home/me/venv/bin/vllm",
          "the program of ExecStart=",
          read("readablePaths[0]", "/home/me/venv"),
        ),
      ]);
    });
  });

  it("is nothing that only looks like a path, or is searched if it is there", () => {
    onHost((host) => {
      host.unit({
        ExecStartEx: command("/usr/bin/chat --api-prefix ~/home/api --log-file ~/home/me/x.log"),
        Environment: "LD_LIBRARY_PATH=/usr/lib:~/home/me/none",
      });
      expect(host.refuses()).toEqual([]);
    });
  });

  it("is asked of systemd once that has read what was changed", () => {
    onHost((host) => {
      host.unit({ ExecStartEx: command("~/home/me/x"), NeedDaemonReload: "yes" });
      expect(host.refuses()).toEqual([
        "chat.service: its files were changed since systemd read them, and what it needs is asked of systemd. Run systemctl daemon-reload on the host, then this again",
      ]);
      // A killed run of ours is about to reload it.
      expect(host.refuses({}, undefined, "mark_pending reload")).toHaveLength(1);
    });
  });

  it("is not asked of one that stays as it runs, nor held up by an edit of ours, which is repaired", () => {
    onHost((host) => {
      host.file("home/me/x");
      host.unit({ ExecStartEx: command("~/home/me/x"), ActiveState: "active", NeedDaemonReload: "yes" });
      const look = "query_units ActiveState chat.service; observe_files WANT";
      expect(host.refuses({}, {}, look)).toEqual([]);
      const stale = [expect.stringContaining("Run systemctl daemon-reload on the host")];
      expect(host.refuses({}, {}, `${look}; mark_pending restart%chat.service`)).toEqual(stale);
      expect(host.refuses({}, { directives: { ProtectHome: "no" } }, look)).toEqual(stale);
      expect(
        host.refuses({}, {}, `echo IPAccounting=yes >>etc/chat.service.d/zz-goblin-exec.conf; ${look}`),
      ).toEqual([expect.stringContaining("ProtectHome=yes hides it from the service")]);
    });
  });

  it("is found in seconds among hundreds of paths", () => {
    onHost((host) => {
      const many = Array.from({ length: 100 }, (_, index) => `{"p":"/opt/models/${index}/a"}`).join(",");
      host.unit({ Environment: `"MODELS=${many.replaceAll('"', '\\"')}"` });
      const began = Date.now();
      expect(host.refuses()).toEqual([]);
      expect(Date.now() - began).toBeLessThan(10_000);
    });
  });

  it("is opened beside the service's own cgroup, whose line comes first", () => {
    onHost((host) => {
      host.file("home/me/x.gguf");
      const cgroup = {
        ...STANDARD,
        ProtectControlGroups:
          'yes\nBindReadOnlyPaths="-/sys/fs/cgroup/ai.slice/chat.service":/sys/fs/cgroup\nMemoryPressureWatch=no',
        ProtectHome: "tmpfs",
      };
      const opened: Ours = { directives: { ...cgroup, BindReadOnlyPaths: "-~/home/me/x.gguf" } };
      host.unit({
        ExecStartEx: command("/usr/bin/chat -m ~/home/me/x.gguf"),
        BindReadOnlyPaths:
          "/sys/fs/cgroup/ai.slice/chat.service:/sys/fs/cgroup:rbind ~/home/me/x.gguf:~/home/me/x.gguf:rbind",
      });
      expect(host.refuses(opened, opened)).toEqual([]);
      expect(host.refuses({ directives: cgroup }, opened)).toHaveLength(1);
    });
  });

  it("is a link's target, too; and what is bound is no link any more", () => {
    onHost((host) => {
      host.file("home/me/bin/chat");
      host.folder("usr/bin");
      host.link("usr/bin/chat", "~/home/me/bin/chat");
      host.link("home/me/current", "~/home/me/bin");
      host.unit({ ExecStartEx: command("~/usr/bin/chat") });
      const what = "/home/me/bin/chat, to which that leads,";
      expect(host.refuses()).toEqual([
        hidden(
          "/usr/bin/chat",
          "the program of ExecStart=",
          read("readablePaths[0]", "/home/me"),
          "ProtectHome=yes",
          what,
        ),
      ]);
      const bound = (path: string) => ({
        directives: { ...STANDARD, ProtectHome: "tmpfs", BindReadOnlyPaths: `-~${path}` },
      });
      expect(host.refuses(bound("/home/me/bin"))).toEqual([]);
      host.unit({ ExecStartEx: command("~/home/me/current/chat") });
      expect(host.refuses(bound("/home/me/current"))).toEqual([]);
    });
  });

  it("is what lies in a folder for temporary files, as far as the service cannot have made it", () => {
    onHost((host) => {
      host.file("tmp/x.gguf");
      host.unit({
        ExecStartEx: command(
          "/usr/bin/chat -m ~/tmp/x.gguf --log-file ~/tmp/x.log --slot-save-path ~/tmp/slots",
        ),
        Environment: "TMPDIR=~/var/tmp/x X=~/tmp/x.gguf",
      });
      const fix = read("readablePaths[0]", "/tmp/x.gguf");
      expect(host.refuses()).toEqual([hidden("/tmp/x.gguf", "-m in ExecStart=", fix, "PrivateTmp=yes")]);
      expect(host.refuses({ directives: { ...STANDARD, BindReadOnlyPaths: "-~/tmp/x.gguf" } })).toEqual([]);
    });
  });

  it("is told with its whole name, and with no setting where none can have it", () => {
    onHost((host) => {
      host.file("home/me/my models/a,b:c.gguf");
      host.unit({ ExecStartEx: command("/usr/bin/chat -m ~/home/me/my models/a,b:c.gguf -c 1") });
      expect(host.refuses()).toEqual([
        hidden(
          "/home/me/my models/a,b:c.gguf",
          "-m in ExecStart=",
          `To show it, read-only: move it to a path of letters, digits and . _ + @ -, which ${SETTING}.readablePaths can name`,
        ),
      ]);
      host.unit({ ExecStartEx: command("/usr/bin/chat -m ~/home/me/x.gguf") });
      expect(host.refuses({ setting: "my-chat" })[0]).toContain(
        "To show it, read-only: add /home/me/x.gguf to readablePaths of my-chat.",
      );
    });
  });
});

describe("what the hardening closes to the writing of a service as it is", () => {
  it("is named where a variable or an option is known to be written to", () => {
    onHost((host) => {
      host.unit({
        ExecStartEx: command("/usr/bin/vllm serve --download-dir=~/data/weights --config ~/data/config"),
        Environment: "HF_HOME=~/data/hf XDG_CONFIG_HOME=~/data/config EMPTY= XDG_CACHE_HOME=relative",
      });
      expect(host.refuses()).toEqual([
        closed("/data/hf", `HF_HOME ${FROM_UNIT}`).replace(
          "there: ",
          "there: install -d -o 'root' /data/hf on the host, and ",
        ),
        closed("/data/weights", "--download-dir in ExecStart=")
          .replace("there: ", "there: install -d -o 'root' /data/weights on the host, and ")
          .replaceAll("[0]", "[1]"),
      ]);
    });
  });

  it("is opened by its settings", () => {
    onHost((host) => {
      host.folder("data/hf");
      const hf = { Environment: "HF_HOME=~/data/hf" };
      host.unit(hf);
      expect(host.refuses()).toEqual([closed("/data/hf", `HF_HOME ${FROM_UNIT}`)]);
      const ours = (directives: Record<string, string>) => ({ directives: { ...STANDARD, ...directives } });
      expect(host.refuses(ours({ ReadWritePaths: "-~/data" }))).toEqual([]);
      expect(host.refuses(ours({ ReadOnlyPaths: "-~/data" }))).toEqual([]);
      expect(host.refuses(ours({ ReadWritePaths: "-~/data/hf/none" }))).toHaveLength(1);
      expect(host.refuses({ directives: { ProtectHome: "yes" } })).toEqual([]);
    });
  });

  it.each([
    { ReadWritePaths: '/x "-~/data"' },
    { BindPaths: "/x:~/data/hf" },
    { Environment: "HF_HOME=/var/lib/chat/hf", StateDirectory: "chat" },
    { Environment: "HF_HOME=/var/cache/x/hf", CacheDirectory: "y x" },
    { Environment: "HF_HOME=~/srv/models/hf" },
    { Environment: "HF_HOME=/dev/shm/hf" },
    { Environment: "HF_HOME=hf" },
  ])("is opened by the unit itself: %j", (own) => {
    onHost((host) => {
      host.folder("data/hf");
      host.unit({ Environment: "HF_HOME=~/data/hf", ...own });
      expect(host.refuses()).toEqual([]);
    });
  });

  it("is where it lies, behind a link", () => {
    onHost((host) => {
      host.folder("data/hf");
      host.link("srv/models/hf", "~/data/hf");
      host.unit({ Environment: "HF_HOME=~/srv/models/hf" });
      const what = "/data/hf, to which that leads,";
      expect(host.refuses()).toEqual([closed("/srv/models/hf", `HF_HOME ${FROM_UNIT}`, "/data/hf", what)]);
      expect(host.refuses({ directives: { ...STANDARD, ReadWritePaths: "-~/srv/models/hf" } })).toEqual([]);
    });
  });

  it("is the folder of the models, if that is a link to a home", () => {
    onHost((host) => {
      host.folder("home/me/models");
      host.link("models", "~/home/me/models");
      host.unit({});
      const linked = { directives: { ...STANDARD, ReadWritePaths: "-~/models" }, writable: 1 };
      const what = "/home/me/models, to which that leads,";
      const fix = write("writablePaths[1]", "/home/me/models");
      expect(host.refuses(linked)).toEqual([
        hidden("/models", "a folder that it may write to", fix, "ProtectHome=yes", what),
      ]);
      const opened = { ProtectHome: "read-only", ReadWritePaths: "-~/models -~/home/me/models" };
      expect(host.refuses({ directives: { ...STANDARD, ...opened } })).toEqual([]);
    });
  });

  it("is told where its mount hangs", () => {
    onHost((host) => {
      host.unit({ WorkingDirectory: "/mnt/hung" });
      expect(
        host.refuses({ directives: { ProtectHome: "yes" } }, undefined, "timeout() { return 124; }"),
      ).toEqual([
        `${SETTING}: ${UNIT} names a path that does not answer within 10 s: a mount hangs. Mend or unmount it (mount; dmesg), then run this again`,
      ]);
    });
  });

  it("is a folder that is to be opened and is not there", () => {
    onHost((host) => {
      host.unit({ Environment: "XDG_DATA_HOME=~/var/lib/none/data", User: "me" });
      expect(host.refuses({ directives: { ...STANDARD, ReadWritePaths: "-~/var/lib/none" } })).toEqual([
        lacking(
          "/var/lib/none/data",
          `XDG_DATA_HOME ${FROM_UNIT}`,
          "/var/lib/none",
          "Make it first: install -d -o 'me' /var/lib/none",
        ),
      ]);
    });
  });

  it("is in a home, where it is hidden or read-only", () => {
    onHost((host) => {
      host.folder("home/me/m");
      host.unit({ Environment: "OLLAMA_MODELS=~/home/me/m" });
      expect(host.refuses({ writable: 3 })).toEqual([
        hidden("/home/me/m", `OLLAMA_MODELS ${FROM_UNIT}`, write("writablePaths[3]", "/home/me/m")),
      ]);
      const visible = { ProtectHome: "read-only" };
      expect(host.refuses({ directives: visible })).toEqual([
        closed("/home/me/m", `OLLAMA_MODELS ${FROM_UNIT}`)
          .replaceAll("ProtectSystem=strict", "ProtectHome=read-only")
          .replaceAll("ProtectSystem", "ProtectHome"),
      ]);
      expect(host.refuses({ directives: { ...visible, ReadWritePaths: "-~/home/me/m" } })).toEqual([]);
    });
  });

  it.each([
    ["/usr/bin/ollama serve", ".ollama", { Environment: "OLLAMA_MODELS=~/srv/models" }],
    ["/usr/bin/env A=1 ollama serve", ".ollama", {}],
    ["/usr/bin/ollama serve", ".ollama", { User: "", Environment: "HOME=~/home/me" }],
    ["/usr/bin/llama-server -hf a/b", ".cache", {}],
    ["/usr/bin/llama-server", ".cache", { Environment: "LLAMA_ARG_HF_REPO=a/b" }],
    ["/usr/bin/vllm serve m", ".cache", {}],
    ["/usr/bin/python3 -m vllm serve m", ".cache", {}],
    // Told where, told nothing of the kind, nowhere to write as it is, or a user for as long as it runs.
    ["/usr/bin/llama-server -hf a/b", undefined, { Environment: "LLAMA_CACHE=~/srv/models" }],
    ["/usr/bin/llama-server -m /opt/a.gguf", undefined, {}],
    ["/usr/bin/ollama run a", undefined, {}],
    ["/opt/ollama-proxy serve", undefined, {}],
    ["/usr/bin/ollama serve", undefined, { User: "" }],
    ["/usr/bin/ollama serve", undefined, { User: "nobody" }],
    ["/usr/bin/ollama serve", undefined, { DynamicUser: "yes" }],
    ["/usr/bin/ollama serve", undefined, { Environment: "HOME=~/srv/models" }],
  ] as const)("is where %j writes in its home: %j", (line, folder, more) => {
    onHost((host) => {
      const properties = { User: "me", ...more };
      host.unit({ ExecStartEx: command(line), ...properties });
      const path = `/home/me/${folder ?? ""}`;
      const program = /ollama|vllm|llama-server/.exec(line)?.[0] ?? "";
      const whose = properties.User === "" ? "HOME" : "the home of its user me";
      const make = `install -d -o '${properties.User === "" ? "root" : "me"}' ${path} on the host, and `;
      const fix = `To let it write there: ${make}${set("writablePaths[0]", path)}`;
      expect(host.refuses()).toEqual(
        folder === undefined ? [] : [hidden(path, `where ${program} writes in ${whose}`, fix)],
      );
    });
  });
});

describe("what is looked at", () => {
  it("is also in files of variables, which come after; but not in our own secrets", () => {
    onHost((host) => {
      host.folder("home/me/hf");
      host.file(
        "etc-a/1.env",
        '# HF_HOME=/x\n HF_HOME = no\nHF_HOME="~/home/me/hf" \nARGS=-m \\\n~/root/x\n',
      );
      host.file("etc-a/ours.env", "TORCH_HOME='~/home/me/t' \n");
      host.unit({
        Environment: "HF_HOME=~/srv/models",
        EnvironmentFiles:
          "~/etc-a/[0-9].env (ignore_errors=yes)\n~/none (ignore_errors=no)\n/etc/goblin-host/credentials/chat.env (ignore_errors=no)",
      });
      expect(
        host.refuses({ lines: "EnvironmentFile=~/etc-a/ours.env\n" }).map((line) => line.split(",")[0]),
      ).toEqual([
        told("/home/me/hf", "HF_HOME in /etc-a/1.env", ""),
        told("/home/me/t", "TORCH_HOME in /etc-a/ours.env", ""),
        told("/root/x", "-m in ARGS in /etc-a/1.env", ""),
      ]);
    });
  });

  it("has no former version of ours in it, and has what this one will set", () => {
    onHost((host) => {
      host.folder("data/hf");
      const before: Ours = {
        directives: {
          ...STANDARD,
          ReadWritePaths: "-~/data -~/srv/models",
          BindReadOnlyPaths: "-~/home/me/x",
        },
        lines: 'Environment="HF_HOME=~/home/me/100%%"\nEnvironmentFile=~/old.env\n',
      };
      host.file("old.env", "TORCH_HOME=~/root/t\n");
      host.file("home/me/x");
      const loaded = {
        Environment: "HF_HOME=~/home/me/100% X=~/home/me/x",
        EnvironmentFiles: "~/old.env (ignore_errors=no)",
        ReadWritePaths: "-~/data -~/srv/models",
        BindReadOnlyPaths: "-~/home/me/x:~/home/me/x:rbind",
      };
      host.unit(loaded);
      const after: Ours = {
        directives: { ...STANDARD, ProtectHome: "tmpfs" },
        lines: 'Environment="XDG_CACHE_HOME=~/data/hf"\n',
      };
      expect(host.refuses(after, before)).toEqual([
        closed("/data/hf", "XDG_CACHE_HOME in the workload's environment"),
        hidden("/home/me/x", `X ${FROM_UNIT}`, read("readablePaths[0]", "/home/me/x"), "ProtectHome=tmpfs"),
      ]);
      // The owner has set the same themselves.
      host.unit({ ...loaded, ReadWritePaths: "-~/data -~/data -~/srv/models" });
      expect(host.refuses(after, before)).toHaveLength(1);
    });
  });

  it("is the unit that the bundle brings, in the place of a vendor's", () => {
    onHost((host) => {
      host.file("home/me/x.gguf");
      host.unit({
        FragmentPath: "/lib/systemd/system/chat.service",
        WorkingDirectory: "~/root",
        RootDirectory: "/x",
      });
      const unitFile = '[Service]\nExecStart=/usr/bin/ollama serve "~/home/me/x.gguf"\nUser=me\n';
      const model = hidden("/home/me/x.gguf", "ExecStart=", read("readablePaths[0]", "/home/me/x.gguf"));
      expect(host.refuses({ unitFile })[0]).toBe(model);
      expect(host.refuses({ unitFile })[1]).toContain("/home/me/.ollama (where ollama writes in");
      const dynamic = unitFile.replace("User=me", "DynamicUser=yes");
      expect(host.refuses({ unitFile: dynamic })).toEqual([model]);
      // Ours already, with a drop-in of the owner's.
      host.unit({ FragmentPath: "~/etc/chat.service", WorkingDirectory: "~/root" });
      expect(host.refuses({ unitFile: dynamic }, { unitFile: dynamic })).toHaveLength(2);
    });
  });

  it("is nothing of a unit that there is not, that has a root of its own, or that the bundle does not harden; and nothing at boot", () => {
    onHost((host) => {
      const home = { WorkingDirectory: "~/home/me" };
      host.unit({ ...home, LoadState: "not-found" });
      expect(host.refuses()).toEqual([]);
      host.unit({ ...home, RootDirectory: "/srv/root" });
      expect(host.refuses()).toEqual([]);
      host.unit(home);
      expect(host.refuses({}, undefined, "BOOTING=1")).toEqual([]);
      expect(host.refuses({}, undefined, "WANT[hardening]=")).toEqual([]);
      expect(host.refuses()).toHaveLength(1);
      host.unit({ WorkingDirectory: "~", User: "me" });
      expect(
        host.refuses(
          {},
          undefined,
          'UNIT_IS=(); ask_of_unit() { UNIT_IS=([LoadState]=loaded [WorkingDirectory]="!~" [User]=me); }',
        ),
      ).toEqual([hidden("/home/me", "WorkingDirectory=", read("readablePaths[0]", "/home/me"))]);
    });
  });

  it("is told without a word of what is secret", () => {
    onHost((host) => {
      host.file("home/me/x.gguf");
      host.unit({
        ExecStartEx: command(
          "/usr/bin/chat --api-key=hunter2 -m ~/home/me/x.gguf -phunter2 ~/home/me/x.gguf hunter2",
        ),
        Environment:
          '"A=hunter2 -m ~/home/me/x.gguf hunter2" "B=postgres://hunter2:/home/me/hunter2@h/home/me/x" C=/home/me/hunter2/hunter2',
      });
      // Nor on a command line, which everybody sees.
      const watched = 'timeout() { echo "argument $*" >>"$RUN/arguments"; command timeout "$@"; }';
      const problems = host.refuses({}, undefined, watched);
      expect(host.read("run/arguments")).toContain("argument -k 1 10 bash -c");
      expect(host.read("run/arguments")).not.toContain("hunter2");
      expect(problems).toHaveLength(1);
      expect(problems.join()).not.toContain("hunter2");
    });
  });

  it("is by the same names as what the program opens by itself", () => {
    const listed = (name: string): string[] => bash(`echo $${name}`).trim().split(" ");
    expect(listed("WRITTEN_VARIABLES")).toEqual([...WRITTEN_VARIABLES]);
    expect(listed("SEARCHED_VARIABLES")).toEqual([...SEARCHED_VARIABLES]);
    expect(listed("WRITTEN_OPTIONS")).toEqual([...WRITTEN_OPTIONS]);
  });
});

it.each([
  ["-m /a/b --lora=/c,/d '/e' @/f", ["-m /a/b", "--lora /c", " /d", " /e", " /f"]],
  ["a/b ./c ../d http://h/x user:/y file:///z sqlite:////w //v", [" /y", " /z", " /w", " /v"]],
  ["postgres://u:/p@h/q /r", [" /r"]],
  ["--key=secret,/a -psecret /b -hf /c", [" /a", " /b", "-hf /c"]],
])("paths in %j are %j", (text, paths) => {
  const found = bash(
    `find_paths ${JSON.stringify(text)}; for i in "\${!TAILS[@]}"; do readings_of "\${TAILS[i]}"; echo "\${TAIL_OPTIONS[i]} \${READINGS[0]}"; done`,
  );
  expect(found.trimEnd().split("\n")).toEqual(paths);
});

it.each([
  ["a \"b c\"  'd e'f", ["a", "b c", "d ef"]],
  ['"A=it\'s \\"x\\" \\$y \\\\" B= "T=a\\tb"', ['A=it\'s "x" $y \\', "B=", "T=a b"]],
  ['a\\ b "open', ["a b", '"open']],
  ["", [""]],
])("words of %j are %j", (text, words) => {
  const found = bash(`split_quoted '${text.replaceAll("'", "'\\''")}'; printf '%s\n' "\${QUOTED[@]}"`);
  expect(found.replace(/\n$/, "").split("\n")).toEqual(words);
});
