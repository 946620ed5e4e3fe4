import {
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from "node:fs";
import { join } from "node:path";
import { isRoot, runner } from "../../sandbox/image";
import { excludedPaths, packages } from "../../sandbox/image-recipe";
import { readMachineApt } from "../../sandbox/machine-apt";
import type { Release } from "../../sandbox/release";

const SECTOR = 512;
/** Where a partition usually begins. */
const FIRST_SECTOR = 2048;
const SECTORS = (3 * 1024 ** 3) / SECTOR;
const LABEL = "cloudimg-rootfs";

/** What a provider's image has beside what this project's own has. */
const PROVIDERS = [
  ...["cloud-guest-utils", "cloud-init", "e2fsprogs", "grub-common", "grub-pc-bin", "initramfs-tools"],
  ...["locales", "netplan.io", "python3", "systemd-resolved"],
];

const GRUB = `linux /vmlinuz root=LABEL=${LABEL} ro console=ttyS0
initrd /initrd.img
boot
`;

/**
 * Makes a cloud image as a provider's are: a partitioned disk with a boot loader for BIOS, cloud-init, and a network of its
 * own. Only that its packages are those that the sandbox wants anyway, so that adopting it takes minutes.
 * @param folder for what is made on the way
 * @returns the image, for QEMU
 */
export async function makeCloudImage(folder: string, release: Release): Promise<string> {
  const apt = await readMachineApt(release);
  mkdirSync(join(folder, "tmp"), { mode: 0o1777 });
  const run = runner(folder, () => undefined);
  writeFileSync(join(folder, "grub.cfg"), GRUB);
  writeFileSync(join(folder, "fstab"), `LABEL=${LABEL} / ext4 defaults 0 1\n`);
  const modules = "biosdisk part_msdos ext2 normal linux configfile";
  await run("mmdebstrap", [
    "--variant=minbase",
    `--include=${[...packages, ...PROVIDERS].join(",")}`,
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...apt.config.map((line) => `--aptopt=${line}`),
    '--customize-hook=mkdir -p "$1/boot/grub"',
    "--customize-hook=copy-in grub.cfg /boot/grub",
    "--customize-hook=copy-in fstab /etc",
    `--customize-hook=chroot "$1" grub-mkimage -O i386-pc -o /boot/core.img -p '(hd0,msdos1)/boot/grub' ${modules}`,
    '--customize-hook=chroot "$1" systemctl enable --quiet systemd-networkd ssh',
    release,
    join(folder, "root.tar"),
    ...apt.sources,
  ]);
  const disk = join(folder, "disk.raw");
  writeFileSync(disk, "");
  truncateSync(disk, SECTORS * SECTOR);
  const kilobytes = ((SECTORS - FIRST_SECTOR) * SECTOR) / 1024;
  const shell = [
    "sh",
    "-c",
    [
      "set -eu",
      "mkdir root",
      "tar --extract --file=root.tar --directory=root --numeric-owner",
      "cp root/usr/lib/grub/i386-pc/boot.img root/boot/core.img .",
      `mke2fs -q -t ext4 -L ${LABEL} -E offset=${FIRST_SECTOR * SECTOR},assume_storage_prezeroed=1 -d root disk.raw ${kilobytes}k`,
    ].join("\n"),
  ];
  await (isRoot ? run("env", shell) : run("fakeroot", shell));
  writeLoader(disk, readFileSync(join(folder, "boot.img")), readFileSync(join(folder, "core.img")));
  const image = join(folder, "cloud.qcow2");
  await run("qemu-img", ["convert", "-O", "qcow2", "disk.raw", image]);
  await run("rm", ["-rf", "--one-file-system", "root"]);
  for (const name of ["root.tar", "disk.raw"]) rmSync(join(folder, name));
  return image;
}

/** The first sector, with the one partition in it, and what that loads from behind it. */
function writeLoader(disk: string, boot: Buffer, core: Buffer): void {
  if (core.length > (FIRST_SECTOR - 1) * SECTOR)
    throw new Error("the boot loader has no room before the partition");
  const sector = Buffer.alloc(SECTOR);
  boot.copy(sector, 0, 0, 440);
  sector[446] = 0x80; // active
  sector[450] = 0x83; // Linux
  sector.writeUInt32LE(FIRST_SECTOR, 454);
  sector.writeUInt32LE(SECTORS - FIRST_SECTOR, 458);
  sector.writeUInt16LE(0xaa55, 510);
  const file = openSync(disk, "r+");
  writeSync(file, sector, 0, SECTOR, 0);
  writeSync(file, core, 0, core.length, SECTOR);
  closeSync(file);
}
