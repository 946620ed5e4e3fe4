/** Whether the rules for production hold: for a stack named prod, in whichever organisation. */
export function isProduction(stack: string): boolean {
  return stack === "prod" || stack.endsWith("/prod");
}
