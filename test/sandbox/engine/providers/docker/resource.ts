/** What the provider asks of each of its resource types. */

import type { PropertyMap } from "../../values";
import type { Operation } from "../provider";
import type { Client } from "./client";
import type { Schema } from "./schema";

export interface Made {
  id: string;
  outputs: PropertyMap;
}

export interface DockerResource {
  schema: Schema;
  /** A replacement is made after the old one is gone. */
  deleteBeforeReplace?: true;
  /** What the schema alone cannot refuse. */
  refuse?(inputs: PropertyMap): string | undefined;
  create(client: Client, planned: PropertyMap, operation: Operation): Promise<Made>;
  /** Does in place what changed; returns the resource afterwards. */
  update(
    client: Client,
    id: string,
    planned: PropertyMap,
    changed: ReadonlySet<string>,
    before: PropertyMap,
  ): Promise<PropertyMap>;
  /** The resource as it is, undefined when it is gone. */
  read(client: Client, id: string, state: PropertyMap): Promise<Made | undefined>;
  delete(client: Client, id: string, state: PropertyMap): Promise<void>;
}

/** Without what is not known: before something is read, a failed creation leaves that much. */
export function known(planned: PropertyMap, unknown: string): PropertyMap {
  return Object.fromEntries(Object.entries(planned).filter(([, value]) => value !== unknown));
}
