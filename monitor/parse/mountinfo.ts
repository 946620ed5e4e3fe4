import { unescapePath } from "./swap";
import { linesOf } from "./text";

/** A mounted filesystem. */
export interface Mount {
  readonly mountpoint: string;
  /** The filesystem's device, `MAJOR:MINOR`. */
  readonly numbers: string;
  /** Which folder of the filesystem it shows: `/` unless it is a bind mount or a subvolume. */
  readonly root: string;
  readonly device: string;
  readonly fstype: string;
  readonly readOnly: boolean;
  /** Whether the filesystem is read-only and this mount of it is not: the kernel has stopped writing after an error. */
  readonly remountedReadOnly: boolean;
}

/** /proc/PID/mountinfo (proc_pid_mountinfo(5)); a line that is not whole is left out. */
export function parseMountinfo(text: string): Mount[] {
  return linesOf(text).flatMap((line) => {
    const [left, right] = line.split(" - ");
    const [, , numbers, root, mountpoint, options] = left?.split(" ") ?? [];
    const [fstype, device, superOptions] = right?.split(" ") ?? [];
    if (numbers === undefined || root === undefined) return [];
    if (mountpoint === undefined || options === undefined) return [];
    if (fstype === undefined || device === undefined || superOptions === undefined) return [];
    const [mountIs, filesystemIs] = [options, superOptions].map((list) => list.split(",").includes("ro"));
    return [
      {
        mountpoint: unescapePath(mountpoint),
        numbers,
        root: unescapePath(root),
        device: unescapePath(device),
        fstype,
        readOnly: mountIs === true || filesystemIs === true,
        remountedReadOnly: mountIs === false && filesystemIs === true,
      },
    ];
  });
}

/** The mount that a path lies on: the deepest, and of two on the same folder the later, which covers the other. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (!isWithin(path, mount.mountpoint)) continue;
    if (found === undefined || mount.mountpoint.length >= found.mountpoint.length) found = mount;
  }
  return found;
}

function isWithin(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}
