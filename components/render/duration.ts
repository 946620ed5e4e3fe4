/** Seconds of a duration as the settings write it: `60s`, `5min`. */
export function parseDuration(text: string): number {
  const match = /^([0-9]+)(s|min)$/.exec(text);
  if (match === null) throw new RangeError(`"${text}" is no duration`);
  return Number(match[1]) * (match[2] === "min" ? 60 : 1);
}
