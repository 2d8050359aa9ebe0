/**
 * The page: opens a library through its worker, and shows one view of it at a time.
 * @module
 */
import { NOTHING, type App, type Eyes, type Place, type View } from './app.ts';
import type { Failure, KeeperEvent, LibraryFacts, Listing, Picture } from './calls.ts';
import { ICONS, fill, h, icon } from './dom.ts';
import { dropping, isPicture, type Dropped } from './dropping.ts';
import { duplicatesView } from './duplicates-view.ts';
import { exportPictures } from './exporting.ts';
import { Keeper, failureOf } from './keeper.ts';
import { libraryView } from './library-view.ts';
import { AddPanel } from './panel.ts';
import { pictureView } from './picture-view.ts';
import { Thumbnails } from './thumbnails.ts';
import { unlockView } from './unlock-view.ts';
import { count, pictures, sentence } from './words.ts';

const TOKEN_NAME = 'blindsight-token';
const BUSY_WORDS: Readonly<Record<string, string>> = {
  key: 'Opening the key…',
  network: 'Loading the network, once…',
  records: 'Opening records…',
};

/** The page's one state. */
class Page implements App {
  readonly keeper: Keeper;
  readonly thumbnails: Readonly<Record<Eyes, Thumbnails>>;
  facts: LibraryFacts = { images: 0, ranking: '', bits: 0 };
  pictures: readonly Picture[] = [];
  damaged: readonly string[] = [];
  eyes: Eyes = 'you';
  #byId = new Map<string, Picture>();
  #token: string;
  #view: View | undefined;
  #places: Place[] = [];
  readonly #root: HTMLElement;
  readonly #stage = h('div', { class: 'stage' });
  readonly #alarms = h('div', { class: 'alarms', role: 'alert' });
  readonly #busy = h('p', { class: 'busy', role: 'status' });
  readonly #spoken = h('p', { class: 'unseen', role: 'status' });
  readonly #panels = h('div', { class: 'panels' });
  readonly #panel: AddPanel;
  readonly #dropping: HTMLElement;
  readonly #tabs = new Map<string, HTMLButtonElement>();

  constructor(root: HTMLElement) {
    this.#root = root;
    this.keeper = new Keeper((event) => this.#hear(event));
    this.thumbnails = {
      you: new Thumbnails(
        (ids) => this.keeper.call('thumbnails', ids),
        (id) => this.keeper.call('smallPicture', id),
      ),
      server: new Thumbnails((ids) => this.keeper.call('noise', ids)),
    };
    this.#panel = new AddPanel(this.keeper);
    this.#panels.append(this.#panel.element);
    this.#dropping = dropping((file) => this.go({ view: 'picture', query: { file } }), this.add);
    this.#token = tokenOfAddress();
    globalThis.addEventListener('popstate', (event) => this.#arrive((event.state as { at?: number } | null)?.at ?? 0));
    // Keys and an import would be gone.
    globalThis.addEventListener('beforeunload', (event) => {
      const { state } = this.#panel.element.dataset;
      if (state === 'running' || state === 'waiting' || state === 'paused') event.preventDefault();
    });
    this.#showLock();
  }

  #showLock(): void {
    document.title = 'Blindsight';
    fill(
      this.#root,
      unlockView(this.keeper, this.#token, (facts, token) => {
        this.facts = facts;
        this.#token = token;
        sessionStorage.setItem(TOKEN_NAME, token);
        void this.#enter();
      }),
      this.#busy,
    );
  }

  async #enter(): Promise<void> {
    const tab = (view: 'library' | 'duplicates', text: string): HTMLButtonElement => {
      const button = h('button', { type: 'button', class: 'tab', onclick: () => this.go({ view }) }, text);
      this.#tabs.set(view, button);
      return button;
    };
    const act = (name: string, text: string, path: string, onclick: () => void): HTMLButtonElement =>
      h(
        'button',
        { type: 'button', class: name, title: text, 'aria-label': text, onclick },
        icon(path),
        h('span', { class: 'text' }, text),
      );
    fill(
      this.#root,
      h('a', { class: 'skip', href: '#stage' }, 'Skip to the pictures'),
      h(
        'header',
        {},
        h(
          'div',
          { class: 'brand' },
          h('span', { class: 'mark' }, icon(ICONS.closedEye)),
          h('span', { class: 'brand-name' }, 'Blindsight'),
        ),
        h('nav', { 'aria-label': 'Views' }, tab('library', 'Pictures'), tab('duplicates', 'Near-duplicates')),
        h(
          'div',
          { class: 'actions' },
          act('primary', 'Add pictures', ICONS.plus, () => this.chooseFiles('many', this.add)),
          act('plain', 'Add a folder', ICONS.folder, () => this.chooseFiles('folder', this.add)),
          act('plain', 'Export all', ICONS.download, () => this.export(this.pictures)),
          act('plain', 'Lock', ICONS.lock, () => void this.#lock()),
        ),
      ),
      this.#alarms,
      this.#busy,
      this.#stage,
      this.#panels,
      this.#spoken,
      this.#dropping,
    );
    this.#stage.id = 'stage';
    this.#stage.tabIndex = -1;
    await this.#reload();
    this.#places = [{ view: 'library' }];
    history.replaceState({ at: 0 }, '');
    this.#arrive(0);
  }

  async #lock(): Promise<void> {
    await this.keeper.call('lock');
    this.#view?.close();
    this.#view = undefined;
    for (const small of Object.values(this.thumbnails)) small.clear();
    this.#take(NOTHING);
    this.#panel.element.hidden = true;
    this.#places = [];
    this.#showLock();
  }

  async #reload(): Promise<void> {
    try {
      this.#take(await this.keeper.call('list'));
    } catch (error) {
      this.alarm(failureOf(error));
    }
  }

  #take({ pictures: all, damaged }: Listing): void {
    this.pictures = all;
    this.damaged = damaged;
    this.#byId = new Map(all.map((picture) => [picture.id, picture]));
  }

  #hear(event: KeeperEvent): void {
    if (event.event === 'adding') {
      const { state } = event.progress;
      const was = this.#panel.element.dataset['state'];
      this.#panel.show(event.progress);
      if (state !== was && state !== 'running' && state !== 'waiting')
        void this.#reload().then(() => this.#view?.refresh());
    } else if (event.event === 'busy') {
      const { what, done, total } = event;
      // What is over in a moment is not worth a line.
      const text = what === 'records' && (total ?? 0) < 2000 ? '' : (BUSY_WORDS[what] ?? '');
      this.#busy.textContent =
        text === '' || total === undefined ? text : `${text} ${count(done ?? 0)} of ${count(total)}`;
    }
  }

  see(eyes: Eyes): void {
    this.eyes = eyes;
    this.#view?.refresh();
    this.say(eyes === 'you' ? 'Pictures as you see them' : 'Pictures as the server has them');
  }

  find(id: string): Picture | undefined {
    return this.#byId.get(id);
  }

  go(place: Place): void {
    const at = ((history.state as { at?: number } | null)?.at ?? 0) + 1;
    this.#places.length = at;
    this.#places.push(place);
    history.pushState({ at }, '');
    this.#arrive(at);
  }

  back(): void {
    this.go({ view: 'library' });
  }

  #arrive(at: number): void {
    if (this.#places.length === 0) return;
    const place = this.#places[at] ?? { view: 'library' };
    this.#view?.close();
    this.#view =
      place.view === 'library'
        ? libraryView(this)
        : place.view === 'duplicates'
          ? duplicatesView(this)
          : pictureView(this, place.query);
    fill(this.#stage, this.#view.element);
    for (const [name, button] of this.#tabs) {
      if (name === place.view) button.setAttribute('aria-current', 'page');
      else button.removeAttribute('aria-current');
    }
    globalThis.scrollTo({ top: 0 });
    const heading = this.#view.element.querySelector('h1');
    document.title = `${heading?.textContent ?? ''} – Blindsight`;
    heading?.focus({ preventScroll: true });
    this.#view.refresh();
  }

  alarm(failure: Failure): void {
    const line = h(
      'p',
      { class: 'alarm' },
      sentence(failure),
      h('button', { type: 'button', class: 'plain', onclick: () => line.remove() }, 'Dismiss'),
    );
    fill(this.#alarms, line);
  }

  say(text: string): void {
    this.#spoken.textContent = text;
  }

  readonly add = (files: readonly Dropped[]): void => {
    if (files.length === 0) return;
    void this.keeper.call('add', files).catch((error: unknown) => this.alarm(failureOf(error)));
  };

  export(wanted: readonly Picture[]): void {
    if (wanted.length === 0) return this.say('There is nothing to export.');
    void exportPictures(this.keeper, wanted, this.#panels).then(
      (failures) => {
        if (failures === undefined) return;
        if (failures.length > 0)
          this.alarm({
            code: 'incomplete',
            message: `${pictures(failures.length)} could not be exported: ${failures[0]!.message}`,
          });
        this.say('The export is done.');
      },
      (error: unknown) => this.alarm(failureOf(error)),
    );
  }

  async remove(ids: readonly string[], question: string): Promise<boolean> {
    if (!(await confirmed(question))) return false;
    try {
      await this.keeper.call('remove', ids);
    } catch (error) {
      this.alarm(failureOf(error));
      return false;
    }
    const gone = new Set(ids);
    for (const id of ids) for (const small of Object.values(this.thumbnails)) small.forget(id);
    this.#take({ pictures: this.pictures.filter(({ id }) => !gone.has(id)), damaged: this.damaged });
    this.#view?.refresh();
    this.say(`${pictures(ids.length)} deleted`);
    return true;
  }

  chooseFiles(how: 'one' | 'many' | 'folder', then: (files: readonly Dropped[]) => void): void {
    const input = h('input', {
      type: 'file',
      class: 'unseen',
      multiple: how !== 'one',
      webkitdirectory: how === 'folder',
      accept: how === 'folder' ? undefined : 'image/*',
    });
    input.addEventListener('change', () => {
      const chosen = [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
      then(how === 'folder' ? chosen.filter(({ file }) => isPicture(file)) : chosen);
      input.remove();
    });
    // Some browsers drop an input that is not in the page before its files come.
    document.body.append(input);
    input.click();
  }
}

/** Asks before what cannot be taken back. */
function confirmed(question: string): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = h(
      'dialog',
      { class: 'card', 'aria-labelledby': 'question' },
      h('p', { id: 'question' }, question),
      h(
        'div',
        { class: 'row' },
        h('button', { type: 'button', onclick: () => dialog.close('no') }, 'Keep'),
        h('button', { type: 'button', class: 'danger', onclick: () => dialog.close('yes') }, 'Delete'),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** The token behind `#`, which no server is sent; taken off the address, so that it is in no history and no bookmark. */
function tokenOfAddress(): string {
  const token = /^#(bst_[0-9a-f]+)$/.exec(location.hash)?.[1];
  if (location.hash !== '') history.replaceState(null, '', location.pathname);
  return token ?? sessionStorage.getItem(TOKEN_NAME) ?? '';
}

const root = document.getElementById('app')!;
if (globalThis.isSecureContext) new Page(root);
else
  fill(
    root,
    h(
      'main',
      { class: 'unlock' },
      h(
        'div',
        { class: 'card' },
        h('h1', {}, 'Blindsight'),
        h(
          'p',
          {},
          'Browsers encrypt only on pages that came by https, or from this machine itself. Open this page by https://, or by http://localhost.',
        ),
      ),
    ),
  );
