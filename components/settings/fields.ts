import { z } from "zod";
import { formatCpuList, parseCpuList } from "../render/cpu-list";
import { Size } from "../render/size";
import { type Described, refusing, scalarField, SettingError } from "./field";

/** More than any host has; a typing error. */
const MOST = Size.parse("64TiB");
/** Of all the cores that the kernel can have (CONFIG_NR_CPUS): a typing error above it. */
const MOST_PERCENT = 819_200;

/** A size of memory, swap or disk; more than nothing unless `zero` is allowed. */
export function sizeField(doc: Described & { zero?: boolean; least?: string }) {
  const { zero = false, least, ...rest } = doc;
  const allowed = `${zero ? "0 or a" : "a"} size: ${Size.spellings}${least === undefined ? "" : `, at least ${least}`}`;
  return scalarField({ example: "1GiB", allowed, ...rest }, (text) => {
    const size = Size.parse(text);
    if (size.bytes > MOST.bytes) throw new SettingError(`that is more than ${MOST}`);
    if (size.bytes === 0 && !zero) throw new SettingError("a size of 0 would leave nothing");
    if (size.bytes > 0 && least !== undefined && size.bytes < Size.parse(least).bytes) {
      throw new SettingError(`that is less than ${least}`, least);
    }
    return size;
  });
}

/** A whole number between two bounds, both included. */
export function integerField(doc: Described & { min: number; max: number }) {
  const { min, max, ...rest } = doc;
  return scalarField(
    { example: String(min), allowed: `a whole number from ${min} to ${max}`, ...rest },
    (text) => {
      if (!/^-?[0-9]+$/.test(text)) throw new SettingError("that is no whole number");
      const value = Number(text);
      if (value < min) throw new SettingError(`that is less than ${min}`, String(min));
      if (value > max) throw new SettingError(`that is more than ${max}`, String(max));
      return value;
    },
  );
}

/** A number above 0, fractions included. */
export function positiveField(doc: Described & { max: number }) {
  const { max, ...rest } = doc;
  return scalarField({ example: "1", allowed: `a number above 0, at most ${max}`, ...rest }, (text) => {
    const value = Number(text);
    if (!/^[0-9]*\.?[0-9]+$/.test(text) || !(value > 0)) throw new SettingError("that is no number above 0");
    if (value > max) throw new SettingError(`that is more than ${max}`, String(max));
    return value;
  });
}

/** A list of CPUs in the kernel's form; the value is normalised. */
export function coresField(doc: Described) {
  return scalarField(
    { example: "0-3", allowed: 'a list of cores such as "0-3" or "0,2-5"', ...doc },
    (text) => {
      const reversed = /^([0-9]{1,4})-([0-9]{1,4})$/.exec(text);
      try {
        return formatCpuList(parseCpuList(text));
      } catch (error) {
        const suggestion = reversed === null ? undefined : `${reversed[2]}-${reversed[1]}`;
        throw new SettingError(error instanceof Error ? error.message : String(error), suggestion);
      }
    },
  );
}

/** A CPU quota as systemd writes it: 100% is one core. */
export function quotaField(doc: Described) {
  return scalarField(
    { example: "200%", allowed: 'a percentage of one core above 0, such as "200%"', ...doc },
    (text) => {
      const match = /^([0-9]{1,7})(%?)$/.exec(text);
      if (match === null) throw new SettingError("that is no percentage");
      const percent = Number(match[1]);
      if (percent === 0) throw new SettingError("a quota of 0 would stop the workload");
      if (percent > MOST_PERCENT)
        throw new SettingError(`that is more than ${MOST_PERCENT}%`, `${MOST_PERCENT}%`);
      if (match[2] === "") {
        throw new SettingError(
          "a quota needs its percent sign: 100% is one core",
          `${percent < 25 ? percent * 100 : percent}%`,
        );
      }
      return percent;
    },
  );
}

/** One of several words. */
export function choiceField<const T extends string>(words: readonly T[], doc: Described) {
  const [first] = words;
  return z.enum(words).meta({ example: first ?? "", allowed: words.join(", "), ...doc });
}

/** Yes or no; `pulumi config set` without `--path` stores words. */
export function flagField(doc: Described) {
  return z
    .custom<boolean | "true" | "false">()
    .transform(refusing(parseFlag))
    .meta({ example: "true", allowed: "true or false", ...doc });
}

/** Words that YAML 1.1 takes for truth values, and Pulumi's YAML for text. */
function parseFlag(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  const words: Record<string, readonly string[]> = {
    true: ["yes", "y", "on", "1", "true"],
    false: ["no", "n", "off", "0", "false", ""],
  };
  const meant = Object.keys(words).find((word) => words[word]?.includes(text.toLowerCase()));
  throw new SettingError("that is neither true nor false", meant);
}
