import type { Bundle } from "../../../components/host-bundle/bundle";
import { crashBundle, OWNERS_MACHINE } from "./crash-bundles";

/** Beside what the owner of the crash tests' machine has: a JSON file with keys of their own, and an older tool. */
export const OWNERS_RICHER_MACHINE = `${OWNERS_MACHINE}
printf '{"owner": {"key": [1, 2]}, "shared": "theirs"}\\n' >/etc/goblin-crash/daemon.json
printf 'ALGO=zstd\\nPERCENT=50\\n' >/etc/default/goblin-old-tool
printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' \\
  >/etc/systemd/system/goblin-old-tool.service
systemctl enable --quiet --now goblin-old-tool.service
`;

/**
 * The crash tests' bundle, and what merges, takes over and copies.
 * @param version "bad": its service ends at once, so that every apply of it is rolled back
 */
export function failureBundle(version: 1 | 2 | "bad"): Bundle {
  const bundle = crashBundle(version === "bad" ? 2 : version);
  const unit = "/etc/systemd/system/goblin-crash.service";
  return {
    ...bundle,
    json: {
      "/etc/goblin-crash/daemon.json": {
        content: { shared: `version ${version}`, ours: { deep: true } },
        setting: "goblin-host:crash",
      },
    },
    replaces: { "goblin-old-tool.service": "an older tool" },
    backups: { "/etc/default/goblin-old-tool": "/etc/default/goblin-old-tool.backup" },
    files: {
      ...bundle.files,
      "/etc/default/goblin-old-tool": { mode: "0644", content: "ALGO=ours\n" },
      ...(version === "bad"
        ? {
            [unit]: {
              mode: "0644",
              content: "[Service]\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n",
            },
          }
        : {}),
    },
  };
}
