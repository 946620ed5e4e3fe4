/** What a canvas cannot take from the style sheet by itself. */
export interface Theme {
  readonly lines: readonly string[];
  readonly muted: string;
  readonly grid: string;
  readonly mark: string;
  readonly font: string;
}

/** A pattern for each line, so that nobody needs its colour. */
export const DASHES: readonly (readonly number[])[] = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [1, 5]];

export function currentTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const value = (name: string): string => style.getPropertyValue(name).trim();
  return {
    lines: Array.from({ length: DASHES.length }, (_, index) => value(`--line-${index + 1}`)),
    muted: value("--muted"),
    grid: value("--grid"),
    mark: value("--critical"),
    font: "11px system-ui, sans-serif",
  };
}

/** Calls when the system turns dark or light. */
export function onThemeChange(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}
