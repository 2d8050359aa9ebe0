/**
 * Small pictures for what is on the screen, then for what is near it: the latest wishes first, some in one message, the rest forgotten
 * when it scrolls away.
 * @module
 */
import { failureOf } from './keeper.ts';
import type { Failure } from './calls.ts';

/** What there is to show of a picture. */
export type Small = { readonly url: string } | { readonly failure: Failure } | 'none';

/** Asked for in one message: three rows of a large screen. */
const BATCH = 24;
/** Messages under way at a time: one is answered while another is opened. */
const AT_A_TIME = 3;
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
  readonly #fetch: (ids: readonly string[]) => Promise<readonly (Blob | Failure | undefined)[]>;
  readonly #make: ((id: string) => Promise<Blob | undefined>) | undefined;
  /** The oldest first. */
  readonly #kept = new Map<string, Small>();
  readonly #wishes = new Map<string, Wish>();
  #running = 0;
  /** What was asked for before the last time is not kept when it comes. */
  #clearings = 0;

  /**
   * @param fetchSmall - Brings some, in the order of their ids.
   * @param makeSmall - Brings one that `fetchSmall` has not; undefined where there is none.
   */
  constructor(
    fetchSmall: (ids: readonly string[]) => Promise<readonly (Blob | Failure | undefined)[]>,
    makeSmall?: (id: string) => Promise<Blob | undefined>,
  ) {
    this.#fetch = fetchSmall;
    this.#make = makeSmall;
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
    this.#clearings++;
  }

  #next(): void {
    while (this.#running < AT_A_TIME) {
      const wishes = this.#pick();
      if (wishes.length === 0) return;
      for (const { id } of wishes) this.#wishes.delete(id);
      this.#running++;
      void this.#fulfil(wishes).finally(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  /** The latest wishes for the screen, then the latest of the others. */
  #pick(): Wish[] {
    const seen: Wish[] = [];
    const others: Wish[] = [];
    for (const wish of [...this.#wishes.values()]) {
      if (wish.watchers.size === 0) this.#wishes.delete(wish.id);
      else ([...wish.watchers].some((watcher) => watcher.isSeen()) ? seen : others).push(wish);
    }
    return [...others, ...seen].slice(-BATCH).reverse();
  }

  async #fulfil(wishes: readonly Wish[]): Promise<void> {
    const clearings = this.#clearings;
    let brought: readonly (Blob | Failure | undefined)[];
    try {
      brought = await this.#fetch(wishes.map(({ id }) => id));
    } catch (error) {
      const failure = failureOf(error);
      brought = wishes.map(() => failure);
    }
    if (clearings !== this.#clearings) return;
    const missing: Wish[] = [];
    for (const [i, wish] of wishes.entries()) {
      const one = brought[i];
      if (one !== undefined)
        this.#keep(wish, one instanceof Blob ? { url: URL.createObjectURL(one) } : { failure: one });
      else missing.push(wish);
    }
    for (const wish of missing) {
      // A whole file for each: not for what has been scrolled away.
      if (wish.watchers.size === 0) continue;
      const small = await this.#makeOne(wish.id);
      if (clearings !== this.#clearings) return;
      this.#keep(wish, small);
    }
  }

  async #makeOne(id: string): Promise<Small> {
    try {
      const blob = await this.#make?.(id);
      return blob === undefined ? 'none' : { url: URL.createObjectURL(blob) };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  }

  #keep({ id, watchers }: Wish, small: Small): void {
    this.forget(id);
    this.#kept.set(id, small);
    for (const watcher of watchers) watcher.come(small);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.forget(oldest);
    }
  }
}
