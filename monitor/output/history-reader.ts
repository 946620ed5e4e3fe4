import { open } from "node:fs/promises";
import { utcTime } from "../render/times";
import { type HistoryRecord, historySegments, parseRecord } from "./history";

const CHUNK_BYTES = 32 * 1024;
/** A record of 300 services takes some 30 KB. What is longer is no record, and is skipped. */
const MOST_LINE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
/** How each record begins; times in this form are in order as texts. */
const TIME_KEY = '{"time":"';
const TIME_LENGTH = "2025-12-08T10:30:00Z".length;

/**
 * Hands over the records of a time, in the order in which they were written. It holds one line at a time, and lets
 * other work in after every {@link CHUNK_BYTES}: a collection waits for no history.
 * @param from milliseconds since 1970
 */
export async function readHistory(
  stateFolder: string,
  from: number,
  to: number,
  take: (record: HistoryRecord) => void,
): Promise<void> {
  const [first, last] = [utcTime(from), utcTime(to)];
  for (const { path, changedAt } of historySegments(stateFolder)) {
    if (changedAt < from) continue;
    await eachLine(path, (line) => {
      // Most of a segment is often another time's, and not worth parsing.
      const start = line.toString("latin1", 0, TIME_KEY.length + TIME_LENGTH);
      const time = start.startsWith(TIME_KEY) ? start.slice(TIME_KEY.length) : undefined;
      if (time !== undefined && (time < first || time > last)) return;
      const record = parseRecord(line.toString("utf8"));
      if (record !== undefined) take(record);
    });
  }
}

async function eachLine(path: string, take: (line: Buffer) => void): Promise<void> {
  const file = await open(path, "r").catch((error: unknown) => {
    // Dropped as too old a moment ago.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let begun: Buffer[] = [];
    let begunBytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      // What is left is being written, or was torn.
      if (bytesRead === 0) return;
      let from = 0;
      for (;;) {
        const end = chunk.subarray(0, bytesRead).indexOf(NEWLINE, from);
        if (end === -1) break;
        const rest = chunk.subarray(from, end);
        if (begunBytes === 0) take(rest);
        else if (begunBytes + rest.length <= MOST_LINE_BYTES) take(Buffer.concat([...begun, rest]));
        [begun, begunBytes, from] = [[], 0, end + 1];
      }
      const rest = chunk.subarray(from, bytesRead);
      begunBytes += rest.length;
      if (begunBytes > MOST_LINE_BYTES) begun = [];
      else if (rest.length > 0) begun.push(Buffer.from(rest));
    }
  } finally {
    await file.close();
  }
}
