import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "../sandbox/paths";

/** Debian's Chromium without a window: nothing of it needs a desktop. */
const PACKAGE = "chromium-headless-shell";
/** A machine may have neither, and then Chromium finds no glyph at all. */
const FONTS = "fonts-dejavu-core";
/** What a machine may have already. */
const NAMES = ["chromium-headless-shell", "chromium", "google-chrome"];
/** Where the package has it. */
const PROGRAM = "usr/lib/chromium/chromium-headless-shell";
const FONTS_FILE = "etc/fonts/goblin-host.conf";

export interface Browser {
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * A Chromium: this machine's, or Debian's unpacked in the cache together with the libraries that this machine lacks. Nothing is
 * installed.
 * @throws Error where there is none and apt cannot load one
 */
export async function chromium(): Promise<Browser> {
  const own = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable);
  if (own !== undefined) return { program: own, environment: {} };
  const folder = join(cacheFolder(), "debian", PACKAGE);
  if (!existsSync(join(folder, PROGRAM))) await unpack(folder);
  return { program: join(folder, PROGRAM), environment: environmentOf(folder) };
}

async function unpack(folder: string): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const archives = join(work, "archives");
    mkdirSync(join(archives, "partial"), { recursive: true });
    const download = () =>
      execa(
        "apt-get",
        [
          "--quiet",
          "--yes",
          "--no-install-recommends",
          "--download-only",
          // It changes nothing of what the locks guard.
          ...["-o", "Debug::NoLocking=1", "-o", `Dir::Cache::archives=${archives}/`],
          ...["install", PACKAGE, FONTS],
        ],
        { reject: false, all: true },
      );
    // A machine that is fresh has no lists.
    if ((await download()).failed) {
      await execa("apt-get", ["--quiet", "update"]);
      const { failed, all } = await download();
      if (failed) throw new Error(`apt-get --download-only install ${PACKAGE}: ${all}`);
    }
    const root = join(work, "root");
    for (const archive of readdirSync(archives).filter((file) => file.endsWith(".deb")))
      await execa("dpkg-deb", ["--extract", join(archives, archive), root]);
    mkdirSync(join(root, "etc/fonts"), { recursive: true });
    writeFileSync(join(root, FONTS_FILE), fontsOf(folder));
    try {
      renameSync(root, folder);
    } catch (error) {
      // Another one was first.
      if (!existsSync(join(folder, PROGRAM))) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where it finds what would have been installed. */
function environmentOf(folder: string): Record<string, string> {
  const libraries = [
    "usr/lib/x86_64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu/pulseaudio",
  ];
  return {
    LD_LIBRARY_PATH: libraries.map((path) => join(folder, path)).join(delimiter),
    FONTCONFIG_FILE: join(folder, FONTS_FILE),
  };
}

/** Its own fonts and this machine's. */
function fontsOf(folder: string): string {
  const folders = [join(folder, "usr/share/fonts"), "/usr/share/fonts"].map((path) => `<dir>${path}</dir>`);
  const families = [
    ["sans", "DejaVu Sans"],
    ["system-ui", "DejaVu Sans"],
    ["sans-serif", "DejaVu Sans"],
    ["monospace", "DejaVu Sans Mono"],
  ].map(
    ([family, font]) =>
      `<alias binding="same"><family>${family}</family><prefer><family>${font}</family></prefer></alias>`,
  );
  const cache = `<cachedir>${join(folder, "fontconfig")}</cachedir>`;
  return `<?xml version="1.0"?>\n<fontconfig>${[...folders, ...families, cache].join("\n")}</fontconfig>\n`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
