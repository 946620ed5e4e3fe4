import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { readTextIfAllowed } from "../host/files";
import type { Roots } from "../host/roots";
import { parseUtcOffset } from "../render/times";

const FILE = "monitor-request";

/** What the host's command asks for: a collection, and the host's offset from UTC, which a container cannot know. */
export interface CollectRequest {
  /** Goes back in the `collected` file, so that the asker knows its answer. */
  readonly token: string;
  readonly utcOffsetMinutes: number | undefined;
}

/**
 * `TOKEN OFFSET` (`+0100`) in a folder of root's, which the monitor only reads: root never writes where the monitor's
 * user could have put a link. Undefined without a request.
 */
export function readRequest({ manager }: Roots): CollectRequest | undefined {
  const match = /^([A-Za-z0-9_.-]{1,64}) ([+-][0-9]{4})\n$/.exec(
    readTextIfAllowed(join(manager, FILE)) ?? "",
  );
  const [, token, offset] = match ?? [];
  if (token === undefined || offset === undefined) return undefined;
  return { token, utcOffsetMinutes: parseUtcOffset(offset) };
}

/**
 * Calls when a request is written; undefined when the folder cannot be watched, and requests are then seen at the next
 * interval.
 */
export function watchRequests({ manager }: Roots, onRequest: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(manager, { persistent: false }, (_event, name) => {
      if (name === FILE) onRequest();
    });
    watcher.on("error", () => {
      watcher.close();
    });
    return watcher;
  } catch {
    return undefined;
  }
}
