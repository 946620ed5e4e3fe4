import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execaSync } from "execa";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ensureNpmPackage, type NpmPackage } from "./npm-package";

let work: string;
let folder: string;
let wanted: NpmPackage;

/** What the npm of these tests does in the place of loading something, and after it has noted its arguments. */
function npmDoes(script: string): void {
  writeFileSync(
    join(work, "bin", "npm"),
    `#!/bin/sh\necho "$*" >>'${work}/asked'\nwhile [ "$1" != --pack-destination ]; do shift; done\n${script}\n`,
    { mode: 0o755 },
  );
}

const asked = (): string =>
  existsSync(join(work, "asked")) ? readFileSync(join(work, "asked"), "utf8") : "";

beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), "goblin-host-npm-"));
  folder = join(work, "kept", "1.0.0");
  for (const path of ["bin", "kept", "package/bin"]) mkdirSync(join(work, path), { recursive: true });
  for (const file of ["bin/tool", "README.md"]) writeFileSync(join(work, "package", file), file);
  const archive = join(work, "tool-1.0.0.tgz");
  execaSync("tar", ["--create", "--gzip", `--file=${archive}`, "--directory", work, "package"]);
  const integrity = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  wanted = { package: "@some/tool", version: "1.0.0", integrity };
  npmDoes(`cp '${archive}' "$2"`);
  vi.stubEnv("PATH", `${join(work, "bin")}${delimiter}${process.env["PATH"] ?? ""}`);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(work, { recursive: true, force: true });
});

describe("a package that the sandbox needs", () => {
  const ensure = (): Promise<string> => ensureNpmPackage(wanted, { folder, paths: ["bin/tool"] });

  it("is loaded once, by two at the same time too, and only the files that are wanted are kept", async () => {
    const [found, again] = await Promise.all([ensure(), ensure()]);
    expect(await ensure()).toBe(found);
    expect(again).toBe(found);
    expect(readFileSync(join(found, "bin/tool"), "utf8")).toBe("bin/tool");
    expect(existsSync(join(found, "README.md"))).toBe(false);
    expect(asked()).toMatch(/^pack --silent --pack-destination \S+ @some\/tool@1\.0\.0\n$/);
  });

  it("is loaded anew where a run before was ended in the middle", async () => {
    mkdirSync(`${folder}.unfinished`, { recursive: true });
    writeFileSync(join(`${folder}.unfinished`, "tool-1.0.0.tgz"), "half");
    expect(existsSync(join(await ensure(), "bin/tool"))).toBe(true);
    expect(existsSync(`${folder}.unfinished`)).toBe(false);
  });

  it("is refused where its content is another, and nothing of it is kept", async () => {
    const { integrity } = wanted;
    wanted = { ...wanted, integrity: "sha512-other" };
    await expect(ensure()).rejects.toThrow(
      `the npm package @some/tool@1.0.0 is another one than expected: ${integrity}`,
    );
    expect(existsSync(folder)).toBe(false);
  });

  it("that npm cannot load is an error with what npm said and what to try", async () => {
    npmDoes("echo 'npm error 404 no such package' >&2; exit 1");
    await expect(ensure()).rejects.toThrow(
      /could not be loaded:\nnpm error 404 no such package\n {2}fix: .*: npm view @some\/tool@1\.0\.0$/,
    );
  });
});
