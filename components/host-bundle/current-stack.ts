import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "./identity";

/** The stack that this program runs for. */
export function currentStack(): StackId {
  return { project: pulumi.getProject(), stack: pulumi.getStack() };
}
