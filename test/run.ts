/**
 * `npm test`: everything, the fast parts first, and one closing line that counts.
 * `npm run test:long` adds the sweeps that take longer (GOBLIN_HOST_LONG=1 for the test files). That is hours;
 * `npm run test:long -- failures crash` is the end-to-end tests whose file has one of these in its name,
 * `npm run test:long -- --without failures` all but these.
 * `npm test -- --release trixie` and `npm test -- --image FILE [--image-key FILE]` boot another Debian, or another
 * distribution's cloud image (docs/hosts.md), for all end-to-end tests. test:long does both Debians, and then looks at what
 * becomes the next one, which never fails it.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { adoptImage } from "./sandbox/adopted-image";
import { ensureImage } from "./sandbox/image";
import { ensurePrerequisites } from "./sandbox/prerequisites";
import { DEFAULT_RELEASE, type Release, RELEASES } from "./sandbox/release";
import { type Failure, REPORT_VARIABLE, type SuiteReport } from "./support/suite-report";

const testRun = randomUUID();
const {
  values: { long = false, without, release: releases, image, "image-key": imageKey },
  positionals: names,
} = parseArgs({
  options: {
    long: { type: "boolean" },
    without: { type: "string", multiple: true },
    release: { type: "string", multiple: true },
    image: { type: "string" },
    "image-key": { type: "string" },
  },
  allowPositionals: true,
});
const reports = mkdtempSync(join(tmpdir(), "goblin-host-test-"));
let passed = 0;
const skippedNames: string[] = [];
/** Each with the first lines of why: what failed in the first suite has long scrolled away at the end of the last. */
const failures: string[] = [];
/** What fails on a release that is not there yet. */
const warnings: string[] = [];
/** By vitest project, in the order in which they ended. */
const seconds: string[] = [];
/** Of each test file: where the next second is to be won. */
const files: { name: string; seconds: number }[] = [];
const SLOWEST = 24;
/** The file of the core of the tests, on a release of its own. */
const NEXT_RELEASE = "next-release";
const started = Date.now();

process.exitCode = await run();

/** What all VMs of one pass of the suites boot. */
interface Pass {
  readonly release: Release;
  /** Of the test of the release after that, too. Default: that of Debian 13 with the first. */
  readonly next?: Release;
  /** Only these files. */
  readonly only?: readonly string[];
}

function passes(): Pass[] {
  if (releases !== undefined) return releases.map((release) => ({ release: release as Release }));
  if (!long || image !== undefined) return [{ release: DEFAULT_RELEASE }];
  const [first, second, coming] = RELEASES;
  return [{ release: first }, { release: second }, { release: first, next: coming, only: [NEXT_RELEASE] }];
}

/** A name that is no file's would leave something out, or in, for hours. */
function refuseUnknown(): boolean {
  const strange = (releases ?? []).filter((name) => !(RELEASES as readonly string[]).includes(name));
  for (const name of strange)
    console.error(`error: there is no release "${name}"; allowed: ${RELEASES.join(", ")}`);
  if (releases !== undefined && image !== undefined)
    console.error("error: --release and --image: VMs boot one or the other");
  if (strange.length > 0 || (releases !== undefined && image !== undefined)) return true;
  const files = readdirSync(join(import.meta.dirname, "e2e"), { recursive: true, encoding: "utf8" });
  const unknown = [...names, ...(without ?? [])].filter(
    (name) => !files.some((file) => file.endsWith(".test.ts") && file.includes(name)),
  );
  for (const name of unknown) console.error(`error: no end-to-end test file has "${name}" in its name`);
  return unknown.length > 0;
}

async function run(): Promise<number> {
  try {
    if (refuseUnknown()) return 2;
    await ensurePrerequisites();
    // Loads packages and writes disks; what follows computes. Beside VMs it would take three times as long.
    const images = makeImages();
    images.catch(() => undefined);
    if (names.length === 0) await withoutVm();
    heading("images");
    await images;
    for (const pass of passes()) await withVms(pass);
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
  if (skippedNames.length > 0) console.log(`\nskipped:\n  ${skippedNames.join("\n  ")}`);
  if (warnings.length > 0)
    console.log(`\nfailed on what is no release yet, which fails nothing:\n  ${warnings.join("\n  ")}`);
  if (failures.length > 0) console.log(`\nfailed:\n  ${failures.join("\n  ")}`);
  const slowest = files.sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  console.log(`\nslowest (s): ${slowest.map(({ name, seconds }) => `${name} ${seconds}`).join(", ")}`);
  console.log(`in ${Math.round((Date.now() - started) / 1000)} s (${seconds.join(", ")})`);
  console.log(`${passed} passed, ${failures.length} failed, ${skippedNames.length} skipped`);
  return failures.length === 0 ? 0 : 1;
}

/** What the VMs of these tests start from, one after the other. */
async function makeImages(): Promise<void> {
  if (image !== undefined) await adoptImage({ file: image, privateKey: imageKey });
  const asked = new Set<Release>(image === undefined ? passes().map(({ release }) => release) : []);
  if (runs(NEXT_RELEASE)) asked.add(RELEASES[1]);
  for (const release of asked) await ensureImage(undefined, release);
}

/** Whether the file of that name is among those that were asked for. */
function runs(name: string): boolean {
  const path = `full/${name}.test.ts`;
  const isAsked = names.length === 0 || names.some((asked) => path.includes(asked));
  return isAsked && without?.some((left) => path.includes(left)) !== true;
}

async function withVms(pass: Pass): Promise<void> {
  if (pass.only?.every((name) => !runs(name)) === true) return;
  if (pass.only === undefined) await vitest("e2e-alone", { vm: "left", pass });
  // A VM is busy with one processor most of the time: two suites of VMs take hardly longer than one.
  const beside = pass.only === undefined ? vitest("e2e-small", { beside: true, pass }) : undefined;
  await vitest("e2e", { vm: "found", pass });
  await beside;
}

async function withoutVm(): Promise<void> {
  for (const script of ["lint", "typecheck", "lint:shell"]) {
    heading(script);
    const { exitCode } = await execa("npm", ["run", "-s", script], { stdio: "inherit", reject: false });
    if (exitCode === 0) passed += 1;
    else failures.push(`npm run ${script}`);
  }
  for (const project of ["unit", "integration"]) await vitest(project);
}

/**
 * Runs one vitest project. What fails outside of tests, a file or a hook, counts as a failure of its own.
 * @param beside another one runs at the same time: each of its lines says whose it is
 * @param vm left: its VM stays for the one that takes what is "found"
 */
async function vitest(
  project: string,
  { beside = false, vm = "", pass }: { beside?: boolean; vm?: "left" | "found" | ""; pass?: Pass } = {},
): Promise<void> {
  const [first] = passes();
  const { release, next, only } = pass ?? {};
  const of = next ?? (release === first?.release ? undefined : release);
  const title = of === undefined ? project : `${project}@${of}`;
  if (!beside) heading(title);
  const report = join(reports, `${title}.json`);
  const named = function* (line: unknown): Generator<string> {
    yield `${title} | ${String(line)}`;
  };
  const filters = only ?? names;
  const from = Date.now();
  const { exitCode } = await execa(
    "npx",
    [
      "--no",
      "vitest",
      "run",
      "--project",
      project,
      ...(filters.length === 0 ? [] : ["--passWithNoTests", ...filters]),
      ...(without ?? []).map((name) => `--exclude=test/e2e/**/*${name}*`),
      "--reporter=default",
      `--reporter=${join(import.meta.dirname, "support/suite-report.ts")}`,
    ],
    {
      stdin: "ignore",
      stdout: beside ? [named, "inherit"] : "inherit",
      stderr: beside ? [named, "inherit"] : "inherit",
      reject: false,
      env: {
        GOBLIN_HOST_TEST_RUN: testRun,
        [REPORT_VARIABLE]: report,
        GOBLIN_HOST_KEEP_VM: process.env["GOBLIN_HOST_KEEP_VM"] ?? vm,
        ...(long ? { GOBLIN_HOST_LONG: "1" } : {}),
        ...(release === undefined ? {} : { GOBLIN_HOST_RELEASE: release }),
        ...(next === undefined ? {} : { GOBLIN_HOST_NEXT_RELEASE: next }),
        ...(image === undefined ? {} : { GOBLIN_HOST_IMAGE: resolve(image) }),
        ...(imageKey === undefined ? {} : { GOBLIN_HOST_IMAGE_KEY: resolve(imageKey) }),
      },
    },
  );
  const failed = next === undefined ? failures : warnings;
  seconds.push(`${title} ${Math.round((Date.now() - from) / 1000)}`);
  let read: SuiteReport;
  try {
    read = JSON.parse(readFileSync(report, "utf8")) as SuiteReport;
  } catch {
    failed.push(`${title}: it made no report`);
    return;
  }
  const found = [...read.errors, ...read.files.flatMap((file) => file.failures)];
  failed.push(...found.map((failure) => (of === undefined ? "" : `${of}: `) + inShort(failure)));
  if (exitCode !== 0 && found.length === 0) failed.push(`${title}: ended with ${String(exitCode)}`);
  for (const { path, seconds, passed: ofFile, skipped } of read.files) {
    files.push({ name: relative(import.meta.dirname, path).replace(/^e2e\/|\.test\.ts$/g, ""), seconds });
    skippedNames.push(...skipped);
    passed += ofFile;
  }
}

/** A name and why, on a few short lines, without colours and stack. */
function inShort({ name, why }: Failure): string {
  const lines = stripVTControlCharacters(why)
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s+at /.test(line))
    .slice(0, 12)
    .map((line) => `\n      ${line.slice(0, 400)}`);
  return name + lines.join("");
}

function heading(name: string): void {
  console.log(`\n=== ${name} (${Math.round((Date.now() - started) / 1000)} s)`);
}
