/**
 * A grid of as many tiles as there are pictures, of which only those near the screen exist.
 *
 * One tile is in the tab order; arrows, Home, End and Page keys move among them.
 * @module
 */
import type { Picture } from './calls.ts';
import { h } from './dom.ts';

/** Makes what is in a tile. */
export interface TileFace {
  /** Content of the button. Called when a tile comes near the screen. */
  fill(button: HTMLButtonElement, picture: Picture): void;
  /** Called when it leaves. */
  leave(picture: Picture): void;
  choose(picture: Picture): void;
}

const GAP = 8;
/** Rows above and below the screen that exist: a second of fast scrolling, so that their pictures come in time. */
const SPARE_ROWS = 8;

export class Grid {
  readonly element: HTMLElement;
  readonly #list: HTMLUListElement;
  readonly #face: TileFace;
  readonly #tiles = new Map<number, HTMLLIElement>();
  readonly #observer: ResizeObserver;
  readonly #onScroll = (): void => this.#draw();
  #pictures: readonly Picture[] = [];
  #columns = 1;
  #side = 1;
  #current = 0;

  constructor(label: string, face: TileFace) {
    this.#face = face;
    this.#list = h('ul', { class: 'tiles', role: 'list', 'aria-label': label });
    this.element = h('div', { class: 'grid' }, this.#list);
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.#observer = new ResizeObserver(() => this.#measure());
    this.#observer.observe(this.element);
    globalThis.addEventListener('scroll', this.#onScroll, { passive: true });
  }

  /** Shows these. */
  show(pictures: readonly Picture[]): void {
    this.#pictures = pictures;
    this.#current = Math.min(this.#current, Math.max(0, pictures.length - 1));
    this.refresh();
  }

  /** Makes all tiles anew. */
  refresh(): void {
    for (const place of [...this.#tiles.keys()]) this.#drop(place);
    this.#measure();
  }

  close(): void {
    this.#observer.disconnect();
    globalThis.removeEventListener('scroll', this.#onScroll);
    for (const place of [...this.#tiles.keys()]) this.#drop(place);
  }

  #measure(): void {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const least = width < 560 ? 104 : 156;
    const columns = Math.max(2, Math.floor((width + GAP) / (least + GAP)));
    const side = (width + GAP) / columns - GAP;
    if (columns !== this.#columns || side !== this.#side) {
      for (const place of [...this.#tiles.keys()]) this.#drop(place);
      this.#columns = columns;
      this.#side = side;
    }
    const rows = Math.ceil(this.#pictures.length / columns);
    this.#list.style.height = `${Math.max(0, rows * (side + GAP) - GAP)}px`;
    this.#draw();
  }

  #draw(): void {
    const pitch = this.#side + GAP;
    const top = -this.#list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / pitch) - SPARE_ROWS) * this.#columns;
    const last = Math.min(
      this.#pictures.length,
      (Math.ceil((top + globalThis.innerHeight) / pitch) + SPARE_ROWS) * this.#columns,
    );
    const focused = this.#tiles.get(this.#current)?.contains(document.activeElement) === true;
    for (const place of [...this.#tiles.keys()])
      // What has the focus stays, or the focus would be lost.
      if ((place < first || place >= last) && !(focused && place === this.#current)) this.#drop(place);
    for (let place = first; place < last; place++) if (!this.#tiles.has(place)) this.#make(place);
    // The order of elements is the order they are read in.
    const ordered = [...this.#tiles].sort(([a], [b]) => a - b);
    for (const [i, [, tile]] of ordered.entries())
      if (this.#list.children[i] !== tile) this.#list.insertBefore(tile, this.#list.children[i] ?? null);
    if (!this.#tiles.has(this.#current)) {
      const [nearest] = ordered;
      if (nearest !== undefined) this.#point(nearest[0]);
    }
  }

  #make(place: number): void {
    const picture = this.#pictures[place]!;
    const button = h('button', {
      class: 'tile',
      type: 'button',
      'aria-label': picture.name,
      tabindex: place === this.#current ? 0 : -1,
      onclick: () => {
        this.#point(place);
        this.#face.choose(picture);
      },
    });
    this.#face.fill(button, picture);
    const tile = h('li', { 'aria-setsize': this.#pictures.length, 'aria-posinset': place + 1 }, button);
    const pitch = this.#side + GAP;
    tile.style.width = tile.style.height = `${this.#side}px`;
    const [x, y] = [(place % this.#columns) * pitch, Math.floor(place / this.#columns) * pitch];
    tile.style.transform = `translate(${x}px, ${y}px)`;
    this.#tiles.set(place, tile);
  }

  #drop(place: number): void {
    const tile = this.#tiles.get(place);
    this.#tiles.delete(place);
    tile?.remove();
    const picture = this.#pictures[place];
    if (tile !== undefined && picture !== undefined) this.#face.leave(picture);
  }

  #point(place: number): void {
    this.#tiles.get(this.#current)?.querySelector('button')?.setAttribute('tabindex', '-1');
    this.#current = place;
    this.#tiles.get(place)?.querySelector('button')?.setAttribute('tabindex', '0');
  }

  #key(event: KeyboardEvent): void {
    const rows = Math.max(1, Math.floor(globalThis.innerHeight / (this.#side + GAP)) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: this.#columns,
      ArrowUp: -this.#columns,
      PageDown: rows * this.#columns,
      PageUp: -rows * this.#columns,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey || this.#pictures.length === 0) return;
    event.preventDefault();
    const place = Math.min(this.#pictures.length - 1, Math.max(0, this.#current + step));
    // Bring its row to the screen first: tiles exist only there.
    const pitch = this.#side + GAP;
    const list = this.#list.getBoundingClientRect().top + globalThis.scrollY;
    const top = list + Math.floor(place / this.#columns) * pitch;
    const head = 140;
    const { scrollY, innerHeight } = globalThis;
    if (top < scrollY + head) globalThis.scrollTo({ top: top - head });
    else if (top + pitch > scrollY + innerHeight) globalThis.scrollTo({ top: top + pitch - innerHeight + GAP });
    this.#draw();
    if (!this.#tiles.has(place)) this.#make(place);
    this.#point(place);
    this.#draw();
    this.#tiles.get(place)?.querySelector('button')?.focus({ preventScroll: true });
  }
}
