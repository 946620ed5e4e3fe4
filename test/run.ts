/**
 * `npm test`: everything, the fast parts first, and one closing line that counts.
 * `npm run test:long` adds the sweeps that take longer (GOBLIN_HOST_LONG=1 for the test files). That is hours;
 * `npm run test:long -- failures crash` is the end-to-end tests whose file has one of these in its name,
 * `npm run test:long -- --without failures` all but these.
 * `npm test -- --image FILE [--image-key FILE]` boots another distribution's cloud image (docs/hosts.md).
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
import { type Failure, REPORT_VARIABLE, type SuiteReport } from "./support/suite-report";

const testRun = randomUUID();
const {
  values: { long, without, image, "image-key": imageKey },
  positionals: names,
} = parseArgs({
  options: {
    long: { type: "boolean" },
    without: { type: "string", multiple: true },
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
/** By vitest project, in the order in which they ended. */
const seconds: string[] = [];
/** Of each test file: where the next second is to be won. */
const files: { name: string; seconds: number }[] = [];
const SLOWEST = 24;
const started = Date.now();

process.exitCode = await run();

/** A name that is no file's would leave something out, or in, for hours. */
function refuseUnknown(): boolean {
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
    await vitest("e2e-alone", { vm: "left" });
    // A VM is busy with one processor most of the time: two suites of VMs take hardly longer than one.
    const beside = vitest("e2e-small", { beside: true });
    await vitest("e2e", { vm: "found" });
    await beside;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
  if (skippedNames.length > 0) console.log(`\nskipped:\n  ${skippedNames.join("\n  ")}`);
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
  else await ensureImage();
  const isAsked = names.length === 0 || names.some((name) => "full/debian-13.test.ts".includes(name));
  if (isAsked && without?.some((name) => "full/debian-13.test.ts".includes(name)) !== true)
    await ensureImage(undefined, "trixie");
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
  { beside = false, vm = "" }: { beside?: boolean; vm?: "left" | "found" | "" } = {},
): Promise<void> {
  if (!beside) heading(project);
  const report = join(reports, `${project}.json`);
  const named = function* (line: unknown): Generator<string> {
    yield `${project} | ${String(line)}`;
  };
  const from = Date.now();
  const { exitCode } = await execa(
    "npx",
    [
      "--no",
      "vitest",
      "run",
      "--project",
      project,
      ...(names.length === 0 ? [] : ["--passWithNoTests", ...names]),
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
        ...(long === true ? { GOBLIN_HOST_LONG: "1" } : {}),
        ...(image === undefined ? {} : { GOBLIN_HOST_IMAGE: resolve(image) }),
        ...(imageKey === undefined ? {} : { GOBLIN_HOST_IMAGE_KEY: resolve(imageKey) }),
      },
    },
  );
  seconds.push(`${project} ${Math.round((Date.now() - from) / 1000)}`);
  let read: SuiteReport;
  try {
    read = JSON.parse(readFileSync(report, "utf8")) as SuiteReport;
  } catch {
    failures.push(`${project}: it made no report`);
    return;
  }
  const failed = [...read.errors, ...read.files.flatMap((file) => file.failures)];
  failures.push(...failed.map(inShort));
  if (exitCode !== 0 && failed.length === 0) failures.push(`${project}: ended with ${String(exitCode)}`);
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
