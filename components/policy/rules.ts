import { parse } from "yaml";
import { isProduction } from "../settings/production";

/** What a rule looks at: the resolved inputs of a resource. */
export type Inputs = Readonly<Record<string, unknown>>;

/** One thing that no stack may declare. */
export interface PolicyRule {
  readonly name: string;
  /** The resource type that it is about. */
  readonly type: string;
  /** The inputs that it reads. */
  readonly reads: readonly string[];
  /**
   * @param inputs those of {@link reads}, resolved
   * @param stack the stack's name
   * @returns what is wrong and what is right, or undefined
   */
  readonly check: (inputs: Inputs, stack: string) => string | undefined;
}

const CONTAINER = "docker:index/container:Container";
const COMMAND = "command:remote:Command";

/** Memory can take the host down; CPU time is shared by weight, and the slice holds the rest. */
const containerLimits: PolicyRule = {
  name: "container-limits",
  type: CONTAINER,
  reads: ["memory", "memorySwap"],
  check: ({ memory, memorySwap }) => {
    const missing = [
      ...(Number(memory ?? 0) > 0 ? [] : ["memory"]),
      // Docker gives a container without it as much swap as memory; -1 is all there is.
      ...(Number(memorySwap ?? 0) > 0 ? [] : ["memorySwap"]),
    ];
    return missing.length === 0
      ? undefined
      : `a container without ${missing.join(" and ")} can take all of the host. Set both, in MiB; memorySwap is memory and swap together`;
  },
};

const SLICE = /^(ai|airm|ai-[a-z0-9_]+)\.slice$/;

const containerSlice: PolicyRule = {
  name: "ai-slice",
  type: CONTAINER,
  reads: ["cgroupParent"],
  check: ({ cgroupParent }) =>
    typeof cgroupParent === "string" && SLICE.test(cgroupParent)
      ? undefined
      : `a container outside ai.slice escapes what holds all workloads together. Set cgroupParent to a slice below it: ai-NAME.slice`,
};

/** What the rule reads of a bundle, see docs/bundle.md. */
interface SentBundle {
  readonly files?: Readonly<Record<string, { readonly content: string }>>;
  readonly units?: Readonly<Record<string, { readonly container?: string } | null>>;
  readonly limits?: Readonly<Record<string, unknown>>;
}

const serviceSlice: PolicyRule = {
  name: "ai-slice",
  type: COMMAND,
  reads: ["stdin"],
  check: ({ stdin }) => {
    if (typeof stdin !== "string" || !/^name: "workload-/m.test(stdin)) return undefined;
    const { files = {}, units = {}, limits = {} } = parse(stdin) as SentBundle;
    const outside = Object.keys(limits).filter(
      (unit) =>
        unit.endsWith(".service") &&
        units[unit]?.container === undefined &&
        !SLICE.test(sliceOf(unit, files)),
    );
    return outside.length === 0
      ? undefined
      : `${outside.join(", ")} is a workload outside ai.slice and escapes what holds all of them together. Give it Slice=ai-NAME.slice`;
  },
};

/** The slice that a bundle's files give a unit. */
function sliceOf(unit: string, files: NonNullable<SentBundle["files"]>): string {
  const own = Object.entries(files).filter(([path]) =>
    path.split("/").some((part) => part === unit || part === `${unit}.d`),
  );
  return own.map(([, { content }]) => /^Slice=(.*)$/m.exec(content)?.[1] ?? "").join("");
}

const verifiedHostKey: PolicyRule = {
  name: "verified-host-key",
  type: COMMAND,
  reads: ["connection"],
  check: ({ connection }, stack) => {
    if (!isProduction(stack)) return undefined;
    const { hostKey, proxy } = (connection ?? {}) as { hostKey?: unknown; proxy?: { hostKey?: unknown } };
    const isMissing = (key: unknown): boolean => typeof key !== "string" || key === "";
    const where = [
      ...(isMissing(hostKey) ? ["connection.hostKey"] : []),
      ...(proxy !== undefined && isMissing(proxy.hostKey) ? ["connection.proxy.hostKey"] : []),
    ];
    return where.length === 0
      ? undefined
      : `without ${where.join(" and ")} nobody can tell which host answers, and a stack for production always checks that`;
  },
};

const noTriggers: PolicyRule = {
  name: "no-triggers",
  type: COMMAND,
  reads: ["triggers"],
  check: ({ triggers }) =>
    triggers === undefined || triggers === null || (Array.isArray(triggers) && triggers.length === 0)
      ? undefined
      : "a change of triggers creates first and then deletes what it has just created. Put what shall cause an update into stdin",
};

/** What no program of this library may declare, whatever its configuration says. */
export const POLICY: readonly PolicyRule[] = [
  containerLimits,
  containerSlice,
  serviceSlice,
  verifiedHostKey,
  noTriggers,
];

/** What is wrong with a resource by one rule, as people read it. */
export function violation(rule: PolicyRule, name: string, inputs: Inputs, stack: string): string | undefined {
  const problem = rule.check(inputs, stack);
  return problem === undefined ? undefined : `policy ${rule.name}: ${name}: ${problem}`;
}
