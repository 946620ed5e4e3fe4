/** Where the monitor reads and writes. In a container the host's folders are mounted elsewhere. */
export interface Roots {
  /** The host's procfs; default /proc. */
  readonly procfs: string;
  /** sysfs; default /sys. */
  readonly sysfs: string;
  /** The host's cgroup v2 tree; default /sys/fs/cgroup. */
  readonly cgroup: string;
  /** The host's root, as a prefix of the models' path; default /. */
  readonly rootfs: string;
  /** A folder on the host's root filesystem, which that is measured by; default /etc/ai-resource-monitor. */
  readonly etc: string;
  /** Rendered outputs, the socket and the lock; default /run/ai-resource-monitor. */
  readonly run: string;
  /** The alerts' state and the history; default /var/lib/ai-resource-monitor. */
  readonly state: string;
  /** alerts.log; default /var/log/ai-monitoring. */
  readonly log: string;
  /** What ai-resource-manager tells: last-verify.json and monitor-request; only read. Default /run/ai-resource-manager. */
  readonly manager: string;
}

export const DEFAULT_ROOTS: Roots = {
  procfs: "/proc",
  sysfs: "/sys",
  cgroup: "/sys/fs/cgroup",
  rootfs: "/",
  etc: "/etc/ai-resource-monitor",
  run: "/run/ai-resource-monitor",
  state: "/var/lib/ai-resource-monitor",
  log: "/var/log/ai-monitoring",
  manager: "/run/ai-resource-manager",
};
