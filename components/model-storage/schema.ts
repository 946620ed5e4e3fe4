import { z } from "zod";
import { choiceField, sizeField } from "../settings/fields";
import { scalarField, SettingError } from "../settings/field";
import { pathField, tokenField } from "../settings/text-fields";

/** The settings of {@link ModelStorage}. */
export const ModelsSettings = z.strictObject({
  path: pathField({
    description:
      "Where models lie. The folder is made when it is missing; workloads may write there; IO limits mean its disk.",
    example: "/srv/models",
  }).prefault("/srv/models"),
  readAhead: sizeField({
    description:
      "Read-ahead of the whole disk that holds it, for sequential model loading. Everything else on that disk gets it too. Default: as it is.",
    example: "4MiB",
    zero: true,
  })
    .refine(({ bytes }) => bytes <= 1024 ** 3, "that is more than 1GiB, which no disk reads at once")
    .optional(),
  owner: tokenField({
    description:
      "User and group of the folder itself, by name or number; what is in it stays as it is. Default: as it is, root's when it is made.",
    example: "ollama:ollama",
    allowed: "USER:GROUP",
    pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/,
  }).optional(),
  mode: modeField().optional(),
  mount: choiceField(["any", "required"], {
    description:
      "required: the folder must be on a filesystem other than the root's, and nothing is applied while its disk is not mounted.",
  }).default("any"),
});
export type ModelsSettings = z.input<typeof ModelsSettings>;

function modeField() {
  return scalarField(
    {
      description:
        'Permissions of the folder itself, in quotes: `"2775"` lets its group write and keeps the group on what is made there. Default: as it is, 0755 when it is made.',
      example: "0755",
      allowed: 'three or four octal digits after at most one 0, in quotes: "0755", "02775"',
    },
    parseMode,
  );
}

/**
 * Four octal digits. As a number it may be another by now: YAML reads 0644 as 420, and a command's 644 as 644.
 * @throws SettingError with the digits after a 0, which a command leaves as they are
 */
function parseMode(text: string, raw: string | number): string {
  if (typeof raw === "number") {
    const ownersDigit = (digits: string): number => Number(digits.at(-3));
    const [meant] = [text, raw.toString(8)]
      .filter((digits) => /^[0-7]{3,4}$/.test(digits))
      .sort((a, b) => ownersDigit(b) - ownersDigit(a));
    throw new SettingError(
      "a number may have been read as octal, so a mode is in quotes",
      meant === undefined ? undefined : `0${meant}`,
    );
  }
  const [, mode] = /^0?([0-7]{3,4})$/.exec(text) ?? [];
  if (mode === undefined) throw new SettingError("that is no mode");
  return mode.padStart(4, "0");
}
