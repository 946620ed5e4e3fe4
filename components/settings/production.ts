/**
 * Whether the rules for production hold: where a word of the stack's name is prod or production (prod, prod-eu, eu.prod2),
 * in whichever organisation, but for non-prod and pre-prod.
 */
export function isProduction(stack: string): boolean {
  const words = (stack.toLowerCase().split("/").at(-1) ?? "").split(/[^a-z0-9]+/);
  return words.some(
    (word, index) =>
      /^prod(uction)?[0-9]*$/.test(word) && !["non", "not", "pre"].includes(words[index - 1] ?? ""),
  );
}
