/**
 * One picture, as you see it and as the server does, and the pictures that are like it.
 * @module
 */
import type { App, QuerySource, View } from './app.ts';
import type { FoundPicture, Picture, SearchAnswer } from './calls.ts';
import { ICONS, fill, h, icon, type Child } from './dom.ts';
import { failureOf } from './keeper.ts';
import { drawNoise, drawVector } from './noise.ts';
import { save } from './saving.ts';
import { leaveTile, pictureTile } from './tile.ts';
import { weightBar, whyBars } from './why.ts';
import { count, day, figure, pictures, sentence, size, took } from './words.ts';

/** Answers asked for. */
const WANTED = 24;
const NOISE_SIDE = 96;

export function pictureView(app: App, query: QuerySource): View {
  const stored = 'id' in query ? app.find(query.id) : undefined;
  const name = 'file' in query ? query.file.name : (stored?.name ?? 'Picture');
  let url: string | undefined;
  let closed = false;
  let answer: SearchAnswer | undefined;
  const tiles: HTMLElement[] = [];

  const shown = h('div', { class: 'shown', 'aria-busy': true });
  const facts = h('dl', { class: 'facts' });
  const actions = h('div', { class: 'row' });
  const noise = h('canvas', { class: 'noise', role: 'img', 'aria-label': 'Ciphertext drawn as coloured noise' });
  const serverFacts = h('dl', { class: 'facts' });
  const serverNote = h('p', { class: 'quiet small' });
  const vector = h('canvas', { class: 'vector', role: 'img', 'aria-label': 'The encrypted vector, drawn as bars' });
  const weights = h('div', { class: 'how' });
  const status = h('p', { class: 'quiet', role: 'status' }, 'Searching…');
  const results = h('ol', { class: 'results', role: 'list' });
  const heading = h('h1', { tabindex: -1, class: 'long' }, name);

  const element = h(
    'main',
    { class: 'picture' },
    h(
      'div',
      { class: 'heading' },
      h('button', { type: 'button', class: 'plain back', onclick: () => app.back() }, icon(ICONS.back), 'All pictures'),
    ),
    heading,
    h(
      'div',
      { class: 'compare' },
      h(
        'section',
        { class: 'side card', 'aria-labelledby': 'you-see' },
        h('h2', { id: 'you-see' }, icon(ICONS.eye), 'You see'),
        shown,
        facts,
        actions,
      ),
      h(
        'section',
        { class: 'side card', 'aria-labelledby': 'server-sees' },
        h('h2', { id: 'server-sees' }, icon(ICONS.closedEye), 'The server sees'),
        h('div', { class: 'shown' }, noise),
        serverFacts,
        vector,
        serverNote,
      ),
    ),
    h('div', { class: 'heading like' }, h('h2', {}, 'Pictures like it'), weights),
    status,
    results,
  );

  const showBlob = (blob: Blob, alt: string): void => {
    if (closed) return;
    url = URL.createObjectURL(blob);
    const image = h('img', { alt });
    image.addEventListener('load', () => {
      shown.removeAttribute('aria-busy');
      fill(shown, image);
    });
    image.addEventListener('error', () => {
      // A format that the browser does not show: its small picture, if there is one.
      const small = stored && app.thumbnails.you.get(stored.id);
      if (small !== undefined && small !== 'none' && 'url' in small && image.src !== small.url) image.src = small.url;
      else fill(shown, h('p', { class: 'quiet' }, 'This browser does not show files of this kind.'));
    });
    image.src = url;
  };

  const showStored = async (picture: Picture): Promise<void> => {
    facts.append(
      ...fact('Size', `${count(picture.width)} × ${count(picture.height)}, ${size(picture.fileBytes)}`),
      ...fact('Path', picture.path),
      ...fact('Added', day(picture.addedAt)),
    );
    const download = h('button', { type: 'button', disabled: true }, icon(ICONS.download), 'Save');
    actions.append(
      download,
      h(
        'button',
        {
          type: 'button',
          onclick: async () => {
            if (await app.remove([picture.id], `Delete ${picture.name} from the library? Nobody can bring it back.`))
              app.back();
          },
        },
        icon(ICONS.trash),
        'Delete',
      ),
    );
    // The small one, until the whole has come.
    const small = app.thumbnails.you.get(picture.id);
    if (small !== undefined && small !== 'none' && 'url' in small) fill(shown, h('img', { src: small.url, alt: '' }));
    try {
      const blob = await app.keeper.call('open', picture.id);
      showBlob(blob, picture.name);
      download.disabled = false;
      download.addEventListener('click', () => save(blob, picture.name));
    } catch (error) {
      const failure = failureOf(error);
      shown.removeAttribute('aria-busy');
      fill(shown, h('p', { class: 'trouble', role: 'alert' }, icon(ICONS.broken), sentence(failure)));
    }
  };

  const showServerSide = async (picture: Picture): Promise<void> => {
    const view = await app.keeper.call('serverView', picture.id);
    if (closed) return;
    drawNoise(noise, view.noise, NOISE_SIDE, NOISE_SIDE);
    serverFacts.append(
      ...fact('Name', h('code', {}, picture.id)),
      ...fact('Encrypted file', `${size(view.blobBytes)}, padded`),
      ...fact('Sealed record', `${size(view.recordBytes)}: name, size, code`),
      ...(view.tokenCount === 0 ? [] : fact('Tokens', tokenList(view.tokenCount, view.tokens))),
      ...(view.vector.length === 0 ? [] : fact('Vector', `${count(view.vector.length)} numbers`)),
    );
    vector.hidden = view.vector.length === 0;
    drawVector(vector, view.vector);
    serverNote.textContent =
      view.vector.length === 0
        ? ''
        : 'The vector drawn here was made as the stored one was; its noise is another one each time.';
  };

  const showSent = ({ sent }: SearchAnswer): void => {
    if ('id' in query) return;
    vector.hidden = sent.vector.length === 0;
    if (sent.vector.length > 0) {
      const bytes = new Uint8Array(sent.vector.buffer, sent.vector.byteOffset, sent.vector.byteLength);
      const side = Math.floor(Math.sqrt(bytes.length / 3));
      drawNoise(noise, bytes, side, side);
      drawVector(vector, sent.vector);
    } else noise.hidden = true;
    serverFacts.append(
      ...fact('Picture', 'nothing: it stays in this browser'),
      ...(sent.tokenCount === 0 ? [] : fact('Tokens', tokenList(sent.tokenCount, sent.tokens))),
      ...(sent.vector.length === 0 ? [] : fact('Vector', `${count(sent.vector.length)} numbers`)),
    );
    serverNote.textContent =
      sent.tokenCount + sent.vector.length === 0
        ? 'This library is ranked in the browser: the server is not asked at all.'
        : 'This is the whole question that the server was sent.';
  };

  const card = (found: FoundPicture, all: SearchAnswer): HTMLElement => {
    const { picture } = found;
    const button = pictureTile(app, picture);
    tiles.push(button);
    return h(
      'li',
      { class: 'result' },
      h('div', { class: 'tile-box' }, button, found.copy > 0 && h('span', { class: 'badge' }, 'Copy')),
      h(
        'div',
        { class: 'result-head' },
        h('span', { class: 'result-name', title: picture.path }, picture.name),
        h('span', { class: 'score', title: 'Score: 1 is equal' }, figure(found.score)),
      ),
      whyBars(found.features, all.weights),
    );
  };

  const search = async (): Promise<void> => {
    try {
      answer = await app.keeper.call('search', 'file' in query ? { file: query.file } : query, WANTED);
      if (closed) return;
      const { candidates, records, milliseconds, near, damaged, missing } = answer;
      showSent(answer);
      fill(weights, weightBar(answer.weights));
      const found = answer.found.filter(({ picture }) => !('id' in query && picture.id === query.id));
      status.textContent = [
        found.length === 0 ? 'Nothing was found.' : near ? '' : 'Nothing is nearer than unrelated pictures are.',
        `${count(candidates)} of ${pictures(records)} compared, in ${took(milliseconds)}.`,
        damaged > 0 ? `${count(damaged)} could not be opened.` : '',
        missing > 0 ? `${count(missing)} are kept back by the server.` : '',
      ]
        .filter((part) => part !== '')
        .join(' ');
      const all = answer;
      fill(results, ...found.map((one) => card(one, all)));
    } catch (error) {
      if (closed) return;
      const failure = failureOf(error);
      fill(
        status,
        failure.code === 'unsupported-format' && 'id' in query
          ? 'This file is kept without a code: it cannot be searched with.'
          : sentence(failure),
        ' ',
        h('button', { type: 'button', onclick: () => void again() }, 'Try again'),
      );
    }
  };
  const again = (): Promise<void> => {
    status.textContent = 'Searching…';
    return search();
  };

  if ('file' in query) {
    showBlob(query.file, name);
    facts.append(...fact('Size', size(query.file.size)));
    actions.append(
      h(
        'button',
        { type: 'button', onclick: () => app.add([{ file: query.file, path: query.file.name }]) },
        icon(ICONS.plus),
        'Add to the library',
      ),
    );
  } else if (stored !== undefined) {
    void showStored(stored);
    void showServerSide(stored).catch((error: unknown) => (serverNote.textContent = sentence(failureOf(error))));
  }
  void search();

  return {
    element,
    refresh() {
      if (answer === undefined) return;
      const all = answer;
      const found = answer.found.filter(
        ({ picture }) => app.find(picture.id) !== undefined && !('id' in query && picture.id === query.id),
      );
      fill(results, ...found.map((one) => card(one, all)));
    },
    close() {
      closed = true;
      for (const tile of tiles) leaveTile(tile);
      if (url !== undefined) URL.revokeObjectURL(url);
    },
  };
}

function fact(term: string, ...what: readonly Child[]): [HTMLElement, HTMLElement] {
  return [h('dt', {}, term), h('dd', {}, ...what)];
}

function tokenList(total: number, tokens: readonly string[]): HTMLElement {
  return h('span', {}, `${count(total)}: `, h('code', {}, tokens.slice(0, 3).join(' ')), total > 3 ? ' …' : '');
}
