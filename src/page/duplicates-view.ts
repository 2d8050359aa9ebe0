/**
 * Pictures that are nearly the same, in groups: the largest of each first.
 * @module
 */
import type { App, View } from './app.ts';
import type { Picture, PictureGroup } from './calls.ts';
import { fill, h } from './dom.ts';
import { failureOf } from './keeper.ts';
import { eyesSwitch } from './library-view.ts';
import { leaveTile, pictureTile } from './tile.ts';
import { count, pictures, sentence, size } from './words.ts';

/** Groups shown at first, and more at a wish. */
const SHOWN = 30;

export function duplicatesView(app: App): View {
  let groups: readonly PictureGroup[] = [];
  let limit = SHOWN;
  let tiles: HTMLElement[] = [];
  const status = h('p', { class: 'quiet', role: 'status' }, 'Comparing all codes…');
  const list = h('div', { class: 'groups' });
  const more = h('button', { type: 'button', hidden: true, onclick: () => ((limit += SHOWN), draw()) }, 'Show more');
  const element = h(
    'main',
    {},
    h('div', { class: 'heading' }, h('h1', { tabindex: -1 }, 'Near-duplicates'), eyesSwitch(app)),
    status,
    list,
    more,
  );

  const member = (picture: Picture, text: string, keep: boolean): HTMLElement => {
    const button = pictureTile(app, picture);
    tiles.push(button);
    return h(
      'li',
      { class: 'result' },
      h('div', { class: 'tile-box' }, button, keep && h('span', { class: 'badge keep' }, 'Keep')),
      h('span', { class: 'result-name', title: picture.path }, picture.name),
      h('span', { class: 'quiet small' }, `${picture.width} × ${picture.height}, ${size(picture.fileBytes)}`),
      text !== '' && h('span', { class: 'quiet small' }, text),
    );
  };

  const draw = (): void => {
    for (const tile of tiles) leaveTile(tile);
    tiles = [];
    const alive = groups
      .map(({ keep, others }) => ({
        keep: app.find(keep),
        others: others.flatMap(({ id, distance }) => {
          const picture = app.find(id);
          return picture === undefined ? [] : [{ picture, distance }];
        }),
      }))
      .filter(({ keep, others }) => keep !== undefined && others.length > 0);
    const copies = alive.reduce((sum, { others }) => sum + others.length, 0);
    const bytes = alive.reduce((sum, { others }) => others.reduce((s, { picture }) => s + picture.fileBytes, sum), 0);
    status.textContent =
      copies === 0
        ? 'No two pictures are nearly the same.'
        : `${pictures(copies)} could go from ${count(alive.length)} ${alive.length === 1 ? 'group' : 'groups'}: ${size(bytes)}. The largest of each group stands first, and stays.`;
    fill(
      list,
      ...alive.slice(0, limit).map(({ keep, others }, i) =>
        h(
          'section',
          { class: 'card group', 'aria-label': `Group ${i + 1}: ${keep!.name}` },
          h(
            'ul',
            { class: 'results', role: 'list' },
            member(keep!, '', true),
            ...others.map(({ picture, distance }) =>
              member(picture, `${(100 * distance).toFixed(1)} % of the bits differ`, false),
            ),
          ),
          h(
            'button',
            {
              type: 'button',
              onclick: () =>
                app.remove(
                  others.map(({ picture }) => picture.id),
                  `Delete ${others.length === 1 ? others[0]!.picture.name : pictures(others.length)} from the library, and keep ${keep!.name}? Nobody can bring back what is deleted.`,
                ),
            },
            others.length === 1 ? 'Delete the other one' : `Delete the other ${others.length}`,
          ),
        ),
      ),
    );
    more.hidden = alive.length <= limit;
  };

  void app.keeper.call('duplicates').then(
    (found) => {
      groups = found;
      draw();
    },
    (error: unknown) => (status.textContent = sentence(failureOf(error))),
  );
  return {
    element,
    refresh: draw,
    close() {
      for (const tile of tiles) leaveTile(tile);
    },
  };
}
