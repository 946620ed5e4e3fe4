/** Pulumi's ResourceMonitor and Engine protocols, as far as a program with this project's resources speaks them. */

import * as grpc from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import structProto from "google-protobuf/google/protobuf/struct_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import resourceProto from "@pulumi/pulumi/proto/resource_pb.js";
import { ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import { Cancelled } from "./executor";
import type { Deployment } from "./deployment";
import type { Hooks } from "./hooks";
import { readGoal, type StackName } from "./goal";
import type { Report } from "./report";
import type { Severity } from "./types";

/** What this monitor can do. The SDK refuses, with a message, to use what is not listed. */
const FEATURES: ReadonlySet<string> = new Set([
  "secrets",
  "resourceReferences",
  "deletedWith",
  "resourceHooks",
]);

const SEVERITIES: readonly Severity[] = ["debug", "info", "warning", "error"];

export interface Monitor {
  address: string;
  /** The program has signalled that it registers nothing more. */
  signalled(): boolean;
  stop(): void;
}

type Handler<Request, Response> = grpc.handleUnaryCall<Request, Response>;

/** Answers with what `serve` returns; a cancelled run looks to the program like an engine that has gone. */
function unary<Request, Response>(
  report: Report,
  deployment: Deployment,
  serve: (request: Request) => Response | Promise<Response>,
): Handler<Request, Response> {
  return (call, callback) => {
    const respond = async (): Promise<void> => {
      try {
        callback(null, await serve(call.request));
      } catch (error) {
        if (!(error instanceof Cancelled)) {
          report.fail((error as Error).message);
          deployment.executor.cancel();
        }
        callback({ code: grpc.status.UNAVAILABLE, details: "the engine has shut down" });
      }
    };
    void respond();
  };
}

/** Serves a deployment on a port of the loopback interface. */
export async function serveMonitor(
  deployment: Deployment,
  where: StackName,
  report: Report,
  hooks: Hooks,
): Promise<Monitor> {
  let signalled = false;
  let rootUrn = "";
  const serve = <Request, Response>(handle: (request: Request) => Response | Promise<Response>) =>
    unary(report, deployment, handle);
  const unserved = (what: string) =>
    serve(() => {
      throw new Error(`the local engine does not serve ${what}`);
    });
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  server.addService(ResourceMonitorService, {
    supportsFeature: serve((request: resourceProto.SupportsFeatureRequest) => {
      const response = new resourceProto.SupportsFeatureResponse();
      response.setHassupport(FEATURES.has(request.getId()));
      return response;
    }),
    registerResource: serve(async (request: resourceProto.RegisterResourceRequest) => {
      const goal = readGoal(request, where);
      const state = await deployment.register(goal);
      const response = new resourceProto.RegisterResourceResponse();
      response.setUrn(state.urn);
      response.setId(state.id);
      // A component's outputs come from its own registerResourceOutputs, never from the state.
      response.setObject(structProto.Struct.fromJavaScript(state.custom ? state.outputs : {}));
      return response;
    }),
    registerResourceOutputs: serve((request: resourceProto.RegisterResourceOutputsRequest) => {
      deployment.registerOutputs(request.getUrn(), request.getOutputs()?.toJavaScript() ?? {});
      return new emptyProto.Empty();
    }),
    signalAndWaitForShutdown: serve(async () => {
      signalled = true;
      await deployment.finish();
      return new emptyProto.Empty();
    }),
    invoke: serve((request: resourceProto.ResourceInvokeRequest) => {
      throw new Error(`the local engine does not serve the function ${request.getTok()}`);
    }),
    call: unserved("method calls"),
    readResource: serve((request: resourceProto.ReadResourceRequest) => {
      throw new Error(`the local engine does not serve reading an existing resource (${request.getName()})`);
    }),
    registerPackage: unserved("parameterized packages"),
    registerStackTransform: unserved("stack transforms"),
    registerStackInvokeTransform: unserved("invoke transforms"),
    registerResourceHook: serve((request: resourceProto.RegisterResourceHookRequest) => {
      hooks.register(request);
      return new emptyProto.Empty();
    }),
    registerErrorHook: unserved("error hooks"),
  });
  server.addService(EngineService, {
    log: serve((request: engineProto.LogRequest) => {
      const severity = SEVERITIES[request.getSeverity()] ?? "info";
      // Pulumi shows ephemeral messages only while something runs.
      if (!request.getEphemeral())
        report.diagnostic(severity, request.getMessage(), request.getUrn() || undefined);
      return new emptyProto.Empty();
    }),
    getRootResource: serve(() => {
      const response = new engineProto.GetRootResourceResponse();
      response.setUrn(rootUrn);
      return response;
    }),
    setRootResource: serve((request: engineProto.SetRootResourceRequest) => {
      rootUrn = request.getUrn();
      return new engineProto.SetRootResourceResponse();
    }),
    requirePulumiVersion: serve(() => new engineProto.RequirePulumiVersionResponse()),
    startDebugging: unserved("debugging"),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    signalled: () => signalled,
    stop: () => {
      server.forceShutdown();
    },
  };
}
