/** The real engine: the Pulumi CLI through its Automation API, with a file backend of its own. */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import {
  LocalWorkspace,
  type EngineEvent as PulumiEvent,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { stringify } from "yaml";
import { readProject, stackConfig } from "./config";
import { Report, summarize } from "./report";
import {
  type Counts,
  type Engine,
  EngineError,
  type EngineOptions,
  type EngineResult,
  type Op,
} from "./types";

/** Protects nothing beyond this backend: the sandbox's state is as disposable as its machine. */
const PASSPHRASE = "goblin-host-sandbox";

type Operation = (stack: Stack, common: Common) => Promise<Record<string, unknown>>;

interface Common {
  configFile: string;
  color: "always" | "never";
  suppressProgress: boolean;
  onEvent: (event: PulumiEvent) => void;
  onOutput: (text: string) => void;
}

export const pulumiEngine: Engine = {
  preview: (options) =>
    drive(options, true, async (stack, common) => {
      await stack.preview({ ...common, diff: true, ...expectation(options), ...targetsOf(options) });
      return {};
    }),
  up: (options) =>
    drive(options, false, async (stack, common) => {
      const { outputs } = await stack.up({
        ...common,
        diff: true,
        ...expectation(options),
        ...targetsOf(options),
      });
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { value, secret }]) => [
          name,
          secret ? "[secret]" : (value as unknown),
        ]),
      );
    }),
  destroy: (options) =>
    drive(options, false, async (stack, common) => {
      await stack.destroy({ ...common, ...targetsOf(options) });
      return {};
    }),
};

function expectation({ expectNoChanges }: EngineOptions): { expectNoChanges?: boolean } {
  return expectNoChanges === true ? { expectNoChanges } : {};
}

function targetsOf({ targets, targetDependents = false }: EngineOptions) {
  return targets === undefined ? {} : { target: targets, targetDependents };
}

async function drive(options: EngineOptions, preview: boolean, operation: Operation): Promise<EngineResult> {
  if (options.secrets !== undefined) throw new EngineError("secrets are given to the local engine only");
  const report = new Report(options.onEvent);
  const counts: Counts = {};
  const common: Common = {
    configFile: writeConfig(options),
    color: options.display?.isTTY === true ? "always" : "never",
    suppressProgress: true,
    onEvent: (event) => {
      record(event, report, counts);
    },
    onOutput: (text) => options.display?.write(text),
  };
  let outputs: Record<string, unknown> = {};
  let exitCode = 0;
  await keepStackFile(options, async () => {
    try {
      outputs = await operation(await open(options), common);
    } catch (error) {
      const hasErrors = report.diagnostics.some(({ severity }) => severity === "error");
      if (!hasErrors) report.diagnostic("error", (error as Error).message);
      exitCode = options.expectNoChanges === true && !hasErrors && report.changed ? 7 : 1;
    }
  });
  const errored = report.counts().errored;
  const all = errored === undefined ? counts : { ...counts, errored };
  const summary = summarize(all, preview);
  const { steps, diagnostics } = report;
  return { exitCode, steps, counts: all, summary, outputs, diagnostics };
}

async function open(options: EngineOptions): Promise<Stack> {
  const backend = resolve(dirname(options.stateFile), "pulumi-backend");
  mkdirSync(backend, { recursive: true });
  const envVars = Object.fromEntries(
    Object.entries({
      ...options.env,
      PULUMI_BACKEND_URL: `file://${backend}`,
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      SSH_AUTH_SOCK: options.env?.["SSH_AUTH_SOCK"] ?? process.env["SSH_AUTH_SOCK"],
    }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const where = { stackName: options.stack, workDir: resolve(options.programDir) };
  return LocalWorkspace.createOrSelectStack(where, { envVars });
}

/** The stack's own configuration with the overrides, in a file beside the state. */
function writeConfig(options: EngineOptions): string {
  const project = readProject(options.programDir);
  const file = resolve(dirname(options.stateFile), `Pulumi.${options.stack}.yaml`);
  const old = existsSync(file) ? /^encryptionsalt:.*$/m.exec(readFileSync(file, "utf8"))?.[0] : undefined;
  const config = stackConfig(project, options.stack, options.overrides, "allow secure");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${old === undefined ? "" : `${old}\n`}${stringify({ config })}`);
  return file;
}

/** Making a stack writes a salt into the checkout's Pulumi.<stack>.yaml; it is put back as it was. */
async function keepStackFile(options: EngineOptions, run: () => Promise<void>): Promise<void> {
  const file = join(options.programDir, `Pulumi.${options.stack}.yaml`);
  const before = existsSync(file) ? readFileSync(file) : undefined;
  try {
    await run();
  } finally {
    if (before === undefined) rmSync(file, { force: true });
    else writeFileSync(file, before);
  }
}

function record(event: PulumiEvent, report: Report, counts: Counts): void {
  const { diagnosticEvent, resOutputsEvent, resOpFailedEvent, resourcePreEvent, summaryEvent } = event;
  const ended =
    resOutputsEvent ??
    resOpFailedEvent ??
    (resourcePreEvent?.planning === true ? resourcePreEvent : undefined);
  if (ended !== undefined) {
    const { op, urn, type } = ended.metadata;
    const isDone = report.steps.some((step) => step.urn === urn && step.op === op);
    const failed = resOpFailedEvent !== undefined && { failed: true };
    // The texts executed and the diff as text are not among the events: see the display for the latter.
    const step = {
      op: op as Op,
      urn,
      type,
      name: urn.split("::").at(-1) ?? "",
      diff: "",
      ran: [],
      ...failed,
    };
    if (!isDone) report.step(step);
  }
  if (diagnosticEvent !== undefined && diagnosticEvent.ephemeral !== true) {
    const { severity, message, urn } = diagnosticEvent;
    report.diagnostic(severity === "info#err" ? "info" : severity, message, urn);
  }
  if (summaryEvent !== undefined) Object.assign(counts, summaryEvent.resourceChanges);
}
