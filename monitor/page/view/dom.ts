import { plain } from "../model/words";

export type Child = Node | string | undefined;

/** An element. Text is only ever text: whatever a service calls itself, it is no markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) element.setAttribute(name, value);
  for (const child of children)
    if (child !== undefined) element.append(typeof child === "string" ? plain(child) : child);
  return element;
}

/** Sets a custom property, which the policy of the page allows where it forbids a style attribute. */
export function withProperty<T extends HTMLElement>(element: T, name: string, value: string): T {
  element.style.setProperty(name, value);
  return element;
}

/** Makes an element's children like these, and keeps what is the same: focus, selection and what was opened stay. */
export function show(parent: Element, ...children: readonly Node[]): void {
  const old = [...parent.childNodes];
  children.forEach((child, index) => {
    const before = old[index];
    if (before === undefined) parent.append(child);
    else if (!alike(before, child)) before.replaceWith(child);
    else if (before instanceof HTMLElement && child instanceof HTMLElement) become(before, child);
    else if (before.nodeValue !== child.nodeValue) before.nodeValue = child.nodeValue;
  });
  for (const extra of old.slice(children.length)) extra.remove();
}

function alike(one: Node, other: Node): boolean {
  if (one.nodeName !== other.nodeName) return false;
  return !(one instanceof Element && other instanceof Element) || one.id === other.id;
}

function become(element: HTMLElement, next: HTMLElement): void {
  for (const { name } of [...element.attributes])
    // What somebody has opened stays so.
    if (!next.hasAttribute(name) && name !== "open" && name !== "style") element.removeAttribute(name);
  for (const { name, value } of [...next.attributes])
    if (name !== "style" && element.getAttribute(name) !== value) element.setAttribute(name, value);
  if (element.style.cssText !== next.style.cssText) element.style.cssText = next.style.cssText;
  show(element, ...next.childNodes);
}

/** An element of page.html. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`page.html has no #${id}`);
  return element;
}
