/** Grafana has a unit for most of what is measured, but none for tokens. */
export const TOKENS_PER_SECOND = "suffix: tokens/s";
