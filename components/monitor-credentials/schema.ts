import { z } from "zod";
import { SettingError, textField } from "../settings/field";
import { NAME, NAME_RULE } from "../settings/name";

/** A Sentry DSN names a key and a project: https://docs.sentry.io/concepts/key-terms/dsn-explainer/ */
const DSN = /^https?:\/\/\w+(:\w+)?@[^\s/@]+\/([\w./-]+\/)?\d+$/;

const address = (allowed: string, pattern: RegExp) =>
  textField({ description: "A secret.", example: "", allowed }, (text) => {
    // Nothing of it is shown: what is wrong is what is allowed.
    if (!pattern.test(text)) throw new SettingError("that is no such address");
    return text;
  }).optional();
/** An address of HTTP's. */
export const secretUrl = () =>
  address("an http:// or https:// address on one line", /^https?:\/\/[!-.0-~][!-~]*$/);

/** By whom is told: an address that is a secret. */
export const MonitorCredentialsSettings = z.strictObject({
  alertmanager: secretUrl(),
  webhook: secretUrl(),
  sentry: address("a DSN of Sentry's, such as https://KEY@sentry.example.com/7", DSN),
  heartbeat: secretUrl(),
});

/** Who can be told by an address that is a secret. */
export type SecretSink = keyof z.output<typeof MonitorCredentialsSettings>;
export const SECRET_SINKS = Object.keys(MonitorCredentialsSettings.shape) as SecretSink[];

/** Those that are given. */
export type MonitorAddresses<T = string> = { readonly [sink in SecretSink]?: T | undefined };

/** The same of one host alone, by host. */
export const HostMonitorCredentialsSettings = z.record(
  z.string().regex(NAME, NAME_RULE),
  MonitorCredentialsSettings,
);

/** What stands for one where nothing is decrypted: an address of each kind, and nobody's (RFC 2606). */
export const HIDDEN_ADDRESS = "https://secret@secret.invalid/1";
