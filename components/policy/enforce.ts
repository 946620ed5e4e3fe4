import * as pulumi from "@pulumi/pulumi";
import { type Inputs, POLICY, type PolicyRule, violation } from "./rules";

/**
 * Makes the rules of docs/policy.md hold for every resource that the program declares from now on. One that breaks a
 * rule fails `pulumi preview` with the rule's name.
 * @throws Error outside of a Pulumi program
 */
export function enforcePolicy(): void {
  const stack = pulumi.getStack();
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    const rules = POLICY.filter((rule) => rule.type === type);
    if (rules.length === 0) return undefined;
    const inputs = props as Inputs;
    const known = rules.filter((rule) => pendingInput(rule, inputs) === undefined);
    refuse(known.map((rule) => violation(rule, name, inputs, stack)));
    const judged = rules.flatMap((rule) => judgeLater(rule, name, inputs, stack));
    return judged.length === 0 ? undefined : { props: { ...inputs, ...Object.fromEntries(judged) }, opts };
  });
}

/** The first input that a rule reads and that is known only later. */
function pendingInput(rule: PolicyRule, inputs: Inputs): string | undefined {
  return rule.reads.find((key) => isPending(inputs[key]));
}

/** An input that waits for the judgement of a rule before it reaches the engine. */
function judgeLater(
  rule: PolicyRule,
  name: string,
  inputs: Inputs,
  stack: string,
): [string, pulumi.Output<unknown>][] {
  const waiting = pendingInput(rule, inputs);
  if (waiting === undefined) return [];
  const read = Object.fromEntries(rule.reads.map((key) => [key, inputs[key]]));
  const judged = pulumi.output(read).apply((resolved: Inputs) => {
    refuse([violation(rule, name, resolved, stack)]);
    return resolved[waiting];
  });
  return [[waiting, judged]];
}

/** Whether a value, or one in it, is an output or a promise. */
function isPending(value: unknown): boolean {
  if (pulumi.Output.isInstance(value) || value instanceof Promise) return true;
  if (Array.isArray(value)) return value.some(isPending);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return false;
  return Object.values(value).some(isPending);
}

function refuse(found: readonly (string | undefined)[]): void {
  const problems = found.filter((problem) => problem !== undefined);
  if (problems.length === 0) return;
  const error = new pulumi.RunError(problems.join("\n"));
  // With a stack the engine inspects the whole program for half a minute.
  delete error.stack;
  throw error;
}
