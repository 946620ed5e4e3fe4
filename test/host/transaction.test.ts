import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../components/host-bundle/bundle";
import { renderBundle } from "../../components/host-bundle/render";
import { bashWithStore, inFolder } from "./manager";

/** Only root's files are as a bundle wants them, and only root can make filesystems. */
const isRoot = process.getuid?.() === 0;

const PROD = "goblin/prod/host-app-bundle";
const VPS = "goblin/prod/vps-app-bundle";

interface ApplyOptions extends Pick<Bundle, "containers"> {
  readonly text: string;
  readonly manager: string;
  readonly before: string;
}

/** A host without systemd, which bundles of nothing but files do not need: all of the manager, on one folder. */
class Host {
  /** @param state where the store is, below the folder */
  constructor(
    readonly folder: string,
    private readonly state = "state",
  ) {
    mkdirSync(join(folder, "etc"));
    writeFileSync(this.at("app"), "the owner wrote this\n");
  }

  /** The file of a bundle. */
  at(bundle: string): string {
    return join(this.folder, "etc", `${bundle}.conf`);
  }

  text(bundle: string): string | undefined {
    return existsSync(this.at(bundle)) ? readFileSync(this.at(bundle), "utf8") : undefined;
  }

  list(part: string): string[] {
    return readdirSync(join(this.folder, this.state, part)).sort();
  }

  /** Runs a verb; what it says, with its status at the end. */
  run(verb: string, before = ""): string[] {
    const text = `exec 2>&1
      SPOOL=$PWD/spool
      ${before}
      verb() { change "$@"; exit "$STATUS"; }
      attempt verb ${verb}
      echo "status $STATUS"`;
    const constants = { STATE: join(this.folder, this.state), SELF: join(this.folder, "etc/manager.conf") };
    return bashWithStore(text, this.folder, constants)
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(this.folder, ""));
  }

  apply(
    name: string,
    owner?: string,
    { text = "ours\n", manager = "1.0.0", before = "", ...sections }: Partial<ApplyOptions> = {},
  ): string[] {
    const files = { [this.at(name)]: { mode: "0644", content: text } };
    writeFileSync(join(this.folder, "spool"), renderBundle({ name, files, ...sections }, manager, owner));
    return this.run(`apply ${name}`, before);
  }
}

const onHost = (action: (host: Host) => void): void => {
  inFolder((folder) => {
    action(new Host(folder));
  });
};

const applied = (name: string, generation: number): string[] => [
  `${name}:`,
  `  wrote /etc/${name}.conf`,
  `${name}: applied (generation ${generation})`,
  "status 0",
];

describe.runIf(isRoot)("a bundle", { timeout: 120_000 }, () => {
  it("is applied and removed by its owner alone, until the host forgets whose it is", () => {
    onHost((host) => {
      expect(host.apply("app", PROD)).toEqual(applied("app", 1));
      const refused = [
        `error: bundle app on this host belongs to "${PROD}", and this is "${VPS}". Either keep the old name (a host that was renamed: pulumi config set --path 'goblin-host:hosts.NEWNAME.formerly[0]' OLDNAME; another stack: apply from that one), or take it over: run 'ai-resource-manager disown' on this host, then pulumi up`,
        "error: bundle app was not applied; nothing was changed",
        "status 2",
      ];
      expect(host.apply("app", VPS, { text: "theirs\n" })).toEqual(refused);
      // A rename ends with the deletion of the old name, which took away what the new one had applied.
      expect(host.run(`remove app ${VPS}`)).toEqual([
        `app: belongs to "${PROD}" now and not to "${VPS}", so nothing was removed`,
        "status 0",
      ]);
      expect([host.text("app"), host.list("versions"), host.list("bundles")]).toEqual([
        "ours\n",
        ["app@1"],
        ["app"],
      ]);

      expect(host.run("disown")).toEqual([
        `app: does not belong to "${PROD}" any more; whoever applies it next is its owner`,
        "status 0",
      ]);
      // A repair makes nobody its owner.
      expect(host.run("apply --stored").at(-1)).toBe("status 0");
      expect(host.apply("app", VPS, { text: "theirs\n" })).toEqual(applied("app", 2));
      expect(host.run(`remove app ${PROD}`)[0]).toBe(
        `app: belongs to "${VPS}" now and not to "${PROD}", so nothing was removed`,
      );
      expect(host.run(`remove app ${VPS}`)).toEqual([
        "app:",
        "  put back /etc/app.conf",
        "app: removed",
        "status 0",
      ]);
      expect(host.text("app")).toBe("the owner wrote this\n");
    });
  });

  it("of version 1.0, which has no owner, is whoever's comes next, and so is its removal by a state of then", () => {
    onHost((host) => {
      host.apply("app");
      expect(host.apply("app", PROD)).toEqual(["app:", "app: applied (generation 2)", "status 0"]);
      expect(host.apply("app", VPS).at(-1)).toBe("status 2");
      expect(host.run("remove app").at(-1)).toBe("status 0");
      expect(host.text("app")).toBe("the owner wrote this\n");
    });
  });

  it("that needs a newer manager is refused, and a stored one is left alone by a repair", () => {
    onHost((host) => {
      expect(host.apply("app", PROD, { manager: "99.0.0" })).toEqual([
        expect.stringMatching(
          /^error: bundle app needs manager 99\.0\.0, this host has [0-9.]+: run pulumi up, which brings the manager first$/,
        ),
        "error: bundle app was not applied; nothing was changed",
        "status 2",
      ]);
      expect(host.text("app")).toBe("the owner wrote this\n");
      host.apply("app", PROD);
      const index = join(host.folder, "state/bundles/app/index");
      writeFileSync(index, readFileSync(index, "utf8").replace("1.0.0", "99.0.0"));
      writeFileSync(host.at("app"), "edited\n");
      expect(host.run("apply --stored")).toEqual([
        expect.stringMatching(
          /^error: app was applied by manager 99\.0\.0, and this is [0-9.]+: it is left alone\. Run pulumi up/,
        ),
        "status 1",
      ]);
      expect(host.text("app")).toBe("edited\n");
    });
  });

  it("whose rollback fails like itself says so, and the owner's swap does not wait for the next run", () => {
    onHost((host) => {
      const before = "converge() { fail 'systemd is busy'; }; return_swaps() { say '  a swap is on again'; }";
      expect(host.apply("app", PROD, { before })).toEqual([
        // Of a run before this one.
        "  a swap is on again",
        "app:",
        "error: bundle app: systemd is busy",
        "app: rolling back to what was there before",
        "error: bundle app: systemd is busy",
        "  a swap is on again",
        "error: the rollback of app is not complete; the next run continues it",
        "status 1",
      ]);
      expect(host.list("journal")).toEqual(["app@1"]);
      expect(host.apply("app", PROD).at(-1)).toBe("status 0");
      expect([host.text("app"), host.list("journal")]).toEqual(["ours\n", []]);
      expect(host.run("remove other", before)[0]).toBe("  a swap is on again");
    });
  });

  it("whose time to be confirmed cannot begin is in force, and no receipt says that its run ended well", () => {
    onHost((host) => {
      const before = "open_window() { fail 'the timer cannot be set'; }";
      expect(host.apply("app", PROD, { before })).toEqual([
        "app:",
        `  wrote /etc/app.conf`,
        "error: bundle app: the timer cannot be set",
        "error: bundle app: generation 1 is in force, but its run did not come to its end. Run it again",
        "status 1",
      ]);
      expect([host.text("app"), host.list("journal")]).toEqual(["ours\n", []]);
      expect(host.apply("app", PROD, { before }).slice(-2)).toEqual([
        "error: bundle app: the timer cannot be set",
        "status 1",
      ]);
      expect(host.apply("app", PROD)).toEqual(["app: unchanged", "status 0"]);
    });
  });

  it("is never stored, nor taken for whole, where the disk fills up while it is read", () => {
    inFolder((folder) => {
      const disk = join(folder, "disk");
      mkdirSync(disk);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
      try {
        const host = new Host(folder, "disk/state");
        // The look at the room came before somebody else filled it.
        const before = "preflight_writable() { :; }";
        host.apply("other", PROD, { before });
        const said = host.apply("app", PROD, { text: `${"x".repeat(250_000)}\n`, before });
        expect(said.slice(-2)).toEqual([
          "error: bundle app was not applied; nothing was changed",
          "status 1",
        ]);
        expect(said.join("\n")).toMatch(/^error: bundle app: .*\/blobs\/0 cannot be written$/m);
        expect([host.list("versions"), host.list("bundles"), host.list("journal")]).toEqual([
          ["other@1"],
          ["other"],
          [],
        ]);
        expect(host.text("app")).toBe("the owner wrote this\n");
        expect(host.apply("app", PROD, { before })).toEqual(applied("app", 1));
      } finally {
        execFileSync("umount", [disk]);
      }
    });
  });
});

describe.runIf(isRoot)("a removal", { timeout: 120_000 }, () => {
  /** A resource of the bundle's that cannot be given back, as a swap file in use with nowhere to go. */
  const STUCK = `give_way() { [[ $NAME != app || -n \${WANT[files]-} ]] || fail 'the swap is in use'; }`;

  it("asks for room before it begins", () => {
    onHost((host) => {
      host.apply("app", PROD);
      expect(host.run("remove app", "preflight_room() { problem 'the disk is full'; }")).toEqual([
        "error: the disk is full",
        "error: bundle app was not removed; nothing was changed",
        "status 2",
      ]);
      expect([host.text("app"), host.list("bundles"), host.list("removing")]).toEqual([
        "ours\n",
        ["app"],
        [],
      ]);
    });
  });

  it("of a container waits at boot for dockerd: that is no failure, and the boot is not settled", () => {
    onHost((host) => {
      const docker = (state: string) => `query_units() {
          SEEN_UNIT["docker.service|LoadState"]=loaded SEEN_UNIT["docker.service|ActiveState"]=${state}
        }
        timeout() { "\${@:2}"; }
        docker() { case $1 in ps | images) ;; *) return 1 ;; esac; }
        systemctl() { echo LoadState=loaded; }`;
      const settled = (): boolean => existsSync(join(host.folder, "run/settled"));
      host.apply("manager", PROD);
      host.apply("app", PROD, {
        containers: { a: { graceSeconds: 10, setting: "x" } },
        before: `${docker("active")}; preflight_containers() { :; }`,
      });
      host.run("remove app", `${docker("active")}; ${STUCK}`);
      expect(host.list("removing")).toEqual(["app"]);
      execFileSync("rm", ["-f", join(host.folder, "run/settled")]);
      const waits = [
        "app: its interrupted removal is finished once dockerd runs",
        "manager: unchanged",
        "status 0",
      ];
      expect(host.run("apply --stored", `BOOTING=1; ${docker("inactive")}`)).toEqual(waits);
      expect([host.list("removing"), settled()]).toEqual([["app"], false]);
      expect(host.run("apply --stored", `BOOTING=1; ${docker("active")}`)).toEqual([
        "app: finishing an interrupted removal",
        "  put back /etc/app.conf",
        "manager: unchanged",
        "status 0",
      ]);
      expect([host.list("removing"), settled()]).toEqual([[], true]);
    });
  });

  it("that failed is tried by each run, which says that it failed again, and keeps the manager", () => {
    onHost((host) => {
      host.apply("manager", PROD);
      host.apply("app", PROD);
      expect(host.run("remove app", STUCK)).toEqual([
        "app:",
        "error: bundle app: the swap is in use",
        "error: bundle app is not removed: what is said above is in the way. Run ai-resource-manager remove app again",
        "status 1",
      ]);
      const healing = [
        "app: finishing an interrupted removal",
        "error: bundle app: the swap is in use",
        "error: the interrupted removal of app cannot be finished. Run ai-resource-manager remove app, or apply it again",
      ];
      expect(host.run("apply --stored", STUCK)).toEqual([...healing, "manager: unchanged", "status 1"]);
      expect(host.run("remove manager", STUCK)).toEqual([
        ...healing,
        "error: the manager goes last, and these are still applied, or not yet given back: app. Remove them first",
        "status 2",
      ]);
      expect([host.list("removing"), host.list("bundles")]).toEqual([["app"], ["manager"]]);
      expect(readFileSync(join(host.folder, "state/events.log"), "utf8")).toContain(
        "\tfailed\tapp\tan interrupted run could not be finished: the swap is in use\n",
      );
      // Once it can be, whoever comes next ends it.
      expect(host.run("apply --stored")).toEqual([
        "app: finishing an interrupted removal",
        "  put back /etc/app.conf",
        "manager: unchanged",
        "status 0",
      ]);
      expect(host.text("app")).toBe("the owner wrote this\n");
      expect(host.run("remove manager").at(-1)).toBe("status 0");
      expect([existsSync(join(host.folder, "state")), host.text("manager")]).toEqual([false, undefined]);
    });
  });

  it("that failed is taken over by an apply, and no later run goes on with it", () => {
    onHost((host) => {
      host.apply("app", PROD);
      expect(host.run("remove app", STUCK).at(-1)).toBe("status 1");
      // It is its owner's while it is half removed.
      expect(host.apply("app", VPS, { before: STUCK }).at(-1)).toBe("status 2");
      expect(host.list("removing")).toEqual(["app"]);
      expect(host.apply("app", PROD)).toEqual(["app:", "app: applied (generation 2)", "status 0"]);
      expect([host.list("removing"), host.list("journal")]).toEqual([[], []]);
      for (const verb of ["apply --stored", "revert", "remove other"]) {
        expect(host.run(verb).at(-1), verb).toBe("status 0");
        expect([host.text("app"), host.list("bundles")], verb).toEqual(["ours\n", ["app"]]);
      }
      expect(host.apply("other", PROD)).toEqual(applied("other", 1));
      expect(host.text("app")).toBe("ours\n");
      expect(host.run("remove other").at(-1)).toBe("status 0");
      expect(host.run(`remove app ${PROD}`).at(-1)).toBe("status 0");
      expect(host.text("app")).toBe("the owner wrote this\n");
    });
  });
});
