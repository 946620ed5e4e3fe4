import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DOCKER_PACKAGES } from "../../components/docker-engine/render";
import { EARLY_OOM_PACKAGES } from "../../components/early-oom/render";
import { MONITOR_PACKAGES } from "../../components/monitor/render";
import { PROMETHEUS_PACKAGES } from "../../components/prometheus-stack/programs";
import { ZRAM_PACKAGES } from "../../components/zram-device/render";
import { baseImageRecipe } from "./base-image";
import type { MachineApt } from "./machine-apt";
import { DEFAULT_RELEASE, type Release } from "./release";

/** The guest's disk; the file is sparse, so only what the guest writes takes room. */
export const diskBytes = 48 * 1024 ** 3;

/** The tree that is laid over the image. */
export const guestFolder = join(import.meta.dirname, "guest");

/**
 * What a provider's Debian has, no more: the packages that the product installs (jq, zram, earlyoom) are left
 * to it. Docker needs apparmor (dockerd calls apparmor_parser) and iptables, and every server has logrotate; minbase
 * leaves them out.
 */
export const packages: readonly string[] = [
  "apparmor",
  "ca-certificates",
  "dbus",
  "docker.io",
  "iproute2",
  "iptables",
  "kmod",
  "linux-image-cloud-amd64",
  "logrotate",
  "openssh-server",
  "procps",
  "sudo",
  "systemd",
  "systemd-sysv",
  "udev",
];

/** What apt can install in the guest: the product's packages, and those that tests install. A release may lack one. */
export const installable: readonly string[] = [
  ...[
    ...DOCKER_PACKAGES,
    ...EARLY_OOM_PACKAGES,
    ...MONITOR_PACKAGES,
    ...PROMETHEUS_PACKAGES,
    ...ZRAM_PACKAGES,
  ].map(({ name }) => name),
  "bc",
  "btrfs-progs",
  "docker.io",
  "fish",
  "jq",
  "zram-tools",
];

/** Documentation and translations: half of the files of the image, and nothing here reads them. */
export const excludedPaths: readonly string[] = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
];

/** Changes when an image built by older code is no longer what this code would build. */
const format = 2;

/** A name for the image that follows from all it is built from, so that a changed recipe is another image. */
export function imageKey(
  apt: MachineApt,
  guest: readonly GuestFile[],
  release: Release = DEFAULT_RELEASE,
): string {
  const parts = {
    format,
    release,
    diskBytes,
    packages,
    installable,
    excludedPaths,
    baseImageRecipe,
    apt,
    guest,
  };
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** One file of the guest tree. */
export interface GuestFile {
  readonly path: string;
  readonly content: string;
  readonly executable: boolean;
}

/** The files below `folder` in a stable order. */
export function readGuestFiles(folder: string = guestFolder): GuestFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      path: file.slice(folder.length),
      content: readFileSync(file, "utf8"),
      executable: (statSync(file).mode & 0o100) !== 0,
    }));
}
