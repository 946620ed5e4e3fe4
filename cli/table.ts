/** Plain text in columns: headings, a rule, rows; the last column is not padded. */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    widths
      .map((width, column) => (cells[column] ?? "").padEnd(width))
      .join("  ")
      .trimEnd();
  return [line(headings), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)]
    .map((text) => `${text}\n`)
    .join("");
}

/** Bytes as a person reads them, exact where a binary unit divides them: 6442450944 is 6GiB. */
export function formatBytes(text: string): string {
  if (!/^\d+$/.test(text)) return text;
  let value = Number(text);
  for (const unit of ["", "KiB", "MiB"]) {
    if (value === 0 || value % 1024 !== 0) return `${value}${unit}`;
    value /= 1024;
  }
  return `${value}GiB`;
}
