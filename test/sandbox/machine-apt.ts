import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { type Release, RELEASES, suitesOf } from "./release";

/** How this machine reaches Debian's packages, so that the guest can do the same. */
export interface MachineApt {
  /** Lines for sources.list; empty means mmdebstrap's own default mirror. */
  readonly sources: readonly string[];
  /** Lines for apt.conf: proxies, TLS and clock settings. */
  readonly config: readonly string[];
  /** Certificate authorities that this machine trusts beyond Debian's own: file name and PEM text. */
  readonly authorities: Readonly<Record<string, string>>;
}

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const authoritiesFolder = "/usr/local/share/ca-certificates";

export async function readMachineApt(release: Release): Promise<MachineApt> {
  // Where there is no apt (another distribution) both answers are empty.
  const targets = await execa(
    "apt-get",
    ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
    { reject: false },
  );
  const dump = await execa("apt-config", ["dump"], { reject: false });
  return {
    sources: sourceLines(targets.stdout, release),
    config: configLines(dump.stdout, process.env),
    authorities: readAuthorities(),
  };
}

/**
 * The machine's own sources of `release`; where it has none, those of its own release with the other's name, for a mirror has
 * all of them. None where the machine is no Debian.
 */
export function sourceLines(targets: string, release: Release): string[] {
  const sources = targets
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([uri = "", , component]) => /^https?:/.test(uri) && component === "main");
  const has = (suite: string): boolean => sources.some(([, found]) => found === suite);
  // Without the release itself (say, only its updates) nothing could be installed.
  const own = [release, ...RELEASES].find(has);
  if (own === undefined) return [];
  const lines = sources.flatMap(([uri = "", suite = ""]) => {
    if (!suitesOf(own).includes(suite)) return [];
    const wanted = suite.replace(own, release);
    return suitesOf(release).includes(wanted) ? [`deb [signed-by=${keyring}] ${uri} ${wanted} main`] : [];
  });
  return [...new Set(lines)];
}

/** The settings of `apt-config dump` that matter to whoever downloads; a proxy from the environment too. */
export function configLines(
  dump: string,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const kept = dump
    .split("\n")
    .filter((line) => /^Acquire::(https?::\S*|Check-Date|Check-Valid-Until) ".+";$/.test(line));
  for (const scheme of ["http", "https"]) {
    const proxy = environment[`${scheme}_proxy`];
    const name = `Acquire::${scheme}::Proxy `;
    if (proxy !== undefined && proxy !== "" && !kept.some((line) => line.startsWith(name))) {
      kept.push(`${name}"${proxy}";`);
    }
  }
  return kept;
}

/** A proxy on this machine's loopback is, seen from the guest, QEMU's gateway. */
export const seenFromGuest = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/\/\/(localhost|127\.0\.0\.1)([:/"])/, "//10.0.2.2$2"));

function readAuthorities(): Record<string, string> {
  let names: string[];
  try {
    names = readdirSync(authoritiesFolder).filter((name) => name.endsWith(".crt"));
  } catch {
    return {};
  }
  return Object.fromEntries(
    names.sort().map((name) => [name, readFileSync(join(authoritiesFolder, name), "utf8")]),
  );
}
