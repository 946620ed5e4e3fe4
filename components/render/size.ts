/**
 * A number of bytes, 1024-based as in systemd, Docker and `free -h`. Conversions fail rather than round.
 */
export class Size {
  static readonly spellings = "512MiB, 16GiB, 1TiB (or 512M, 16G, 1T), 1024-based";

  private constructor(readonly bytes: number) {}

  static ofBytes(bytes: number): Size {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new RangeError(`${bytes} is no number of bytes`);
    return new Size(bytes);
  }

  /**
   * Reads `512MiB`, `16GiB`, `1TiB`, `512M`, `16G`, `1T`, and a plain `0`.
   * @throws SizeError for anything else, with the spelling that was probably meant.
   */
  static parse(text: string | number): Size {
    const match = /^(-?[0-9]+(?:\.[0-9]+)?) *([A-Za-z]*)$/.exec(String(text).trim());
    const [, number = "", unit = ""] = match ?? [];
    if (match === null) throw new SizeError("that is no size");
    if (number === "0" && unit === "") return new Size(0);
    if (number.startsWith("-")) throw new SizeError("a size cannot be negative");
    const letter = unit.charAt(0).toUpperCase();
    const factor = FACTORS[letter];
    if (unit === "") throw new SizeError("a size needs a unit", withUnit(Number(number)));
    if (factor === undefined) throw new SizeError(`"${unit}" is no unit of size`);
    const spelling = `${number}${letter}iB`;
    if (number.includes("."))
      throw new SizeError("a size is a whole number of its unit", wholeSpelling(Number(number), letter));
    if (unit !== letter && unit !== `${letter}iB`) {
      throw new SizeError(
        `"${unit}" could be 1000- or 1024-based, so it is written ${letter}iB or ${letter}`,
        spelling,
      );
    }
    const bytes = Number(number) * factor;
    if (!Number.isSafeInteger(bytes)) throw new SizeError("that is beyond what a machine can hold");
    return new Size(bytes);
  }

  /** Whole mebibytes, for tools that know no smaller unit. */
  get mebibytes(): number {
    if (this.bytes % MEBIBYTE !== 0) throw new RangeError(`${this.bytes} bytes are no whole number of MiB`);
    return this.bytes / MEBIBYTE;
  }

  /** A share of this size in whole MiB, never more than `percent` of it. */
  share(percent: number): Size {
    return new Size(Math.floor(((this.bytes / MEBIBYTE) * percent) / 100) * MEBIBYTE);
  }

  plus(other: Size): Size {
    return Size.ofBytes(this.bytes + other.bytes);
  }

  /** systemd's spelling: `16G`, `7372M`, or bytes. */
  toSystemd(): string {
    for (const unit of ["T", "G", "M"]) {
      const factor = FACTORS[unit] ?? 1;
      if (this.bytes > 0 && this.bytes % factor === 0) return `${this.bytes / factor}${unit}`;
    }
    return String(this.bytes);
  }

  /** The spelling of the settings: `16GiB`, `7372MiB`, or bytes. */
  toString(): string {
    return this.toSystemd().replace(/[MGT]$/, "$&iB");
  }
}

/** Why a text is no size. `suggestion` is the spelling that was probably meant. */
export class SizeError extends Error {
  constructor(
    message: string,
    readonly suggestion?: string,
  ) {
    super(message);
  }
}

const MEBIBYTE = 1024 ** 2;
const FACTORS: Record<string, number> = { M: MEBIBYTE, G: 1024 ** 3, T: 1024 ** 4 };

/** A bare number was meant as GiB when it is small, as MiB when it is not, as bytes when it is huge. */
function withUnit(value: number): string {
  if (value >= MEBIBYTE) return `${Math.ceil(value / MEBIBYTE)}MiB`;
  return value >= 256 ? `${Math.ceil(value)}MiB` : `${Math.max(1, Math.ceil(value))}GiB`;
}

/** `1.5 GiB` is `1536MiB`; what is no whole number of MiB is rounded up, for it is only a suggestion. */
function wholeSpelling(value: number, letter: string): string {
  const bytes = value * (FACTORS[letter] ?? 1);
  return (
    new Intl.NumberFormat("en", { useGrouping: false }).format(Math.max(1, Math.ceil(bytes / MEBIBYTE))) +
    "MiB"
  );
}
