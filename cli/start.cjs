/**
 * Runs one of the commands in this folder: `node cli/start.cjs drift --stack NAME`. All that it is made of, packages too, is
 * bundled into one file of node_modules/.cache when it first runs, and again when a file of it was changed: to find, translate
 * and compile some hundred files takes three times as long as to compile one.
 */
const { createHash } = require("node:crypto");
const {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require("node:fs");
const Module = require("node:module");
const { dirname, join } = require("node:path");

const ROOT = dirname(__dirname);
const FOLDER = join(ROOT, "node_modules", ".cache", "goblin-host");
/** What decides beside the files that a bundle is made of, those of packages among them. */
const BESIDE = ["cli/start.cjs", "package.json", "tsconfig.json"];
/** Milliseconds by which a file's time may be behind the clock. */
const TICK = 20;

const [command] = process.argv.splice(2, 1);
const file = join(FOLDER, `${command}.cjs`);
const program = new Module(file, module);
program.filename = file;
program.paths = [join(ROOT, "node_modules")];
program._compile(bundleOf(command), file);

function bundleOf(name) {
  const kept = keptBundle();
  if (kept !== undefined) return kept;
  const started = Date.now() - TICK;
  const { text, inputs } = makeBundle(name);
  const seal = sealOf(inputs);
  // What was edited meanwhile may have been read before.
  const edited = inputs.some((input) => statSync(join(ROOT, input)).mtimeMs >= started);
  if (!edited) keep(`//${JSON.stringify({ seal, inputs })}\n${text}`);
  return text;
}

/** The first line of a bundle says of what it was made. */
function keptBundle() {
  try {
    const text = readFileSync(file, "utf8");
    const { seal, inputs } = JSON.parse(text.slice(2, text.indexOf("\n")));
    return seal === sealOf(inputs) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Of the files as they are now, where they are, and the Node.js that reads them. */
function sealOf(inputs) {
  const states = inputs.map((input) => {
    const { mtimeMs, ctimeMs, size, ino } = statSync(join(ROOT, input));
    return [input, mtimeMs, ctimeMs, size, ino].join(" ");
  });
  return createHash("sha256")
    .update([ROOT, process.version, ...states].join("\n"))
    .digest("hex");
}

function makeBundle(name) {
  const { metafile, outputFiles } = require("esbuild").buildSync({
    absWorkingDir: ROOT,
    entryPoints: [`cli/${name}.ts`],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    write: false,
    metafile: true,
    keepNames: true,
    // The components look for what they read two folders above their own.
    define: { __dirname: JSON.stringify(join(ROOT, "components", "any")) },
    logLevel: "error",
  });
  return { text: outputFiles[0].text, inputs: [...Object.keys(metafile.inputs), ...BESIDE] };
}

/** Another run may be keeping one, or reading it. */
function keep(text) {
  const beside = `${file}.${process.pid}`;
  try {
    mkdirSync(FOLDER, { recursive: true });
    // Half of a program, after a power cut, would be kept for good.
    writeFileSync(beside, text, { flush: true });
    renameSync(beside, file);
  } catch {
    // Where nothing can be kept, the next run makes it again.
    if (existsSync(beside)) rmSync(beside);
  }
}
