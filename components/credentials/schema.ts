import { z } from "zod";
import { filledValueField } from "../settings/text-fields";
import { NAME, NAME_RULE } from "../settings/name";

export const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
export const VARIABLE_RULE = "a variable's name has letters, digits and _";

/** By workload: variables whose values are secrets. */
export const CredentialsSettings = z.record(
  z.string().regex(NAME, NAME_RULE),
  z.record(
    z.string().regex(VARIABLE, VARIABLE_RULE),
    filledValueField({ description: "A secret.", example: "", allowed: "text on one line, not empty" }),
  ),
);
export type CredentialsSettings = z.output<typeof CredentialsSettings>;

/** The same of one host alone, by host. */
export const HostCredentialsSettings = z.record(z.string().regex(NAME, NAME_RULE), CredentialsSettings);
