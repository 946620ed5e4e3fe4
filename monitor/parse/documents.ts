import { ParseError } from "./text";

/** The last run of `ai-resource-manager verify`. */
export interface Verification {
  /** Seconds since 1970. */
  readonly time: number;
  /** 0 all holds, 3 drift, others failed. */
  readonly exitCode: number;
  readonly findings: number;
}

/** last-verify.json: `{"time": ..., "exitCode": ..., "findings": ...}`. */
export function parseVerification(text: string): Verification {
  const { time, exitCode, findings } = parseObject(text, "last-verify.json");
  if (typeof time !== "number" || typeof exitCode !== "number" || typeof findings !== "number") {
    throw new ParseError("last-verify.json needs the numbers time, exitCode and findings");
  }
  return { time, exitCode, findings };
}

/** Bundles that were applied one after the other. */
export interface Deployment {
  /** When it began, in UTC: `20261124T181500Z`. */
  readonly id: string;
  /** Seconds since 1970, of its first apply. */
  readonly startedAt: number;
  /** The same of its last. */
  readonly appliedAt: number;
  readonly bundles: readonly string[];
}

/** deployment.json: `{"id": ..., "startedAt": ..., "appliedAt": ..., "bundles": [...]}`. */
export function parseDeployment(text: string): Deployment {
  const { id, startedAt, appliedAt, bundles } = parseObject(text, "deployment.json");
  if (typeof id !== "string" || !/^[0-9]{8}T[0-9]{6}Z$/.test(id))
    throw new ParseError("deployment.json needs an id like 20261124T181500Z");
  if (!isTime(startedAt) || !isTime(appliedAt) || !isTexts(bundles))
    throw new ParseError("deployment.json needs the numbers startedAt and appliedAt, and the list bundles");
  return { id, startedAt, appliedAt, bundles };
}

/** Seconds since 1970, of this millennium or a few after. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < 1e11;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

/** What the kernel makes of one declared limit. */
export interface LimitVerdict {
  /** The unit without `.service`. */
  readonly service: string;
  /** As systemd names it: MemoryMax. */
  readonly limit: string;
  /** enforced, inert or unsupported. */
  readonly verdict: string;
}

/** limits.tsv: a line with bundle, unit, property and verdict. A limit that two bundles declare counts once. */
export function parseVerdicts(text: string): LimitVerdict[] {
  const found = new Map<string, LimitVerdict>();
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, unit, limit, verdict, more] = line.split("\t");
    if (unit === undefined || limit === undefined || verdict === undefined || more !== undefined)
      throw new ParseError(`limits.tsv has a line without its four fields: ${line.slice(0, 80)}`);
    found.set(`${unit} ${limit}`, { service: unit.replace(/\.service$/, ""), limit, verdict });
  }
  return [...found.values()];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws ParseError that says what it is that is none */
export function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ParseError(`${what} is no JSON`);
  }
  if (!isObject(value)) throw new ParseError(`${what} is no JSON object`);
  return value;
}
