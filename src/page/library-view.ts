/**
 * All pictures of the library.
 * @module
 */
import type { App, View } from './app.ts';
import { ICONS, fill, h, icon } from './dom.ts';
import { Grid } from './grid.ts';
import { fillTile, leaveTile } from './tile.ts';
import { pictures } from './words.ts';

export function libraryView(app: App): View {
  const buttons = new Map<string, HTMLButtonElement>();
  const grid = new Grid('Pictures', {
    fill(button, picture) {
      buttons.set(picture.id, button);
      fillTile(app, button, picture);
    },
    leave({ id }) {
      leaveTile(buttons.get(id));
      buttons.delete(id);
    },
    choose: ({ id }) => app.go({ view: 'picture', query: { id } }),
  });
  const searchByFile = (): void =>
    app.chooseFiles('one', ([first]) => first && app.go({ view: 'picture', query: { file: first.file } }));
  const strip = h(
    'div',
    { class: 'strip' },
    h('span', { class: 'strip-icon' }, icon(ICONS.search)),
    h(
      'p',
      {},
      h('strong', {}, 'Find pictures that look alike. '),
      h('span', { class: 'quiet' }, 'Click one below, or drop one anywhere on this page.'),
    ),
    h('button', { type: 'button', onclick: searchByFile }, 'Choose a picture…'),
  );
  const empty = h(
    'div',
    { class: 'empty' },
    h('span', { class: 'mark' }, icon(ICONS.closedEye)),
    h('h2', {}, 'Nothing here yet'),
    h(
      'p',
      {},
      'Drop pictures or a whole folder anywhere on this page. They are encrypted in this browser before they leave it.',
    ),
    h(
      'div',
      { class: 'row' },
      h(
        'button',
        { class: 'primary', type: 'button', onclick: () => app.chooseFiles('many', app.add) },
        'Add pictures…',
      ),
      h('button', { type: 'button', onclick: () => app.chooseFiles('folder', app.add) }, 'Add a folder…'),
    ),
  );
  const heading = h('h1', { tabindex: -1 });
  const broken = h('p', { class: 'warning' });
  const element = h(
    'main',
    {},
    h('div', { class: 'heading' }, heading, eyesSwitch(app)),
    strip,
    broken,
    grid.element,
    empty,
  );
  const refresh = (): void => {
    const none = app.pictures.length === 0;
    fill(heading, none ? 'Pictures' : pictures(app.pictures.length));
    element.classList.toggle('is-empty', none);
    broken.hidden = app.damaged.length === 0;
    broken.textContent = `${pictures(app.damaged.length)} cannot be opened: what the server has of them is altered or damaged.`;
    strip.hidden = grid.element.hidden = none;
    empty.hidden = !none;
    grid.show(app.pictures);
  };
  refresh();
  return { element, refresh, close: () => grid.close() };
}

/** Your eyes, or the server's. */
export function eyesSwitch(app: App): HTMLElement {
  const button = (eyes: App['eyes'], text: string, path: string): HTMLButtonElement => {
    const made = h(
      'button',
      {
        type: 'button',
        'aria-pressed': String(app.eyes === eyes),
        onclick: () => {
          app.see(eyes);
          for (const other of box.querySelectorAll('button'))
            other.setAttribute('aria-pressed', String(other === made));
        },
      },
      icon(path),
      text,
    );
    return made;
  };
  const box: HTMLElement = h(
    'div',
    { class: 'switch', role: 'group', 'aria-label': 'Whose view' },
    button('you', 'You see', ICONS.eye),
    button('server', 'The server sees', ICONS.closedEye),
  );
  return box;
}
