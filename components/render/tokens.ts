/** What the host fills in when it writes a file (docs/bundle.md). */

/**
 * The value of ProtectControlGroups= with which a unit sees its own cgroup at /sys/fs/cgroup, and no other: which it is,
 * and what else that takes, depends on the host's systemd.
 * @param path of the unit's cgroup below /sys/fs/cgroup: `/ai.slice/ai-ollama.slice/ollama.service`
 */
export function ownCgroup(path: string): string {
  return `@{own-cgroup:${path}}`;
}
