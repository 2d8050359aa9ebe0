/**
 * Elements, made without markup: text is always text.
 * @module
 */

/** What an element can be given. `on*` listens; `class`, `aria-*` and the like are attributes; the rest are properties. */
export type Properties = Readonly<Record<string, unknown>>;
/** Nothing, text, or a node. */
export type Child = Node | string | number | undefined | false;

/**
 * Makes an element.
 * @param properties - A value of undefined or false leaves an attribute out.
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(key, key.startsWith('aria-') ? 'true' : '');
    else element.setAttribute(key, String(value));
  }
  append(element, children);
  return element;
}

/** Puts children at the end. */
export function append(element: Element, children: readonly Child[]): void {
  for (const child of children)
    if (child !== undefined && child !== false) element.append(typeof child === 'number' ? String(child) : child);
}

/** Puts children in the place of those that are there. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** A line drawing, 24 units wide, for the eye alone. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

/** Paths of the drawings that are used. */
export const ICONS = {
  eye: 'M2 12c3-5 6.300-7 10-7s7 2 10 7c-3 5-6.300 7-10 7s-7-2-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  closedEye: 'M3 10c2.700 4.300 5.700 6 9 6s6.300-1.700 9-6M12 16v4M7 14.800 5.300 18M17 14.800l1.700 3.200',
  plus: 'M12 5v14M5 12h14',
  folder: 'M3 6h6l2 2h10v11H3z',
  search: 'M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500 21 21',
  lock: 'M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3',
  download: 'M12 4v11M7 11l5 5 5-5M4 20h16',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  back: 'M15 5l-7 7 7 7',
  copies: 'M8 8h12v12H8zM4 16V4h12',
  broken: 'M4 5h16v6l-4 3-4-3-4 3-4-3zM4 15l4 2 4-3 4 3 4-2v4H4z',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
} as const;
