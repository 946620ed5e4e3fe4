import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Debian } from "./debian";
import { loadVersion } from "./loaded";
import { inFolder } from "./manager";

const onDebian = (action: (debian: Debian) => void): void => {
  inFolder((folder) => {
    action(new Debian(folder));
  });
};

/** What a bundle that wants docker.io, unless docker-ce is there, finds and refuses with these installed. */
function judge(installed: readonly string[]): string[] {
  let said: string[] = [];
  onDebian((debian) => {
    for (const name of installed) debian.set("state", name, "installed");
    said = debian.run(
      `${loadVersion(debian.folder, "WANT", { packages: { "docker.io": { unless: "docker-ce" } } })}
      look; preflight_packages; find_package_drift; printf '%s\\n' "\${PROBLEMS[@]}" "\${FINDINGS[@]}"`,
    );
  });
  return said.map((line) => line.replace(/^.*\t/, ""));
}

describe("a package that another may stand in for", () => {
  it("is wanted where neither is installed, and only there", () => {
    expect(judge([])).toEqual(["package not installed"]);
    expect(judge(["docker.io"])).toEqual([]);
    expect(judge(["docker-ce"])).toEqual([]);
  });

  it("is refused and drift where both are", () => {
    expect(judge(["docker.io", "docker-ce"])).toEqual([
      "docker.io and docker-ce are both installed: decide on one and remove the other (apt-get remove docker.io), then run this again",
      "installed are docker.io and docker-ce",
    ]);
  });
});

describe("packages", () => {
  it("come by one simulation and one installation, and go again with what they brought", () => {
    onDebian((debian) => {
      debian.mirror({ a: "lib-a lib-both", b: "lib-b lib-both", "lib-a": "", "lib-b": "", "lib-both": "" });
      debian.set("state", "vim", "installed");
      expect(debian.converge([], ["a", "b"])).toEqual(["  installing a", "  installing b", "status 0"]);
      expect(debian.calls).toEqual([
        "apt-get --no-install-recommends a b",
        "apt-get --no-install-recommends a b",
      ]);
      expect(debian.installed).toEqual(["a", "b", "lib-a", "lib-b", "lib-both", "vim"]);
      expect(debian.converge(["a", "b"], ["a", "b"])).toEqual(["status 0"]);
      expect(debian.calls).toEqual([]);
      // What the other needs stays until that goes.
      expect(debian.converge(["a", "b"], ["b"])).toEqual(["  purged a lib-a", "status 0"]);
      expect(debian.converge(["b"], [])).toEqual(["  purged b lib-b lib-both", "status 0"]);
      expect(debian.installed).toEqual(["vim"]);
      expect(debian.remembered).toEqual([]);
    });
  });

  it("that need one which another bundle brought get it when that goes", () => {
    onDebian((debian) => {
      debian.mirror({ a: "lib", b: "lib", lib: "" });
      debian.converge([], ["a"]);
      debian.converge([], ["b"]);
      expect(debian.converge(["a"], [])).toEqual([
        "  kept package lib: something else needs it",
        "  purged a",
        "status 0",
      ]);
      expect(debian.converge(["b"], [])).toEqual(["  purged b lib", "status 0"]);
      expect(debian.installed).toEqual([]);
    });
  });

  it("that another bundle declares stay until that goes", () => {
    onDebian((debian) => {
      debian.mirror({ a: "lib", lib: "" });
      debian.converge([], ["a"]);
      const other = join(debian.folder, "state/bundles/other");
      mkdirSync(other, { recursive: true });
      writeFileSync(join(other, "index"), "packages\x1flib\x1f\x1fpresent\n");
      expect(debian.converge(["a"], [])).toEqual(["  purged a", "status 0"]);
      expect(debian.installed).toEqual(["lib"]);
      writeFileSync(join(other, "index"), "");
      expect(debian.converge(["lib"], [])).toEqual(["  purged lib", "status 0"]);
    });
  });

  it("never go where their owner has them, asked for them since, holds them, or had their configuration", () => {
    onDebian((debian) => {
      debian.mirror({ a: "one two three four", one: "", two: "", three: "", four: "", mine: "" });
      debian.set("state", "mine", "installed");
      const conffile = join(debian.folder, "three.conf");
      debian.set("state", "three", "config-files");
      debian.set("conffiles", "three", conffile);
      debian.converge([], ["a", "mine"]);
      debian.set("manual", "one");
      debian.set("hold", "two");
      expect(debian.converge(["a", "mine"], [])).toEqual([
        "  kept package one: somebody has installed it by hand since",
        "  kept package two: it is on hold",
        "  purged a four",
        "  removed three: the configuration that was here before stays",
        "status 0",
      ]);
      expect(debian.installed).toEqual(["mine", "one", "two"]);
      expect(debian.stateOf("three")).toBe("config-files");
      expect(existsSync(conffile)).toBe(true);
    });
  });

  it("leave what somebody wrote into their configuration", () => {
    onDebian((debian) => {
      const conffile = join(debian.folder, "a.conf");
      debian.mirror({ a: "" });
      debian.set("conffiles", "a", conffile);
      debian.converge([], ["a"]);
      debian.converge(["a"], []);
      expect(readdirSync(join(debian.folder, "state/displaced"))).toEqual([]);
      debian.converge([], ["a"]);
      writeFileSync(conffile, "tuned\n");
      debian.converge(["a"], []);
      const [kept = ""] = readdirSync(join(debian.folder, "state/displaced"));
      expect(readFileSync(join(debian.folder, "state/displaced", kept), "utf8")).toBe("tuned\n");
    });
  });

  it("that would remove others are refused, with their names", () => {
    onDebian((debian) => {
      debian.mirror({ "docker.io": "", mine: "" });
      debian.set("state", "mine", "installed");
      debian.set("conflicts", "docker.io", "mine");
      expect(debian.converge([], ["docker.io"])).toEqual([
        "error: bundle app: package docker.io cannot be installed: that would remove mine, which is not this project's to remove. Look at it (apt-get -s install docker.io), decide between them, then run this again",
        "status 1",
      ]);
      expect(debian.installed).toEqual(["mine"]);
      expect(debian.remembered).toEqual([]);
    });
  });

  it("that dpkg cannot remove fail, and are tried again", () => {
    onDebian((debian) => {
      debian.mirror({ a: "lib", lib: "", b: "" });
      debian.converge([], ["a", "b"]);
      debian.set("broken", "a");
      const said = debian.converge(["a", "b"], []);
      expect(said).toEqual([
        "  kept package lib: something else needs it",
        "  purged b",
        expect.stringMatching(
          /^error: bundle app: package a cannot be removed: dpkg: error processing package a .* pre-removal script .*Mend it \(dpkg --remove a\), then run this again$/,
        ),
        "status 1",
      ]);
      debian.unset("broken", "a");
      expect(debian.converge(["a", "b"], [])).toEqual(["  purged a lib", "status 0"]);
      expect(debian.remembered).toEqual([]);
    });
  });

  it("of which dpkg-query says nothing are not taken for absent", () => {
    onDebian((debian) => {
      debian.mirror({ a: "" });
      debian.set("silent", "a");
      const said = debian.run(
        `${loadVersion(debian.folder, "WANT", { packages: { a: { "": "present" } } })} attempt look; echo "status $STATUS"`,
      );
      expect(said).toEqual([
        expect.stringMatching(/^error: bundle app: dpkg-query does not say what package a is: /),
        "status 1",
      ]);
    });
  });
});

describe("what apt says", () => {
  const LISTS = "  fetching the package lists";
  const failed = (said: readonly string[]): string =>
    (said.at(-2) ?? "").replace("error: bundle app: package a cannot be installed: ", "");

  /** The installation fails, twice. */
  const installFails = (text: string, before?: (debian: Debian) => void): string => {
    let said: string[] = [];
    onDebian((debian) => {
      debian.mirror({ a: "" });
      before?.(debian);
      debian.set("fails", "1", text);
      debian.set("fails", "2", text);
      said = debian.converge([], ["a"]);
      expect(debian.installed).toEqual([]);
    });
    expect(said.at(-1)).toBe("status 1");
    return failed(said);
  };

  it.each([
    [
      "another package manager holds apt's lock. Wait for it to end",
      "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)",
    ],
    [
      "this host cannot reach its package mirror. Check its network",
      "E: Failed to fetch http://deb.debian.org/debian/pool/a.deb  Could not connect to deb.debian.org:80",
    ],
    [
      "the package mirror does not have what this host's package lists name (404)",
      "E: Failed to fetch http://deb.debian.org/debian/pool/a.deb  404  Not Found [IP: 151.101.2.132 80]",
    ],
    [
      "one of this host's package sources is not signed by a key that apt trusts",
      "WARNING: The following packages cannot be authenticated!\n  a\nE: There were unauthenticated packages and -y was used without --allow-unauthenticated",
    ],
    [
      "a held package is in the way (apt-mark showhold lists them)",
      "E: Held packages were changed and -y was used without --allow-change-held-packages.",
    ],
    [
      "other packages of this host are broken. Mend them (dpkg --configure -a; apt-get -f install)",
      "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution).",
    ],
    [
      "this host's package sources do not have what it depends on (a : Depends: nosuchthing but it is not installable)",
      "The following packages have unmet dependencies:\n a : Depends: nosuchthing but it is not installable\nE: Unable to correct problems, you have held broken packages.",
    ],
    ["the disk is full. Free some", "E: You don't have enough free space in /var/cache/apt/archives/."],
    [
      "dpkg failed",
      "dpkg: error processing package a (--configure):\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
    ],
    ["apt-get failed [apt: E: Something new]", "E: Something new"],
  ])("is told as: %s", (told, text) => {
    expect(installFails(text).startsWith(told), installFails(text)).toBe(true);
  });

  it("of held packages is told only where one is held", () => {
    const text =
      "The following packages have unmet dependencies:\n a : Conflicts: b but 1 is to be installed\nE: Unable to correct problems, you have held broken packages.";
    expect(installFails(text)).not.toContain("or a held package");
    expect(
      installFails(text, (debian) => {
        debian.set("hold", "b");
      }),
    ).toContain("(a : Conflicts: b but 1 is to be installed), or a held package is in the way: b");
  });

  it("of an unknown package is told with its name, or why the lists do not have it", () => {
    onDebian((debian) => {
      debian.mirror({ a: "" });
      let said = debian.converge([], ["a", "nosuch"]);
      expect(said).toEqual([
        LISTS,
        "error: bundle app: package nosuch cannot be installed: no package of that name in this host's package lists. Check the host's package sources (/etc/apt/sources.list and sources.list.d; Debian's main has it) [apt: E: Unable to locate package nosuch]",
        "status 1",
      ]);
      debian.nextUpdateSays("W: Failed to fetch http://deb.debian.org/x  Could not resolve 'deb.debian.org'");
      said = debian.converge([], ["nosuch"]);
      expect(said.at(-2)).toMatch(
        /package nosuch cannot be installed: this host cannot reach its package mirror/,
      );
    });
  });

  it("once is mended: by a dpkg that ends what it began, or by new lists", () => {
    onDebian((debian) => {
      debian.mirror({ a: "" });
      debian.set("fails", "1", "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'");
      expect(debian.converge([], ["a"])).toEqual(["  installing a", "status 0"]);
      expect(debian.calls).toContain("dpkg --force-confold --configure -a");
      debian.converge(["a"], []);
      debian.set("fails", "1", "E: Sub-process /usr/bin/dpkg received signal 9.");
      debian.set("fails", "2", "E: Failed to fetch http://deb.debian.org/a.deb  404  Not Found");
      expect(debian.converge([], ["a"])).toEqual(["  installing a", LISTS, "status 0"]);
    });
  });
});
