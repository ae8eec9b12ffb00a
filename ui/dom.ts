/**
 * A tree of plain values for the page, and one function that makes the document equal to it. Elements are kept
 * where tag and key stay the same, so focus and half-typed input survive every update. Text only ever becomes
 * text nodes: no HTML is parsed, which the page's Trusted Types policy enforces too.
 */

export type Child = ViewNode | string | false | undefined;

export interface ViewNode {
  readonly tag: string;
  readonly key: string | undefined;
  readonly props: Props;
  readonly children: readonly (ViewNode | string)[];
}

export interface Props {
  readonly key?: string;
  readonly [name: string]: string | number | boolean | ((event: Event) => void) | undefined;
}

export function h(tag: string, props: Props, ...children: readonly (Child | readonly Child[])[]): ViewNode {
  const { key, ...rest } = props;
  return { tag, key, props: rest, children: children.flat().filter(isShown) };
}

function isShown(child: Child): child is ViewNode | string {
  return child !== false && child !== undefined && child !== '';
}

const SVG = 'http://www.w3.org/2000/svg';
const rendered = new WeakMap<Element, ViewNode>();

export function patch(parent: Element, children: readonly (ViewNode | string)[]): void {
  children.forEach((child, index) => {
    const existing = parent.childNodes[index];
    if (typeof child === 'string') patchText(parent, existing, child);
    else patchElement(parent, existing, child);
  });
  while (parent.childNodes.length > children.length) parent.lastChild?.remove();
}

function patchText(parent: Element, existing: ChildNode | undefined, text: string): void {
  if (!(existing instanceof Text)) parent.insertBefore(document.createTextNode(text), existing ?? null);
  else if (existing.data !== text) existing.data = text;
}

function patchElement(parent: Element, existing: ChildNode | undefined, node: ViewNode): void {
  const match = findMatch(existing, node);
  // Removing what stands before a match, instead of moving the match, leaves its focus alone.
  const before = existing?.previousSibling ?? null;
  while (match !== undefined && match.previousSibling !== before) match.previousSibling?.remove();
  const element = match ?? createElement(parent, node.tag);
  patchProps(element, rendered.get(element)?.props ?? {}, node.props);
  patch(element, node.children);
  rendered.set(element, node);
  if (match === undefined) parent.insertBefore(element, existing ?? null);
}

/** The first element from `start` on that was rendered from the same tag and key. */
function findMatch(start: ChildNode | undefined, { tag, key }: ViewNode): Element | undefined {
  for (let sibling: ChildNode | null = start ?? null; sibling !== null; sibling = sibling.nextSibling) {
    const before = sibling instanceof Element ? rendered.get(sibling) : undefined;
    if (before !== undefined && before.tag === tag && before.key === key) return sibling as Element;
  }
  return undefined;
}

function createElement(parent: Element, tag: string): Element {
  const isSvg = tag === 'svg' || parent.namespaceURI === SVG;
  return isSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
}

function patchProps(element: Element, before: Props, after: Props): void {
  for (const name of Object.keys(before)) if (!(name in after)) setProp(element, name, undefined);
  for (const [name, value] of Object.entries(after))
    if (before[name] !== value) setProp(element, name, value);
}

function setProp(element: Element, name: string, value: Props[string]): void {
  if (name.startsWith('on')) Object.assign(element, { [name.toLowerCase()]: value ?? null });
  else if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}
