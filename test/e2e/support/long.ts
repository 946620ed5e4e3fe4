import { describe, it } from "vitest";

/** Whether this is `npm run test:long`. */
export const LONG = process.env["GOBLIN_HOST_LONG"] === "1";

/** What `npm test` skips by name and `npm run test:long` runs: `npm test` is to take less than an hour. */
export const itInLong = it.runIf(LONG);
export const describeInLong = describe.runIf(LONG);
