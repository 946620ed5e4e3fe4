/** A line diff with two lines of context, as Pulumi prints for texts of several lines. */

const CONTEXT = 2;
/** Beyond this many comparisons a changed stretch is shown as removed and added whole. */
const MAX_CELLS = 4_000_000;

interface Line {
  sign: " " | "-" | "+";
  text: string;
}

/** Lines of the diff: `- old`, `+ new`, `  same`, `...` for what is left out. */
export function diffLines(before: string, after: string): string[] {
  const lines = compare(split(before), split(after)).filter((line) => line.text.trim() !== "");
  const shown = lines.map((_, i) =>
    lines.slice(Math.max(0, i - CONTEXT), i + CONTEXT + 1).some((line) => line.sign !== " "),
  );
  return lines.flatMap((line, i) => {
    if (shown[i] === true) return [`${line.sign} ${line.text}`];
    return i === 0 || shown[i - 1] === true ? ["  ..."] : [];
  });
}

function split(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

function compare(before: string[], after: string[]): Line[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end++;
  }
  const same = (text: string): Line => ({ sign: " ", text });
  return [
    ...before.slice(0, start).map(same),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

function compareMiddle(before: string[], after: string[]): Line[] {
  const removed = before.map((text): Line => ({ sign: "-", text }));
  const added = after.map((text): Line => ({ sign: "+", text }));
  if (before.length * after.length > MAX_CELLS) return [...removed, ...added];
  const width = after.length + 1;
  const longest = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ sign: " ", text: before[i++] ?? "" });
      j++;
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(removed[i++] ?? { sign: "-", text: "" });
    } else {
      lines.push(added[j++] ?? { sign: "+", text: "" });
    }
  }
  return lines;
}
