import type { Bundle } from "../../../components/host-bundle/bundle";

const MiB = 1024 ** 2;

/** What the machine's owner has where the bundle `crash` goes. */
export const OWNERS_MACHINE = `
set -e
mkdir -p /etc/goblin-crash /etc/systemd/system/ollama.service.d
printf 'the owner wrote this\\n' >/etc/goblin-crash/keep.conf
chmod 0640 /etc/goblin-crash/keep.conf
printf '[Service]\\nTasksMax=300\\n' >/etc/systemd/system/ollama.service.d/zz-goblin.conf
fallocate -l 32M /swap-owner.img
chmod 0600 /swap-owner.img
mkswap /swap-owner.img >/dev/null
printf '/swap-owner.img none swap sw,pri=3 0 0\\n' >>/etc/fstab
systemctl daemon-reload
systemctl start swap\\\\x2downer.img.swap
`;

const service = (command: string): string =>
  `[Service]\nExecStart=${command}\n[Install]\nWantedBy=multi-user.target\n`;

/**
 * A bundle with one of everything that is quick: a file that replaces the owner's, one that the next version has no
 * more, a drop-in with the owner's own in its place, a service that the next version restarts and one that it gives
 * up, limits, a sysctl, and a swap file that takes over the owner's.
 * @param packages Debian packages beside all that; none are quick
 */
export function crashBundle(version: 1 | 2, packages: readonly string[] = []): Bundle {
  const file = (content: string, mode = "0644") => ({ mode, content });
  const unit = "/etc/systemd/system/goblin-crash.service";
  const old = version === 1;
  return {
    name: "crash",
    // Longer than any test, so that the steps of its timer are among those that are killed.
    ...(old ? {} : { confirmSeconds: 7200 }),
    packages,
    files: {
      "/etc/goblin-crash/keep.conf": file(`version ${version}\n`, "0600"),
      ...(old ? { "/etc/goblin-crash/in/a/gone.conf": file("version 1 only\n") } : {}),
      "/etc/sysctl.d/90-goblin-crash.conf": file(`vm.swappiness = ${10 + version}\n`),
      "/etc/systemd/system/ollama.service.d/zz-goblin.conf": file(
        `[Service]\nMemoryMax=${version}G\nTasksMax=200\n`,
      ),
      [unit]: file(service("/usr/bin/sleep infinity")),
      [`${unit}.d/10-version.conf`]: file(`[Service]\nEnvironment=VERSION=${version}\n`),
      ...(old
        ? { "/etc/systemd/system/goblin-crash-old.service": file(service("/usr/bin/sleep infinity")) }
        : {}),
      "/etc/systemd/system/swapfile.swap": file(
        "[Swap]\nWhat=/swapfile\nPriority=10\n[Install]\nWantedBy=swap.target\n",
      ),
    },
    units: {
      "goblin-crash.service": {
        enabled: true,
        active: true,
        restartOn: [unit, `${unit}.d/10-version.conf`],
      },
      ...(old ? { "goblin-crash-old.service": { enabled: true } } : {}),
      "swapfile.swap": { enabled: true, active: true },
    },
    // Quicker than its watch, which takes 6 s for each start.
    ready: {
      "goblin-crash.service": { command: "true", timeoutSeconds: 30, setting: "goblin-host:crash" },
    },
    sysctls: { "vm.swappiness": String(10 + version) },
    swapFiles: {
      "/swapfile": { sizeBytes: (old ? 64 : 48) * MiB, priority: 10, setting: "goblin-host:swap.size" },
    },
    limits: { "ollama.service": { MemoryMax: String(version * 1024 * MiB), TasksMax: "200" } },
  };
}
