/** Set by the bundler from package.json. */
declare const AIRM_VERSION: string | undefined;

export const VERSION = typeof AIRM_VERSION === "undefined" ? "development" : AIRM_VERSION;
