/** What both engines (the local one and the real Pulumi CLI) take and give back. */

/** The operations of Pulumi's engine that can appear here, under the engine's own names. */
export type Op =
  "same" | "create" | "update" | "delete" | "replace" | "create-replacement" | "delete-replaced";

export type Severity = "debug" | "info" | "warning" | "error";

/** A message of the engine, a provider or the program. */
export interface Diagnostic {
  severity: Severity;
  message: string;
  /** The resource it is about; undefined means the stack as a whole. */
  urn?: string | undefined;
}

/** One operation on one resource, in the order in which they ended. */
export interface Step {
  op: Op;
  urn: string;
  type: string;
  name: string;
  /** What changes, as text: for YAML on a property the path inside it, then `- old` and `+ new` lines. */
  diff: string;
  /** The texts executed on a host by this step. */
  ran: string[];
  /** The operation was tried and did not succeed. */
  failed?: boolean;
}

export type EngineEvent =
  | { type: "banner"; message: string }
  | { type: "start"; op: Op; urn: string; name: string }
  | { type: "step"; step: Step }
  | { type: "diagnostic"; diagnostic: Diagnostic }
  | { type: "summary"; text: string };

export interface EngineOptions {
  /** The folder of Pulumi.yaml. */
  programDir: string;
  /** Default: the `name` of Pulumi.yaml. */
  project?: string;
  stack: string;
  /** Default: `organization`, as with Pulumi's self-managed backends. */
  organization?: string;
  /** Set on top of the stack's file, as `pulumi config set --path KEY VALUE` would: `project:a.b[0]`. */
  overrides?: Record<string, unknown>;
  /** The keys of the configuration in which something is a secret, as `pulumi config set --secret` makes it. Local engine only. */
  secrets?: string[];
  /** The engine's state. The local engine keeps a key beside it, `<stateFile>.key`. */
  stateFile: string;
  /** Added to this process's environment for the program and for the providers. */
  env?: NodeJS.ProcessEnv;
  /** As `--target`: URNs, in which `*` and `**` stand for any text. The other resources stay as they are. */
  targets?: string[];
  /** As `--target-dependents`: with what depends on them. */
  targetDependents?: boolean;
  /** False: as `--refresh=false`, whatever Pulumi.yaml says. Local engine only. */
  refresh?: false;
  /** Proposed changes are an error with exit code 7. */
  expectNoChanges?: boolean;
  /** Called as things happen. */
  onEvent?: (event: EngineEvent) => void;
  /** Where the human display goes, line by line; nothing is shown without it. */
  display?: { write(text: string): unknown; isTTY?: boolean };
}

/** How many resources met each fate, in the engine's words. */
export type Counts = Partial<Record<Op | "errored", number>>;

export interface EngineResult {
  /** 0, 1 (failed) or 7 (changes although none were expected). */
  exitCode: number;
  steps: Step[];
  counts: Counts;
  /** The counts as the engine says them: "5 created", "2 unchanged, 2 errored". */
  summary: string;
  /** The stack's outputs; a secret reads `[secret]`, a value not yet known is undefined. */
  outputs: Record<string, unknown>;
  /** Without those of severity debug, which are events only. */
  diagnostics: Diagnostic[];
}

export interface Engine {
  preview: (options: EngineOptions) => Promise<EngineResult>;
  /** As `pulumi up --yes --skip-preview`: the program runs once. */
  up: (options: EngineOptions) => Promise<EngineResult>;
  /** As `pulumi destroy --yes`: the program does not run. */
  destroy: (options: EngineOptions) => Promise<EngineResult>;
}

/** Something the person at the terminal can put right: shown without a stack trace. */
export class EngineError extends Error {
  override name = "EngineError";
}
