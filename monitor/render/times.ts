/** `2025-12-08T10:30:00Z` */
export function utcTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** `2025-12-08 10:35:00`, in a zone that is `offsetMinutes` ahead of UTC. */
export function localTime(milliseconds: number, offsetMinutes: number): string {
  return new Date(milliseconds + offsetMinutes * 60_000).toISOString().slice(0, 19).replace("T", " ");
}

/** Minutes ahead of UTC of `+0130`, as `date +%z` prints it. */
export function parseUtcOffset(text: string): number | undefined {
  const match = /^([+-])([01][0-9])([0-5][0-9])$/.exec(text);
  if (match === null) return undefined;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return match[1] === "-" ? -minutes : minutes;
}
