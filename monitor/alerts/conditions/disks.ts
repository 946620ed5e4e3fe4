import type { SettledConfig } from "../../config/schema";
import { percent } from "../../render/numbers";
import { type Filesystem, isRoot, NOT_MOUNTED, type Snapshot } from "../../report/snapshot";
import type { Share, Usage } from "../../report/usage";
import { type AlertInput, fact, partOf, ratioAbove } from "../condition";

export function diskConditions(
  { filesystem, rootFilesystem }: Snapshot,
  { disk, rootDisk }: Usage,
  { models, thresholds }: Pick<SettledConfig, "models" | "thresholds">,
): AlertInput[] {
  const { path } = models;
  // Where models lie on the root's filesystem, that is told of once.
  const isOne = (filesystem !== undefined && isRoot(filesystem)) || path === "/";
  return [
    ...conditions(filesystem, disk, path, thresholds.disk),
    ...(models.mount === "required" ? [mounted(filesystem, path)] : []),
    ...(isOne ? [] : conditions(rootFilesystem, rootDisk, "/", thresholds.disk)),
  ];
}

function conditions(
  filesystem: Filesystem | undefined,
  share: Share | undefined,
  path: string,
  percentage: number,
): AlertInput[] {
  const { space, problem, remountedReadOnly } = filesystem ?? {};
  // Of some filesystems inodes are not counted: their number is 0.
  const inodes = space && (space.files > 0 ? (space.files - space.filesFree) / space.files : 0);
  const unreachable = problem !== undefined && problem !== NOT_MOUNTED;
  return [
    ratioAbove("disk", share?.ratio, percentage, `High disk usage (${path}): ${partOf(share)}`, { path }),
    ratioAbove(
      "disk_inodes",
      inodes,
      percentage,
      `High inode usage (${path}): ${inodes === undefined ? "" : percent(inodes)}`,
      { path },
    ),
    fact(
      "disk_readonly",
      remountedReadOnly,
      remountedReadOnly === true
        ? `Disk (${path}) has become read-only: the kernel saw errors on it`
        : `Disk (${path}) is as it was mounted`,
      { path, severity: "critical" },
    ),
    fact(
      "disk_error",
      filesystem && unreachable,
      unreachable ? `Disk (${path}) cannot be measured: ${problem}` : `Disk (${path}) answers`,
      { path, severity: "critical" },
    ),
  ];
}

function mounted(filesystem: Filesystem | undefined, path: string): AlertInput {
  const { isMount } = filesystem ?? {};
  return fact(
    "disk_mount",
    isMount === undefined ? undefined : !isMount,
    `Disk (${path}) is ${isMount === true ? "mounted" : "not mounted"}`,
    { path, severity: "critical" },
  );
}
