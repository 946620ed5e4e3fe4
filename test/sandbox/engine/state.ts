/** What the local engine remembers between runs, in one JSON file that is valid at every moment. */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EngineError } from "./types";
import type { PropertyMap, Value } from "./values";
import { Vault } from "./vault";

export interface ResourceState {
  urn: string;
  type: string;
  name: string;
  custom: boolean;
  id: string;
  inputs: PropertyMap;
  outputs: PropertyMap;
  parent: string;
  dependencies: string[];
  propertyDependencies: Record<string, string[]>;
  /** `<urn>::<id>` of an explicit provider. */
  provider: string;
  protect: boolean;
  retainOnDelete: boolean | undefined;
  /** URN of another resource: with it this one is gone, too. */
  deletedWith?: string;
  ignoreChanges: string[];
  replaceOnChanges: string[];
  /** Deleted, its replacement not made yet (deleteBeforeReplace). */
  pendingReplacement?: boolean;
  /** What went wrong in the last operation, which left the resource half done: the next run updates it in any case. */
  initErrors?: string[];
}

/** Resources by URN, and the replaced ones whose deletion is still due. */
export interface State {
  resources: Map<string, ResourceState>;
  pendingDeletes: ResourceState[];
}

interface StateFile {
  version: 1;
  note: string;
  resources: Value[];
  pendingDeletes: Value[];
}

const NOTE = "State of goblin-host's local engine, a test harness. Pulumi cannot read it.";

export class StateStore {
  private vault: Vault | undefined;

  constructor(private readonly file: string) {}

  load(): State {
    if (!existsSync(this.file)) return { resources: new Map(), pendingDeletes: [] };
    const text = readFileSync(this.file, "utf8");
    const saved = JSON.parse(text) as Partial<StateFile>;
    if (saved.version !== 1) throw new EngineError(`${this.file} is not a state of the local engine`);
    const resources = this.unseal(saved.resources ?? []);
    return {
      resources: new Map(resources.map((resource) => [resource.urn, resource])),
      pendingDeletes: this.unseal(saved.pendingDeletes ?? []),
    };
  }

  /** Writes to a file beside it and renames, so that a run killed anywhere leaves the old state or the new one. */
  save(state: State): void {
    const content: StateFile = {
      version: 1,
      note: NOTE,
      resources: this.seal([...state.resources.values()]),
      pendingDeletes: this.seal(state.pendingDeletes),
    };
    mkdirSync(dirname(this.file), { recursive: true });
    const next = `${this.file}.new`;
    writeFileSync(next, `${JSON.stringify(content, null, 1)}\n`, { mode: 0o600, flush: true });
    renameSync(next, this.file);
  }

  /** Runs with the state to itself; a second run at the same time is refused, as Pulumi does. */
  async locked<T>(run: () => Promise<T>): Promise<T> {
    const lock = `${this.file}.lock`;
    mkdirSync(dirname(this.file), { recursive: true });
    if (existsSync(lock) && !isAlive(Number(readFileSync(lock, "utf8")))) rmSync(lock, { force: true });
    try {
      writeFileSync(lock, `${process.pid}\n`, { flag: "wx" });
    } catch (error) {
      throw new EngineError(`the stack is locked by another run (${lock})`, { cause: error });
    }
    try {
      return await run();
    } finally {
      rmSync(lock, { force: true });
    }
  }

  private seal(resources: ResourceState[]): Value[] {
    if (resources.length === 0) return [];
    this.vault ??= Vault.open(`${this.file}.key`, true);
    const vault = this.vault;
    return resources.map((resource) => vault.seal(resource as unknown as Value));
  }

  private unseal(resources: Value[]): ResourceState[] {
    if (resources.length === 0) return [];
    const vault = (this.vault ??= Vault.open(`${this.file}.key`, false));
    return resources.map((resource) => vault.unseal(resource) as unknown as ResourceState);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
