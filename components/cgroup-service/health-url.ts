import { SettingError } from "../settings/field";

/**
 * A URL that curl and the monitor ask alike.
 * @throws SettingError for what is none, with a path where only that is missing
 */
export function parseHealthUrl(text: string): string {
  const isPlain = /^http:\/\/[A-Za-z0-9._~:/?#@!$&()*+,;=%[\]-]+$/.test(text);
  const [, authority = "", rest = ""] = /^http:\/\/([^/?#]+)(.*)$/.exec(text) ?? [];
  const url = isPlain && URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && authority !== "" && url.port !== "0" && /^(\/|$)/.test(rest)) return text;
  const meant = authority === "" || /^(\/|$)/.test(rest) ? undefined : `http://${authority}/${rest}`;
  throw new SettingError("that is no such URL", meant);
}
