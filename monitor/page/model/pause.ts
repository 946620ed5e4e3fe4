const MOST_SECONDS = 60;

/** Seconds until it is asked again: each failure in a row doubles them, up to a minute. */
export function pauseSeconds(usualSeconds: number, failures: number): number {
  const doubled = usualSeconds * 2 ** Math.min(failures, 10);
  return failures === 0 ? usualSeconds : Math.max(usualSeconds, Math.min(MOST_SECONDS, doubled));
}
