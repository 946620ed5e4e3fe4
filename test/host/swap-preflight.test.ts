import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { onSwapHost, type SwapHost } from "./swap-host";

const GiB = 1024 ** 3;

/** What is refused, without the fix. */
function refused(host: SwapHost, name: string, before = ""): string[] {
  const facts = `folder_facts() { FS_TYPE=ext2/ext3 FS_FREE=${4 * GiB}; }`;
  return host.problems({}, host.bundle(name, 1), `${facts}\n${before}`).map((text) => {
    expect(text).toMatch(
      /^goblin-host:swap\.path: .* Fix: pulumi config set --path 'goblin-host:swap\.path' \//,
    );
    return text.replace(/^goblin-host:swap\.path: (.*)\. Fix: .*$/, "$1");
  });
}

describe("the path of a swap file", () => {
  it("may be new, or swap already: anything else there is somebody's", () => {
    onSwapHost((host) => {
      expect(refused(host, "swapfile")).toEqual([]);
      host.swapFile("swapfile");
      expect(refused(host, "swapfile")).toEqual([]);
      writeFileSync(host.at("model.gguf"), Buffer.alloc(10_000, 1));
      const ours =
        "exists and is no swap file, so it stays as it is. Allowed: a file that does not exist yet, or a swap file";
      expect(refused(host, "model.gguf")).toEqual([`/model.gguf ${ours}`]);
      // Also one that an earlier apply made, whose content is another now.
      const bundle = host.bundle("model.gguf", 1);
      expect(host.problems(bundle, bundle)).toEqual([
        `goblin-host:swap.path: /model.gguf ${ours}. Fix: pulumi config set --path 'goblin-host:swap.path' /swapfile`,
      ]);
      writeFileSync(host.at("empty"), "");
      expect(refused(host, "empty")).toEqual([`/empty ${ours}`]);
      host.on("model.gguf");
      expect(refused(host, "model.gguf")).toEqual([]);
    });
  });

  it("is no folder, no link, and nothing that we would write beside it is there", () => {
    onSwapHost((host) => {
      mkdirSync(host.at("folder"));
      expect(host.problems({}, host.bundle("folder", 1))).toEqual([
        "goblin-host:swap.path: /folder is a folder. Allowed: a file that does not exist yet, or a swap file. Fix: pulumi config set --path 'goblin-host:swap.path' /folder/swapfile",
      ]);
      symlinkSync("nowhere", host.at("link"));
      expect(refused(host, "link")).toEqual(["/link is no regular file (a link or a device)"]);
      expect(refused(host, "no/swapfile")).toEqual(["the folder /no does not exist"]);
      const bundle = { swapFiles: { [`${host.folder}/folder/../swapfile`]: { size: "1", priority: "10" } } };
      expect(host.problems({}, bundle)).toEqual([
        "goblin-host:swap.path: /folder/../swapfile is no plain absolute path. Fix: pulumi config set --path 'goblin-host:swap.path' /swapfile",
      ]);
      writeFileSync(host.at("swapfile.goblin-original"), "");
      expect(refused(host, "swapfile")).toEqual([
        "/swapfile.goblin-original is in the way of what this project makes beside /swapfile: move it away, or take another path",
      ]);
    });
  });

  it("is below folders that only root may write, and under no other name", () => {
    onSwapHost((host) => {
      const unsafe = (stat: string, path = "/srv/swap/file"): string[] =>
        host.run({}, {}, `stat() { ${stat}; }; real_unsafe_folder '${path}'; printf '%s\\n' "$REPLY"`);
      const facts = (mode: string, owner: number): string =>
        `local name; for name in "\${@:4}"; do echo "755 0 $name"; done | sed 's#^755 0 /srv$#${mode} ${owner} /srv#'`;
      expect(unsafe(facts("755", 0))).toEqual([]);
      expect(unsafe(facts("1755", 0))).toEqual([]);
      for (const [mode, owner] of [
        ["1777", 0],
        ["775", 0],
        ["757", 0],
        ["755", 1000],
      ] as const)
        expect(unsafe(facts(mode, owner))).toEqual([
          `others than root may write /srv (mode ${mode}, owner ${owner})`,
        ]);
      mkdirSync(host.at("real"));
      symlinkSync("real", host.at("linked"));
      expect(unsafe(facts("755", 0), join(host.at("linked"), "swapfile"))).toEqual([
        "/linked is a link, and the kernel would show the swap file under another path",
      ]);
    });
  });

  it("is on a filesystem that can hold one", () => {
    onSwapHost((host) => {
      const on = (type: string): string[] =>
        refused(host, "swapfile", `folder_facts() { FS_TYPE=${type} FS_FREE=0; }`);
      expect(on("btrfs")).toEqual([
        "/swapfile is on btrfs, where swap files do not work. Allowed: a folder on ext4 or xfs",
      ]);
    });
  });
});

describe("the size of a swap file", () => {
  it("leaves a gibibyte of the disk; what is ours counts as free, and the owner's does not", () => {
    onSwapHost((host) => {
      const fits = (mebibytes: number, was = {}): string[] =>
        host.problems(
          was,
          host.bundle("swapfile", mebibytes),
          `folder_facts() { FS_TYPE=xfs FS_FREE=${3 * GiB}; }`,
        );
      const refusal = (shown: string, free: number, fix: number): string[] => [
        `goblin-host:swap.size: ${shown} do not fit on the disk of /swapfile, which has ${free} MiB free (1 GiB stays free). Fix: pulumi config set --path 'goblin-host:swap.size' ${fix}GiB`,
      ];
      expect(fits(2048)).toEqual([]);
      expect(fits(2049)).toEqual(refusal("2049 MiB", 3072, 2));
      host.swapFile("swapfile", 512);
      expect(fits(2049)).toEqual(refusal("2049 MiB", 3072, 2));
      const was = host.bundle("swapfile", 512);
      writeFileSync(host.at("state/originals/x"), "");
      host.run(was, {}, 'record_original swapFiles "$PWD/swapfile" - -');
      expect(fits(2049, was)).toEqual([]);
      expect(fits(2561, was)).toEqual(refusal("2561 MiB", 3584, 2));
      expect(readFileSync(host.at("swaps"), "utf8").split("\n")).toHaveLength(2);
      // One that is on as declared needs nothing, whoever has made it.
      host.on("swapfile", 10, 2560);
      expect(fits(2560)).toEqual([]);
    });
  });
});

describe("swap that is switched off", () => {
  /** Why the swap of 1 MiB, with 600 KiB in use, cannot be switched off. */
  const why = (host: SwapHost, text = ""): string[] =>
    host.run({}, {}, `${text}\ncan_swapoff "$PWD/swapfile" 0; printf '%s\\n' "$REPLY"`);

  function cgroup(host: SwapHost, name: string, files: Record<string, string>): void {
    mkdirSync(host.at(`cgroups/${name}`), { recursive: true });
    for (const [file, text] of Object.entries(files))
      writeFileSync(host.at(`cgroups/${name}/${file}`), `${text}\n`);
  }

  it("must fit into memory and the other swaps, of which zram's take memory themselves", () => {
    onSwapHost((host) => {
      host.on("swapfile", 10, 1, 600);
      expect(why(host)).toEqual([]);
      writeFileSync(host.at("meminfo"), "MemAvailable: 500 kB\n");
      expect(why(host)).toEqual([
        "/swapfile holds 1 MiB that fits into neither memory nor the other swaps: stop a workload (systemctl stop ollama), then run this again",
      ]);
      const zram = 'SEEN_SWAP[/dev/zram0]="partition 1048576 0 100"';
      expect(why(host, zram)).toEqual([]);
      mkdirSync(host.at("block/zram0"), { recursive: true });
      writeFileSync(host.at("block/zram0/mm_stat"), "0 0 102400 102400 0 0 0 0 0\n");
      expect(why(host, zram)).toHaveLength(1);
      host.on("other.img", -2);
      expect(why(host)).toEqual([]);
    });
  });

  it("must fit into each cgroup, where page cache gives way and tmpfs does not", () => {
    onSwapHost((host) => {
      host.on("swapfile", 10, 1, 600);
      const files = { "memory.max": "2000000", "memory.current": "1900000", "memory.swap.current": "300000" };
      cgroup(host, "system.slice/a.service", { ...files, "memory.stat": "anon 1\nfile 250000\nshmem 0" });
      cgroup(host, "free.slice", { ...files, "memory.max": "max" });
      expect(why(host)).toEqual([]);
      cgroup(host, "system.slice/a.service", { ...files, "memory.stat": "file 250000\nshmem 100000" });
      expect(why(host)).toEqual([
        "/swapfile cannot be switched off: the cgroup /system.slice/a.service is near its memory limit and has 0 B swapped, which would not fit into it, so that the kernel would kill there. Stop it or raise its limit, then run this again",
      ]);
      host.on("other.img", -2, 1);
      expect(why(host)).toEqual([]);
    });
  });
});
