import { sample } from "./crash";

/** A verb whose steps fail, one at a time, on a machine that each time is the same. */
export interface FailingVerb {
  /** From where the verb before starts to where this one does. */
  readonly way: readonly string[];
  /** The run in which a step fails. */
  readonly run: string;
  /** The run that must end what that one began; of several each has its turn. */
  readonly again: readonly [string, ...string[]];
  /** A verb that starts at the same place, and whose first steps are the same. */
  readonly like?: string;
}

/** What is run of a verb: GOBLIN_HOST_FAILURES, "heal:17,remove:100-120,repair", names points, a part and all of one. */
export function chosenPoints(verb: string, only = process.env["GOBLIN_HOST_FAILURES"]): Range[] | undefined {
  if (only === undefined) return undefined;
  return only.split(",").flatMap((word) => {
    const match = /^([a-z]+)(?::(\d+)(?:-(\d+))?)?$/.exec(word);
    if (match === null)
      throw new Error(`GOBLIN_HOST_FAILURES: "${word}" is not VERB, VERB:POINT or VERB:FROM-TO`);
    const [, name, from, to] = match;
    if (name !== verb) return [];
    return [{ from: Number(from ?? 1), to: from === undefined ? Infinity : Number(to ?? from) }];
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * The points of a verb, numbered from 1.
 * @param steps all of its steps
 * @param known how many of the first are those of another verb, in the same state
 * @param size how many points are enough; undefined: all
 */
export function pointsOf(steps: number, known: number, size: number | undefined, chosen?: Range[]): number[] {
  if (chosen !== undefined) {
    return range(1, steps).filter((point) => chosen.some(({ from, to }) => point >= from && point <= to));
  }
  if (size === undefined) return range(known + 1, steps);
  return sample(steps - known, Math.min(size, steps - known)).map((point) => known + point);
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** How many lines at the beginning are the same. */
export function commonPrefix(one: readonly string[], other: readonly string[]): number {
  const differs = one.findIndex((line, index) => line !== other[index]);
  return differs === -1 ? one.length : differs;
}
