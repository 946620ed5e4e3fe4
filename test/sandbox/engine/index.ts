/**
 * Engines that run this project's Pulumi program: the real one and a local stand-in for machines without the CLI.
 * `preview`, `up` and `destroy` are the local engine's. A run that fails is a result with an exit code; what keeps a
 * run from starting (unreadable configuration, a locked state) is thrown as an EngineError.
 */

export { chooseEngine, findPulumi, type EngineName, type Installation } from "./choose";
export { renderReceipts } from "./display";
export { BANNER, localEngine } from "./local";
export { pulumiEngine } from "./pulumi";
export { EngineError } from "./types";
export type {
  Counts,
  Diagnostic,
  Engine,
  EngineEvent,
  EngineOptions,
  EngineResult,
  Op,
  Severity,
  Step,
} from "./types";

import { localEngine } from "./local";

export const preview = localEngine.preview;
export const up = localEngine.up;
export const destroy = localEngine.destroy;
