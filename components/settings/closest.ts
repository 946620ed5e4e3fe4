/** ", did you mean X?" where one known key is close. */
export function closest(key: string, known: readonly string[]): string {
  const ranked = known.map(
    (candidate) => [distance(key.toLowerCase(), candidate.toLowerCase()), candidate] as const,
  );
  const best = ranked.sort(([a], [b]) => a - b)[0];
  return best !== undefined && best[0] <= 2 ? `; did you mean ${best[1]}?` : "";
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
