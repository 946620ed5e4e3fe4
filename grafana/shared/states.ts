import { MappingType, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";

/** What 1 and 0 mean, as words with a color. */
const states = (one: readonly [string, string], zero: readonly [string, string]): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: {
      "0": { text: zero[0], color: zero[1], index: 0 },
      "1": { text: one[0], color: one[1], index: 1 },
    },
  },
];

export const RUNNING = states(["running", "green"], ["not running", "red"]);
export const SUCCEEDS = states(["succeeds", "green"], ["fails", "red"]);
export const MEASURED = states(["measured", "green"], ["not measured", "red"]);
export const SLEEPS = states(["sleeps", "blue"], ["awake", "green"]);
export const FIRES = states(["fires", "red"], ["quiet", "green"]);
export const ARRIVES = states(["arrives", "green"], ["missing", "red"]);
export const SCRAPED = states(["answers", "green"], ["silent", "red"]);
export const AS_DECLARED = states(["as declared", "green"], ["drift", "red"]);
export const TAKES_WORK = states(["yes", "green"], ["no", "red"]);
export const BROKEN = states(["yes", "red"], ["no", "green"]);
export const WATCHED = states(["watched", "blue"], ["not watched", "text"]);
