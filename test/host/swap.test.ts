import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failAtEachStep, type Sections } from "./loaded";
import { inFolder } from "./manager";
import { onSwapHost, SwapHost } from "./swap-host";

const MiB = 1024 ** 2;

/** A host whose owner swaps to two files of fstab, one of them where ours shall be. */
const OWNERS_FSTAB = (host: SwapHost): string =>
  `# swap of the owner\nUUID=1-2 / ext4 defaults 0 1\n/dev/vda2 none swap sw 0 0\n \t${host.at("swapfile")}\tnone\tswap sw,pri=5\t0 0\n` +
  `${host.at("swap\\0402.img")} none  swap`;

function furnish(host: SwapHost): void {
  host.fstab = OWNERS_FSTAB(host);
  chmodSync(host.at("fstab"), 0o640);
  host.swapFile("swapfile");
  host.swapFile("swap 2.img");
  host.on("swapfile", 5);
  host.on("swap 2.img");
}

const onOwnersHost = (action: (host: SwapHost) => void): void => {
  onSwapHost((host) => {
    furnish(host);
    action(host);
  });
};

describe("a swap file", () => {
  it("is made, resized, given another priority and removed", () => {
    onSwapHost((host) => {
      const small = host.bundle("swapfile", 1);
      expect(host.converge({}, small)).toEqual([
        "  swap file /swapfile: 1 MiB, on at priority 10",
        "status 0",
      ]);
      expect(statSync(host.at("swapfile")).mode & 0o777).toBe(0o600);
      expect(host.swaps).toEqual(["swapfile 1020 10"]);
      expect(host.converge(small, small)).toEqual(["status 0"]);
      const large = host.bundle("swapfile", 3);
      expect(host.converge(small, large)).toEqual([
        "  swap file /swapfile: 3 MiB, on at priority 10",
        "status 0",
      ]);
      const inode = statSync(host.at("swapfile")).ino;
      expect(host.converge(large, host.bundle("swapfile", 3, "7"))).toHaveLength(2);
      expect(host.swaps).toEqual(["swapfile 3068 7"]);
      expect(statSync(host.at("swapfile"))).toMatchObject({ ino: inode, size: 3 * MiB });
      expect(host.converge(large, {})).toEqual(["  removed the swap file /swapfile", "status 0"]);
      expect([host.swaps, host.files, host.list("originals")]).toEqual([[], [], []]);
    });
  });

  it("is told by the kernel's size of a page", () => {
    onSwapHost((host) => {
      const states = `for PAGE_SIZE in 4096 65536; do swap_file_state "$PWD/swapfile"; echo "$PAGE_SIZE \${REPLY:-well}"; done`;
      host.on("swapfile", 10);
      expect(host.run({}, host.bundle("swapfile", 1), states)).toEqual([
        "4096 well",
        "65536 on with 1110016 B",
      ]);
      host.swapFile("swapfile", 1, 65536);
      const signature = `SEEN_SWAP=(); for PAGE_SIZE in 4096 65536; do is_swap "$PWD/swapfile"; echo "\${ANSWER:-no}"; done`;
      expect(host.run({}, {}, signature)).toEqual(["no", "yes"]);
    });
  });

  it("has exactly its size, by dd only where the filesystem cannot allocate", () => {
    onSwapHost((host) => {
      const allocate = (fallocate: string): string[] =>
        host
          .run(
            {},
            {},
            `fallocate() { ${fallocate}; }
          dd() { echo dd; command dd "$@"; }
          make() { make_swap_file "$PWD/new" 5000000 "$PWD/swapfile"; place_prepared; stat -c '%s %a' swapfile; }
          attempt make; echo "status $STATUS"; ls`,
          )
          .filter((line) => /dd|status|5000000|error|new|swapfile/.test(line));
      expect(allocate("echo 'fallocate: fallocate failed: Operation not supported' >&2; return 1")).toEqual([
        "dd",
        "5000000 600",
        "status 0",
        "swapfile",
      ]);
      rmSync(host.at("swapfile"));
      const full = 'command fallocate -l 4096 -- "$4" || command fallocate "$@"';
      expect(
        allocate(`${full}; echo 'fallocate: fallocate failed: No space left on device' >&2; return 1`),
      ).toEqual([
        "error: bundle swap: no 5000000 B could be allocated at /new: No space left on device",
        "status 1",
      ]);
      // One that lies about it.
      expect(allocate('truncate -s 4096 -- "$4"')).toEqual([
        "error: bundle swap: /new has 4096 bytes after 5000000 were allocated",
        "status 1",
      ]);
      mkdirSync(host.at("new"));
      expect(allocate('command fallocate "$@"')).toEqual([
        "error: bundle swap: /new is in the way of a swap file that is made there. Move it away, then run this again",
        "status 1",
        "new",
      ]);
    });
  });

  it("is never made in the place of what somebody put there meanwhile", () => {
    onSwapHost((host) => {
      const race = `drop_half_made() { printf theirs >"$PWD/theirs"; ln -sf "$PWD/theirs" "$1"; }
        attempt make_swap_file "$PWD/new" 1048576 "$PWD/swapfile"; echo "status $STATUS"; cat theirs`;
      expect(host.run({}, {}, race).slice(-3)).toEqual([
        "error: bundle swap: /new cannot be made",
        "status 1",
        "theirs",
      ]);
    });
  });

  it("in which something else lies now is neither replaced nor removed", () => {
    onSwapHost((host) => {
      const ours = host.bundle("swapfile", 1);
      host.converge({}, ours);
      host.run(ours, {}, 'swapoff -- "$PWD/swapfile"; echo a model >swapfile');
      expect(host.converge(ours, ours)).toEqual([
        "error: bundle swap: /swapfile is no swap file, so it stays as it is. Move it away, then run this again",
        "status 1",
      ]);
      expect(host.converge(ours, {})).toEqual([
        "  kept /swapfile, which is no swap file any more",
        "status 0",
      ]);
      expect(readFileSync(host.at("swapfile"), "utf8")).toBe("a model\n");
    });
  });

  it("is on again after a removal that could not empty it, and then another apply", () => {
    onSwapHost((host) => {
      const ours = host.bundle("swapfile", 1);
      host.converge({}, ours);
      // Emptied itself, but not the bridge that a killed resize left.
      host.swapFile("swapfile.goblin-bridge");
      host.on("swapfile.goblin-bridge", 10);
      for (const refused of ["swapoff swapfile.goblin-bridge", "swapoff swapfile"]) {
        expect(host.converge(ours, {}, `REFUSED="${refused}"`).at(-1)).toBe("status 1");
        host.converge(ours, ours);
        expect(host.swaps).toEqual(["swapfile 1020 10"]);
        expect(host.files).toEqual(["swapfile"]);
      }
      expect(host.converge(ours, {}, 'LIES="swapoff swapfile"').slice(-2)).toEqual([
        "error: bundle swap: /swapfile is still on after swapoff",
        "status 1",
      ]);
      expect(host.list("originals")).toHaveLength(1);
      expect(existsSync(host.at("swapfile"))).toBe(true);
    });
  });

  it("keeps its pages in a bridge while it is made anew, and stays on where they fit nowhere", () => {
    onSwapHost((host) => {
      const small = host.bundle("swapfile", 1);
      host.converge({}, small);
      writeFileSync(host.at("meminfo"), "MemAvailable: 100 kB\n");
      writeFileSync(host.at("swaps"), readFileSync(host.at("swaps"), "utf8").replace(" 0 10", " 800 10"));
      const log = `folder_facts() { FS_TYPE=ext2/ext3 FS_FREE=$FREE; }
        mkswap() { echo "made \${2##*/}" >&2; command mkswap "$@" 2>/dev/null; }`;
      expect(host.converge(small, host.bundle("swapfile", 2), `FREE=4294967296; ${log}`)).toEqual([
        "made swapfile.goblin-bridge",
        "made swapfile.goblin-new",
        "  swap file /swapfile: 2 MiB, on at priority 10",
        "status 0",
      ]);
      expect(host.files).toEqual(["swapfile"]);
      writeFileSync(host.at("swaps"), readFileSync(host.at("swaps"), "utf8").replace(" 0 10", " 800 10"));
      // The room that counts is the new file's, which cannot stand beside it.
      expect(host.converge(small, host.bundle("swapfile", 1), `FREE=0; ${log}`)).toEqual([
        "error: bundle swap: /swapfile holds 1 MiB that fits into neither memory nor the other swaps: stop a workload (systemctl stop ollama), then run this again",
        "status 1",
      ]);
      expect(host.swaps).toEqual(["swapfile 2044 10"]);
    });
  });
});

describe("the owner's swap files", () => {
  it("step aside and come back as they were, and fstab keeps every other byte", () => {
    onOwnersHost((host) => {
      const ours = host.bundle("swapfile", 2);
      expect(host.converge({}, ours)).toEqual([
        "  took over the swap file /swapfile (off now; given back on removal)",
        "  took over the swap file /swap 2.img (off now; given back on removal)",
        "  swap file /swapfile: 2 MiB, on at priority 10",
        "status 0",
      ]);
      expect(host.fstab).toBe(
        OWNERS_FSTAB(host)
          .replace(" \t/", "#goblin-host#  \t/")
          .replace(/\n(?=[^\n]*$)/, "\n#goblin-host# "),
      );
      expect(statSync(host.at("fstab")).mode & 0o777).toBe(0o640);
      expect(host.files).toEqual(["swap 2.img", "swapfile", "swapfile.goblin-original"]);
      // What else the owner writes meanwhile stays.
      host.fstab = `${host.fstab}\ntmpfs /scratch tmpfs noauto 0 0\n\n`;
      expect(host.converge(ours, {})).toEqual([
        "  removed the swap file /swapfile",
        "  swap file /swap 2.img is on again",
        "  swap file /swapfile is on again",
        "status 0",
      ]);
      expect(host.fstab).toBe(`${OWNERS_FSTAB(host)}\ntmpfs /scratch tmpfs noauto 0 0\n\n`);
      expect(host.swaps.sort()).toEqual(["swap\\0402.img 1020 -2", "swapfile 1020 5"]);
      expect([host.list("originals"), host.files]).toEqual([[], ["swap 2.img", "swapfile"]]);
      expect(host.list("pending")).toEqual(["reload"]);
    });
  });

  it("leave nothing beside fstab where a run was killed before that took its place", () => {
    onOwnersHost((host) => {
      const ours = host.bundle("swapfile", 2);
      host.converge({}, ours);
      host.fstab = OWNERS_FSTAB(host);
      writeFileSync(host.at(".fstab.goblin-new"), "");
      expect(host.converge(ours, {}).at(-1)).toBe("status 0");
      expect(host.files).toEqual(["swap 2.img", "swapfile"]);
      expect(host.fstab).toBe(OWNERS_FSTAB(host));
    });
  });

  it("stay away while ours moves to another path", () => {
    onOwnersHost((host) => {
      host.converge({}, host.bundle("swapfile", 2));
      expect(host.converge(host.bundle("swapfile", 2), host.bundle("other.img", 2))).toEqual([
        "  removed the swap file /swapfile",
        "  swap file /other.img: 2 MiB, on at priority 10",
        "status 0",
      ]);
      expect(host.swaps).toEqual(["other.img 2044 10"]);
      host.converge(host.bundle("other.img", 2), {});
      expect(host.swaps.sort()).toEqual(["swap\\0402.img 1020 -2", "swapfile 1020 5"]);
      expect(host.fstab).toBe(OWNERS_FSTAB(host));
    });
  });

  it("that cannot be switched on again are said, and tried again by the next run", () => {
    onOwnersHost((host) => {
      const ours = host.bundle("swapfile", 2);
      host.converge({}, ours);
      expect(host.converge(ours, {}, 'REFUSED="swapon swapfile" LIES="swapon 2.img"')).toEqual([
        "  removed the swap file /swapfile",
        "  swap file /swap 2.img is on again",
        expect.stringMatching(
          /^warning: \/swapfile was swapped to before and cannot be switched on again: .*Cannot allocate memory\. Mend it/,
        ),
        "status 0",
      ]);
      expect(host.list("pending")).toHaveLength(2);
      expect(host.converge({}, {}, 'LIES="swapon swapfile"')).toEqual([
        "warning: /swapfile was swapped to before and is not on after swapon; the next run tries again",
        "status 0",
      ]);
      expect(host.converge({}, {})).toEqual(["  swap file /swapfile is on again", "status 0"]);
      expect(host.list("pending")).toEqual(["reload"]);
    });
  });

  it("of which one was deleted where it lay: ours goes all the same", () => {
    onOwnersHost((host) => {
      const ours = host.bundle("swapfile", 2);
      host.converge({}, ours);
      rmSync(host.at("swapfile.goblin-original"));
      expect(host.converge(ours, host.bundle("swapfile", 3))).toHaveLength(2);
      expect(host.files).toEqual(["swap 2.img", "swapfile"]);
      expect(host.converge(ours, {})).toEqual([
        "  removed the swap file /swapfile",
        "  swap file /swap 2.img is on again",
        "warning: /swapfile was swapped to before, and is not there any more",
        "status 0",
      ]);
    });
  });
});

describe("swap files, whatever step fails", () => {
  // A dozen runs of the manager for each step.
  const LONG = 120_000;

  /** With a failure at each step of the second of two runs; the third has none. */
  function each(
    first: boolean,
    wanted: (host: SwapHost) => [was: Sections, want: Sections, again: Sections],
  ): number {
    let steps = 0;
    inFolder((folder) => {
      let host = new SwapHost(folder);
      const prepare = (): void => {
        for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
        host = new SwapHost(folder);
        furnish(host);
        const [was] = wanted(host);
        if (!first) host.converge({}, was);
      };
      steps = failAtEachStep(folder, false, prepare, ({ name, before }) => {
        const [was, want, again] = wanted(host);
        const fstab = host.fstab;
        host.converge(was, want, before);
        // The table is the one or the other, and whole.
        const lines = (text: string): string => text.replaceAll("#goblin-host# ", "");
        expect(lines(host.fstab), name).toBe(lines(fstab));
        expect(host.converge({ ...was, ...want }, again), name).toContain("status 0");
        if (again !== want) host.converge(again, {});
        host.converge({}, {});
        expect(host.fstab, name).toBe(OWNERS_FSTAB(host));
        expect(host.swaps.sort(), name).toEqual(["swap\\0402.img 1020 -2", "swapfile 1020 5"]);
        const notes = host.list("pending").filter((note) => note !== "reload");
        expect([host.list("originals"), host.files, notes], name).toEqual([
          [],
          ["swap 2.img", "swapfile"],
          [],
        ]);
      });
    });
    return steps;
  }

  it(
    "of an apply: the removal gives back what there was",
    () => {
      expect(each(true, (host) => [{}, host.bundle("swapfile", 2), {}])).toBeGreaterThan(5);
    },
    LONG,
  );

  it(
    "of a removal: another apply takes over again",
    () => {
      expect(
        each(false, (host) => [host.bundle("swapfile", 2), {}, host.bundle("swapfile", 2)]),
      ).toBeGreaterThan(5);
    },
    LONG,
  );
});

describe("fstab", () => {
  const edited = (host: SwapHost, before = ""): string[] =>
    host.run({}, {}, `${before}\nattempt edit_fstab set-aside; echo "status $STATUS"; ls -A | grep fstab`);

  it("is what it was where the disk is full, and where it holds a byte 0", () => {
    onOwnersHost((host) => {
      // Nothing that is written fits.
      const full = "cp() { command cp \"$@\" && trap '' XFSZ && ulimit -f 0; }";
      expect(edited(host, full)).toEqual([
        expect.stringMatching(/write error: File too large$/),
        expect.stringMatching(/^error: bundle swap: \/fstab cannot be written; it is as it was$/),
        "status 1",
        "fstab",
      ]);
      expect(host.fstab).toBe(OWNERS_FSTAB(host));
      host.fstab = `${OWNERS_FSTAB(host)}\n\0 behind it\n`;
      expect(edited(host)).toEqual([
        expect.stringMatching(
          /^error: bundle swap: \/fstab holds a byte 0, or somebody is writing it; it is as it was/,
        ),
        "status 1",
        "fstab",
      ]);
      expect(host.fstab).toBe(`${OWNERS_FSTAB(host)}\n\0 behind it\n`);
    });
  });

  it("stays a link, and is not touched where nothing is to be changed", () => {
    onOwnersHost((host) => {
      const text = host.fstab;
      rmSync(host.at("fstab"));
      mkdirSync(host.at("elsewhere"));
      writeFileSync(host.at("elsewhere/table"), text);
      symlinkSync("elsewhere/table", host.at("fstab"));
      expect(edited(host)).toEqual(["status 0", "fstab"]);
      expect(readFileSync(host.at("elsewhere/table"), "utf8")).toContain("#goblin-host# ");
      const { ino } = statSync(host.at("elsewhere/table"));
      expect(edited(host)).toEqual(["status 0", "fstab"]);
      expect(statSync(host.at("elsewhere/table")).ino).toBe(ino);
      expect(readFileSync(host.at("fstab"), "utf8")).toContain("#goblin-host# ");
    });
  });
});
