/** The specification writes 1024-based units with these letters, as `free -h` and systemd do. */
const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"] as const;

/** A whole percentage, rounded down, as the specification's samples have it: 2 of 16 is 12%. */
export function percent(ratio: number): string {
  return `${Math.floor(ratio * 100 + 1e-9)}%`;
}

/** `13GB`, `4.2GB`, `256MB`: at most one decimal, `.0` dropped. */
export function size(bytes: number): string {
  let unit = unitOf(bytes);
  if (round(bytes / 1024 ** unit, 1) >= 1024 && unit < UNITS.length - 1) unit += 1;
  return `${round(bytes / 1024 ** unit, 1)}${UNITS[unit] ?? ""}`;
}

/** `18.4GB/20GB`, `0.92TB/1TB`: both in the unit of the whole, below 1 with two decimals. */
export function sizeOf(usedBytes: number, wholeBytes: number): string {
  const whole = size(wholeBytes);
  const unit = UNITS.findIndex((name) => name === whole.replace(/^[0-9.]+/, ""));
  const value = usedBytes / 1024 ** unit;
  return `${round(value, value < 1 ? 2 : 1)}${UNITS[unit] ?? ""}/${whole}`;
}

function unitOf(bytes: number): number {
  let unit = 0;
  while (bytes >= 1024 ** (unit + 1) && unit < UNITS.length - 1) unit += 1;
  return unit;
}

function round(value: number, decimals: number): number {
  return Math.round(value * 10 ** decimals) / 10 ** decimals;
}
