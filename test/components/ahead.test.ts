import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readStackFile } from "../../cli/stack-file";
import { hostBundles } from "../../components/goblin-host/bundles";
import { renderBundle } from "../../components/host-bundle/render";

type Entries = Record<string, string | Record<string, string>>;
type Read = Record<"packages" | "ahead" | "units" | "files" | "json", Entries | undefined>;

const words = (text: string | undefined): string[] => (text === undefined ? [] : text.split(" "));

describe("packages ahead", () => {
  it("are those of all other bundles of a host, with the units and files that these write or start", () => {
    const { hosts } = readStackFile("prod", join(import.meta.dirname, "../.."));
    const [manager, ...others] = hosts
      .flatMap((host) => hostBundles(host, { project: "goblin-host", stack: "prod" }))
      .map(({ text }) => parse(text) as Read);
    const needed = others.flatMap(({ packages = {}, units = {}, files = {} }) =>
      Object.entries(packages).map(([name, wanted]) => ({ name, wanted, units, files })),
    );
    const ahead = manager?.ahead ?? {};
    expect(Object.keys(ahead).sort()).toEqual(needed.map(({ name }) => name).sort());
    for (const { name, wanted, units, files } of needed) {
      const announced = ahead[name] ?? "present";
      const fields = typeof announced === "string" ? {} : announced;
      expect(fields["unless"], name).toBe(typeof wanted === "string" ? undefined : wanted["unless"]);
      expect(Object.keys(units), name).toEqual(expect.arrayContaining(words(fields["units"])));
      expect(Object.keys(files), name).toEqual(expect.arrayContaining(words(fields["files"])));
    }
    expect(ahead).toEqual({
      apparmor: "present",
      "docker-cli": { optional: "true", program: "/usr/bin/docker" },
      "docker.io": {
        program: "dockerd",
        units: "docker.service docker.socket containerd.service",
        unless: "docker-ce",
      },
      earlyoom: { units: "earlyoom.service" },
      logrotate: "present",
      sysstat: "present",
      "systemd-zram-generator": { files: "/etc/systemd/zram-generator.conf" },
    });
  });

  it("leave the bundle of a manager without others as it was", () => {
    expect(renderBundle({ name: "x", packages: ["jq"], ahead: [] }, "1.0.0")).toBe(
      'bundle: "1"\nname: "x"\nmanager: "1.0.0"\npackages:\n  jq: "present"\nend: true\n',
    );
  });
});
