/**
 * Small pictures for what is on the screen, then for what is near it: the latest wish first, some at a time, the rest forgotten when it
 * scrolls away.
 * @module
 */
import { failureOf } from './keeper.ts';
import type { Failure } from './calls.ts';

/** What there is to show of a picture. */
export type Small = { readonly url: string } | { readonly failure: Failure } | 'none';

/** Asked for at a time: as many as a browser has connections to one server. */
const AT_A_TIME = 6;
/** Kept. */
const KEPT = 1200;

/** Where a small picture is to be shown. */
export interface Watcher {
  come(small: Small): void;
  /** Whether it would be on the screen. */
  isSeen(): boolean;
}

interface Wish {
  readonly id: string;
  readonly watchers: Set<Watcher>;
}

export class Thumbnails {
  readonly #fetch: (id: string) => Promise<Blob | undefined>;
  /** The oldest first. */
  readonly #kept = new Map<string, Small>();
  readonly #wishes = new Map<string, Wish>();
  #running = 0;

  /** @param fetchSmall - Brings one; undefined where there is none. */
  constructor(fetchSmall: (id: string) => Promise<Blob | undefined>) {
    this.#fetch = fetchSmall;
  }

  /** What is there already. */
  get(id: string): Small | undefined {
    return this.#kept.get(id);
  }

  /**
   * Tells when it is there.
   * @returns Takes the wish back.
   */
  want(id: string, watcher: Watcher): () => void {
    let wish = this.#wishes.get(id);
    if (wish === undefined) this.#wishes.set(id, (wish = { id, watchers: new Set() }));
    wish.watchers.add(watcher);
    queueMicrotask(() => this.#next());
    return () => wish.watchers.delete(watcher);
  }

  /** A picture that is gone, or to be tried again. */
  forget(id: string): void {
    const small = this.#kept.get(id);
    if (small !== undefined && small !== 'none' && 'url' in small) URL.revokeObjectURL(small.url);
    this.#kept.delete(id);
  }

  clear(): void {
    for (const id of [...this.#kept.keys()]) this.forget(id);
    this.#wishes.clear();
  }

  #next(): void {
    while (this.#running < AT_A_TIME) {
      const wish = this.#pick();
      if (wish === undefined) return;
      this.#wishes.delete(wish.id);
      this.#running++;
      void this.#fulfil(wish).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  /** The latest wish for the screen; else the latest of all. */
  #pick(): Wish | undefined {
    let last: Wish | undefined;
    let seen: Wish | undefined;
    for (const wish of [...this.#wishes.values()]) {
      if (wish.watchers.size === 0) this.#wishes.delete(wish.id);
      else {
        last = wish;
        if ([...wish.watchers].some((watcher) => watcher.isSeen())) seen = wish;
      }
    }
    return seen ?? last;
  }

  async #fulfil({ id, watchers }: Wish): Promise<void> {
    let small: Small;
    try {
      const blob = await this.#fetch(id);
      small = blob === undefined ? 'none' : { url: URL.createObjectURL(blob) };
    } catch (error) {
      small = { failure: failureOf(error) };
    }
    this.forget(id);
    this.#kept.set(id, small);
    for (const watcher of watchers) watcher.come(small);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.forget(oldest);
    }
  }
}
