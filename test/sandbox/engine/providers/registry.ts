/** Which provider serves a resource type. */

import { EngineError } from "../types";
import { CommandProvider } from "./command";
import { ConfigProvider } from "./config";
import { DOCKER_RESOURCES, DockerProvider } from "./docker/provider";
import type { Provider } from "./provider";

const EXPLICIT_PROVIDER = /^pulumi:providers:(.+)$/;

/** The providers of one run. */
export class Providers {
  private readonly command = new CommandProvider();
  private readonly config = new ConfigProvider();
  private readonly docker = new DockerProvider();
  private readonly byType: ReadonlyMap<string, Provider> = new Map([
    ["command:remote:Command", this.command],
    ...Object.keys(DOCKER_RESOURCES).map((type): [string, Provider] => [type, this.docker]),
  ]);

  /** The provider of a custom resource; a type that none serves is an error naming it. */
  of(type: string): Provider {
    const provider = EXPLICIT_PROVIDER.test(type) ? this.config : this.byType.get(type);
    if (provider !== undefined) return provider;
    throw new EngineError(
      `the local engine does not serve ${type}; it serves ${[...this.byType.keys()].join(", ")}. ` +
        "Run this program with the real engine (--engine pulumi).",
    );
  }

  close(): void {
    for (const provider of new Set(this.byType.values())) provider.close?.();
  }
}
