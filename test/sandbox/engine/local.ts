/** The local engine: runs the real program against its own state, without the Pulumi CLI. */

import { readConfig, readProject } from "./config";
import { Deployment } from "./deployment";
import { Display } from "./display";
import type { Run } from "./executor";
import type { StackName } from "./goal";
import { Hooks } from "./hooks";
import { EXIT_ALREADY_REPORTED, launch } from "./launcher";
import { serveMonitor } from "./monitor";
import { Providers } from "./providers/registry";
import { refresh } from "./refresh";
import { Report, summarize } from "./report";
import { StateStore } from "./state";
import { Targets } from "./targets";
import type { Engine, EngineOptions, EngineResult } from "./types";
import { show } from "./values";

export const BANNER = "local engine (test harness; production runs Pulumi)";

type Operation = "preview" | "update" | "destroy";

export const localEngine: Engine = {
  preview: (options) => run("preview", options),
  up: (options) => run("update", options),
  destroy: (options) => run("destroy", options),
};

async function run(operation: Operation, options: EngineOptions): Promise<EngineResult> {
  const display = new Display(operation === "preview", options.display);
  const report = new Report((event) => {
    options.onEvent?.(event);
    display.event(event);
  });
  report.emit({ type: "banner", message: BANNER });
  const store = new StateStore(options.stateFile);
  const outputs = await store.locked(() => deploy(operation, options, store, report));
  const counts = report.counts();
  const summary = summarize(counts, operation === "preview");
  if (!report.failed && options.expectNoChanges === true && report.changed) {
    report.diagnostic("error", "no changes were expected but changes were proposed");
  }
  report.emit({ type: "summary", text: summary });
  const exitCode = report.failed ? 1 : options.expectNoChanges === true && report.changed ? 7 : 0;
  return { exitCode, steps: report.steps, counts, summary, outputs, diagnostics: report.diagnostics };
}

async function deploy(
  operation: Operation,
  options: EngineOptions,
  store: StateStore,
  report: Report,
): Promise<Record<string, unknown>> {
  const dryRun = operation === "preview";
  const state = store.load();
  const project = readProject(options.programDir);
  const context: Run = {
    state,
    save: () => {
      if (!dryRun) store.save(state);
    },
    providers: new Providers(),
    report,
    hooks: new Hooks(),
    dryRun,
    env: { ...process.env, ...options.env },
    cwd: project.pwd,
  };
  const deployment = new Deployment(context, new Targets(options));
  try {
    if (project.refresh && options.refresh !== false) await refresh(context, deployment.executor);
    if (deployment.executor.isCancelled()) return show(deployment.finalize()) as Record<string, unknown>;
    if (operation === "destroy") await deployment.finish();
    else await runProgram(options, context, deployment);
    await deployment.executor.idle();
    // As the engine does, an operation that failed is also an error of the stack as a whole.
    if (deployment.executor.operationFailed) report.fail(`${operation} failed`);
    return show(deployment.finalize()) as Record<string, unknown>;
  } finally {
    context.providers.close();
    context.hooks.close();
  }
}

function whereOf(options: EngineOptions): StackName {
  return { project: options.project ?? readProject(options.programDir).name, stack: options.stack };
}

async function runProgram(options: EngineOptions, context: Run, deployment: Deployment): Promise<void> {
  const { report, dryRun } = context;
  const project = { ...readProject(options.programDir), name: whereOf(options).project };
  const config = readConfig(project, options.stack, options.overrides);
  const where = whereOf(options);
  const monitor = await serveMonitor(deployment, where, report, context.hooks);
  const program = launch({
    project,
    stack: options.stack,
    organization: options.organization ?? "organization",
    config,
    secrets: options.secrets ?? [],
    dryRun,
    address: monitor.address,
    env: context.env,
    onLine: (line) => {
      report.diagnostic("info", line);
    },
  });
  try {
    const cancelled = deployment.executor.whenCancelled.then(() => "cancelled" as const);
    const end = await Promise.race([program.ended, cancelled]);
    if (end === "cancelled") {
      await deployment.executor.idle();
      monitor.stop();
      await program.stop();
    } else if (!monitor.signalled()) {
      await endWithoutSignal(end, deployment, context);
    }
  } finally {
    monitor.stop();
  }
}

/** A program that exits by itself: with 0 it has said all it had to say, and what it did not name is deleted. */
async function endWithoutSignal(code: number, deployment: Deployment, { report }: Run): Promise<void> {
  if (deployment.executor.isCancelled()) return;
  if (code === 0) {
    await deployment.finish();
    return;
  }
  report.failed = true;
  if (code !== EXIT_ALREADY_REPORTED) {
    report.fail(`an unhandled error occurred: Program exited with non-zero exit code: ${code}`);
  }
}
