import { z } from "zod";
import { choiceField } from "../settings/fields";

/** What the host's manager does by itself. */
export const ManagerSettings = z.strictObject({
  daily: choiceField(["verify", "repair"], {
    description: "What the daily timer does: report drift, or repair it too (which hides it from CI).",
  }).default("verify"),
});
