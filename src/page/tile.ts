/**
 * What is in a tile: a small picture as you see it, or as the server does.
 * @module
 */
import type { App } from './app.ts';
import type { Picture } from './calls.ts';
import { ICONS, fill, h, icon } from './dom.ts';
import type { Small } from './thumbnails.ts';
import { sentence } from './words.ts';

const cancels = new WeakMap<Element, () => void>();

/** Fills a tile, now or when its picture has come. */
export function fillTile(app: App, button: HTMLElement, picture: Picture): void {
  const { eyes } = app;
  const small = app.thumbnails[eyes].get(picture.id);
  button.classList.toggle('server', eyes === 'server');
  button.setAttribute(
    'aria-label',
    eyes === 'you' ? picture.name : `As the server has it: ${picture.id.slice(0, 8)}, encrypted`,
  );
  if (small !== undefined) return show(button, picture, small, eyes === 'server');
  fill(button);
  const cancel = app.thumbnails[eyes].want(picture.id, {
    come(small) {
      if (app.eyes === eyes) show(button, picture, small, eyes === 'server');
    },
    isSeen() {
      const { top, bottom } = button.getBoundingClientRect();
      return bottom > 0 && top < globalThis.innerHeight;
    },
  });
  cancels.set(button, cancel);
}

/** A tile that leads to its picture. */
export function pictureTile(app: App, picture: Picture): HTMLButtonElement {
  const button = h('button', {
    type: 'button',
    class: 'tile',
    onclick: () => app.go({ view: 'picture', query: { id: picture.id } }),
  });
  fillTile(app, button, picture);
  return button;
}

/** Takes back the wish for a picture that is not looked at any more. */
export function leaveTile(button: Element | null | undefined): void {
  if (button !== null && button !== undefined) cancels.get(button)?.();
}

function show(button: HTMLElement, picture: Picture, small: Small, server: boolean): void {
  const name = h('span', { class: 'name' }, server ? picture.id.slice(0, 8) : picture.name);
  if (small === 'none') {
    const ending = picture.name.includes('.') ? picture.name.slice(picture.name.lastIndexOf('.') + 1) : picture.type;
    fill(button, h('span', { class: 'placeholder' }, icon(ICONS.file), ending.toUpperCase().slice(0, 5)), name);
  } else if ('failure' in small) {
    button.setAttribute('aria-label', `${picture.name}: ${sentence(small.failure)}`);
    const text = small.failure.code === 'decrypt-failed' ? 'Altered' : 'Not here';
    fill(button, h('span', { class: 'placeholder broken' }, icon(ICONS.broken), text), name);
  } else fill(button, h('img', { src: small.url, alt: '', decoding: 'async', draggable: 'false' }), name);
}
