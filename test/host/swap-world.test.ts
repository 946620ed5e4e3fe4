import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { loadVersion, type Sections } from "./loaded";
import { bashWithStore, inFolder } from "./manager";

const ZRAM: Sections = { zram: { zram0: { size: "1048576", priority: "100" } } };

/** What is said of a host with these files; its folder's name is taken out. */
function said(files: Record<string, string>, text: string, want = ZRAM): string[] {
  return inFolder((folder) => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return bashWithStore(
      `exec 2>&1
      NAME=zram PROBLEMS=()
      GENERATOR_DROP_INS=(${folder}/etc ${folder}/usr)
      ${loadVersion(folder, "WANT", want)}
      ${text}
      printf '%s\\n' "\${PROBLEMS[@]}"`,
      folder,
      {
        ZSWAP: join(folder, "zswap"),
        KUBELET_CONFIG: join(folder, "kubelet.yaml"),
        KUBELET_ENABLED: join(folder, "kubelet.service"),
        KERNEL_COMMAND_LINE: join(folder, "cmdline"),
        SWAPS: join(folder, "swaps"),
      },
    )
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replaceAll(folder, ""));
  });
}

it("another configuration of zram-generator for our device is refused, and one for another is not", () => {
  const other = "# [zram0]\n[zram1]\nzram-size = 512\n";
  expect(
    said({ "etc/10.conf": other, "usr/20.conf": "\n [zram0] \nzram-size=1" }, "preflight_generator zram0"),
  ).toEqual([
    "/usr/20.conf has a section [zram0], which zram-generator takes before the one of /etc/systemd/zram-generator.conf: move that file away, or take the section out of it",
  ]);
});

it("a configuration that one of its name further up hides is none", () => {
  const files = { "etc/20.conf": "", "usr/20.conf": "[zram0]\n" };
  expect(said(files, "preflight_generator zram0")).toEqual([]);
});

it.each(["0", "no", "off", "false"])("a kernel with systemd.zram=%s is refused", (value) => {
  expect(said({ cmdline: `quiet systemd.zram=${value} ro\n` }, "preflight_generator zram0")).toEqual([
    `this kernel was started with systemd.zram=${value}, with which zram-generator makes no device. Take it out of GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot`,
  ]);
});

it("a kernel without such a parameter, and a host without a drop-in, is not", () => {
  expect(said({ cmdline: "quiet systemd.zram=1\n" }, "preflight_generator zram0")).toEqual([]);
  expect(said({}, "preflight_generator zram0")).toEqual([]);
});

it("zswap is warned of where it is on", () => {
  expect(said({ zswap: "Y\n" }, "warn_of_zswap")).toEqual([expect.stringContaining("warning: zswap is on")]);
  expect(said({ zswap: "N\n" }, "warn_of_zswap")).toEqual([]);
  expect(said({}, "warn_of_zswap")).toEqual([]);
});

it("swap of the owner's that fills before zram is warned of, and none of ours", () => {
  const swaps =
    "Filename Type Size Used Priority\n/dev/zram0 partition 1020 0 100\n/dev/sdb2 partition 1020 0 200\n/swap file 1020 0 100\n";
  expect(said({ swaps }, "warn_of_other_swap")).toEqual([
    "warning: /dev/sdb2 is swap of priority 200 and fills before /dev/zram0, which has 100. To change that: swapoff /dev/sdb2, or give it a lower priority where it is set (/etc/fstab)",
  ]);
  expect(said({ swaps }, "warn_of_other_swap", {})).toEqual([]);
  const both: Sections = { ...ZRAM, swapFiles: { "/dev/sdb2": { size: "1" } } };
  expect(said({ swaps }, "warn_of_other_swap", both)).toEqual([]);
});

it("a kubelet that swap would keep from starting is refused", () => {
  const refused = [
    expect.stringMatching(
      /^kubelet is enabled here and does not start while swap is on\. Let it: failSwapOn: false in /,
    ),
  ];
  expect(said({ "kubelet.service": "" }, "preflight_kubelet")).toEqual(refused);
  expect(
    said({ "kubelet.service": "", "kubelet.yaml": "kind: X\nfailSwapOn: true\n" }, "preflight_kubelet"),
  ).toEqual(refused);
  expect(
    said({ "kubelet.service": "", "kubelet.yaml": "kind: X\nfailSwapOn: false" }, "preflight_kubelet"),
  ).toEqual([]);
  expect(said({}, "preflight_kubelet")).toEqual([]);
});
