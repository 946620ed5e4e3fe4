/**
 * Resource hooks: functions of the program that the engine calls around its operations, over a connection to the program
 * (pkg/resource/deploy/resource_hooks.go). Served are those before a creation, the one of a replacement included.
 */

import * as grpc from "@grpc/grpc-js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import { CallbacksClient } from "@pulumi/pulumi/proto/callback_grpc_pb.js";
import callbackProto from "@pulumi/pulumi/proto/callback_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import type { Goal } from "./goal";
import { EngineError } from "./types";

interface Hook {
  readonly target: string;
  readonly token: string;
  /** Whether it runs in a preview, too. */
  readonly onDryRun: boolean;
}

export class Hooks {
  private readonly hooks = new Map<string, Hook>();
  private readonly clients = new Map<string, CallbacksClient>();

  register(request: resourceProto.RegisterResourceHookRequest): void {
    const name = request.getName();
    const callback = request.getCallback();
    if (callback === undefined) throw new EngineError(`the resource hook "${name}" has no callback`);
    if (this.hooks.has(name)) throw new EngineError(`resource hook already registered for name "${name}"`);
    const [target, token] = [callback.getTarget(), callback.getToken()];
    this.hooks.set(name, { target, token, onDryRun: request.getOnDryRun() });
  }

  /** @throws EngineError what the hook said, which fails the operation that it precedes */
  async call(name: string, goal: Goal, dryRun: boolean): Promise<void> {
    const hook = this.hooks.get(name);
    if (hook === undefined) throw new EngineError(`resource hook "${name}" was not registered`);
    if (dryRun && !hook.onDryRun) return;
    const request = new resourceProto.ResourceHookRequest();
    request.setUrn(goal.urn);
    request.setName(goal.name);
    request.setType(goal.type);
    request.setNewInputs(structProto.Struct.fromJavaScript(goal.inputs));
    const answer = await this.invoke(hook, request.serializeBinary());
    const error = resourceProto.ResourceHookResponse.deserializeBinary(answer).getError();
    if (error !== "") throw new EngineError(`before hook "${name}" failed: ${error}`);
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private invoke({ target, token }: Hook, bytes: Uint8Array): Promise<Uint8Array> {
    const client = this.clients.get(target) ?? new CallbacksClient(target, grpc.credentials.createInsecure());
    this.clients.set(target, client);
    const request = new callbackProto.CallbackInvokeRequest();
    request.setToken(token);
    request.setRequest(bytes);
    return new Promise((resolve, reject) => {
      client.invoke(request, (error, response) => {
        if (error === null) resolve(response.getResponse_asU8());
        else reject(new EngineError(`a resource hook of the program cannot be called: ${error.message}`));
      });
    });
  }
}
