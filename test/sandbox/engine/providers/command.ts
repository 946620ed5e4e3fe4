/** `command:remote:Command`, as @pulumi/command 1.2.1 performs it (pulumi/pulumi-command provider/pkg/provider/remote). */

import { randomBytes } from "node:crypto";
import { diffInputs, type Diff } from "../diff";
import type { ResourceState } from "../state";
import {
  hasUnknown,
  isMap,
  isSecret,
  reveal,
  revealMap,
  secret,
  textOf,
  UNKNOWN,
  type PropertyMap,
} from "../values";
import type { CheckFailure, Operation, Provider } from "./provider";
import { type Connection, dial, HOP_DEFAULTS } from "./ssh";
import { runSession, type Session } from "./ssh-session";

export class CommandProvider implements Provider {
  /** Every run of a command dials anew and keeps its connection until the plugin ends, as the real one does. */
  private readonly open: Session[] = [];

  check(inputs: PropertyMap): { inputs: PropertyMap; failures: CheckFailure[] } {
    const connection = inputs["connection"];
    if (connection === undefined) {
      return { inputs, failures: [{ property: "connection", reason: "missing required property" }] };
    }
    const plain = reveal(connection);
    const filled: typeof plain = isMap(plain) ? { ...HOP_DEFAULTS, ...plain } : plain;
    const failures: CheckFailure[] = [];
    if (isMap(filled) && filled["host"] === undefined) {
      failures.push({ property: "connection.host", reason: "missing required property" });
    }
    return { inputs: { ...inputs, connection: secret(filled) }, failures };
  }

  diff(old: ResourceState, inputs: PropertyMap): Diff {
    return diffInputs(old.inputs, inputs, (path) => path[0] === "triggers");
  }

  async create(operation: Operation, inputs: PropertyMap): Promise<{ id: string; outputs: PropertyMap }> {
    if (operation.dryRun) return { id: "", outputs: unknownOutputs(inputs) };
    const id = `${operation.name}${randomBytes(4).toString("hex")}`;
    const { create } = inputs;
    const outputs =
      create === undefined ? { stdout: "", stderr: "" } : await this.run(operation, create, inputs);
    return { id, outputs: { ...inputs, ...outputs } };
  }

  async update(operation: Operation, old: ResourceState, inputs: PropertyMap): Promise<PropertyMap> {
    if (operation.dryRun) return unknownOutputs(inputs);
    const { stdout = "", stderr = "" } = old.outputs;
    const text = inputs["update"] ?? inputs["create"];
    if (text === undefined) return { ...inputs, stdout, stderr };
    return { ...inputs, ...(await this.run(operation, text, { ...inputs, stdout, stderr })) };
  }

  async delete(operation: Operation, old: ResourceState): Promise<void> {
    const text = old.outputs["delete"];
    if (text !== undefined) await this.run(operation, text, old.outputs);
  }

  close(): void {
    for (const session of this.open.splice(0)) session.client.end();
  }

  private async run(
    operation: Operation,
    text: PropertyMap[string],
    state: PropertyMap,
  ): Promise<{ stdout: string; stderr: string }> {
    const properties = revealMap(state);
    const client = await dial(properties["connection"] as unknown as Connection, operation);
    const session = { client };
    this.open.push(session);
    const command = textOf(reveal(text));
    operation.ran(isSecret(text) ? "[secret]" : command);
    return runSession(session, command, properties, operation);
  }
}

/** Before a run its output is unknown: the provider takes every input to influence every output. */
function unknownOutputs(inputs: PropertyMap): PropertyMap {
  const kept = Object.entries(inputs).filter(([, value]) => !hasUnknown(value));
  return { ...Object.fromEntries(kept), stdout: UNKNOWN, stderr: UNKNOWN };
}
