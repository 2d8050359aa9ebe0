/**
 * What the library root is used for: each change of which images there are carries the next root, and what the server lists is held against the newest.
 *
 * `root-ledger.ts` says which root may be believed; this asks for it, and makes the next one.
 * @module
 */
import { equalBytes, toHex } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { LibraryKeys } from '../crypto/keys.ts';
import { NO_IDS, equalSets, type IdSet, type Root } from '../crypto/root.ts';
import type { ListEntry, Request, Response, RootChange } from '../protocol/messages.ts';
import { isOfKey } from './index-parameters.ts';
import { RootLedger, type RootFile } from './root-ledger.ts';
import { keyRotated } from './rotated-key.ts';
import { ask, assertAscending, assertPage, type Transport } from './transport.ts';

/** What the server shows, held against the library root. */
export interface RootComparison {
  /** Images by the root. */
  readonly expected: number;
  /** Images that the server lists. */
  readonly listed: number;
  readonly equal: boolean;
  /** The image that is missing, or is there and should not be, when it is a single one. */
  readonly id?: Uint8Array | undefined;
  /** That image is listed, and the root counts it once more: nothing is missing. */
  readonly twice: boolean;
}

const PAGE = 1000;
/** Images that the server may show beyond twice those of the library root. */
const SPARE_IMAGES = 4096;
/** Times that a change is tried anew when other clients come before it, or a comparison when the library changes. */
const MAX_TRIES = 32;

/** What {@link LibraryRoot} is made of. */
export interface LibraryRootOptions {
  readonly keys: LibraryKeys;
  /** Name of the client's generation. */
  readonly parameters: Uint8Array;
  readonly file: RootFile | undefined;
  readonly transport: Transport;
  /** As {@link Client.has}. */
  has(ids: readonly Uint8Array[]): Promise<Uint8Array>;
}

export class LibraryRoot {
  readonly #ledger: RootLedger;
  readonly #keyName: Uint8Array;
  readonly #parameters: Uint8Array;
  readonly #transport: Transport;
  readonly #has: (ids: readonly Uint8Array[]) => Promise<Uint8Array>;
  /** Changes come one after another: each goes on from the root that the one before has made. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ keys, parameters, file, transport, has }: LibraryRootOptions) {
    this.#ledger = new RootLedger(keys, parameters, file);
    this.#keyName = keys.name;
    this.#parameters = parameters;
    this.#transport = transport;
    this.#has = has;
  }

  /** The generation is being built: there is no root of it yet. */
  set pending(pending: boolean) {
    this.#ledger.pending = pending;
  }

  /** As {@link RootLedger.expect}; of a generation that is being built there is nothing to look at. */
  async expect(): Promise<(sealed: Uint8Array) => Promise<Root | undefined>> {
    const check = await this.#ledger.expect();
    return async (sealed) => (this.#ledger.pending ? undefined : check(sealed));
  }

  /**
   * This generation takes over from the active one.
   * @param from - The root of the active one.
   * @throws `omitted` when it does not hold the images that the library has. {@link RetrievalError}
   */
  async activate(from: LibraryRoot): Promise<void> {
    for (let tries = 1; ; tries++) {
      const { sealed, root } = await from.#fetch();
      let theirs = NO_IDS;
      let own = NO_IDS;
      for await (const { id, pending } of this.list()) {
        if (!pending) continue;
        theirs = from.#ledger.sums.add(theirs, id);
        own = this.#ledger.sums.add(own, id);
      }
      const change = this.#ledger.change(sealed, root.changes + 1, own);
      try {
        if (!equalSets(theirs, root.ids) && equalBytes(sealed, (await from.#fetch()).sealed))
          throw new RetrievalError(
            'omitted',
            `the library has ${root.ids.count} images, and the server shows ${theirs.count} of the new index, or other ones: blindsight verify says more`,
          );
        await this.#ask({ kind: 'activate', parameters: this.#parameters, root: change }, 'done');
        this.#ledger.pending = false;
        await this.#ledger.note(change);
        return;
      } catch (error) {
        if (!isConflict(error) || tries === MAX_TRIES) throw error;
      }
    }
  }

  /**
   * Looks at the library root as the server has it now; does nothing while this client's generation is being built.
   * @throws `rolled-back`, `decrypt-failed`; `key-rotated` or `parameter-mismatch` when another index serves. {@link RetrievalError}
   */
  async check(): Promise<void> {
    if (!this.#ledger.pending) await this.#fetch();
  }

  /** The root as it is now. */
  async #fetch(): Promise<{ sealed: Uint8Array; root: Root }> {
    const check = await this.#ledger.expect();
    const sealed = await this.#sealed();
    return { sealed, root: await check(sealed) };
  }

  async #sealed(): Promise<Uint8Array> {
    const { generations, root } = await this.#ask({ kind: 'info' }, 'info');
    const active = generations.find(({ state }) => state === 'active');
    if (active !== undefined && !isOfKey(active.parameters, this.#keyName)) throw keyRotated();
    if (active === undefined || !equalBytes(active.parameters, this.#parameters))
      throw new RetrievalError('parameter-mismatch', 'another index of the library serves');
    return root;
  }

  /**
   * Holds the images that the server lists against the library root.
   * @param damaged - Ids, in hexadecimal, that are known to be damaged: listed is enough, whatever the server says of them.
   * @throws As {@link check}; `server-busy` when the library changes all the time. {@link RetrievalError}
   */
  async compare(damaged: ReadonlySet<string>): Promise<RootComparison> {
    return (await this.#compare(damaged)).comparison;
  }

  /**
   * Takes an image that the root counts twice off it once. That happens where an image was added again after all that the store knew of
   * it was lost. Nothing can be hidden so: the sums say that the root is the list and this one image of the list.
   * @param damaged - As in {@link compare}.
   * @returns Whether there was one.
   * @throws As {@link compare}; `conflict` when another client changes the library meanwhile. {@link RetrievalError}
   */
  async mend(damaged: ReadonlySet<string>): Promise<boolean> {
    const { sealed, root, listed, comparison } = await this.#compare(damaged);
    if (!comparison.twice) return false;
    await this.#put(this.#ledger.change(sealed, root.changes + 1, listed));
    return true;
  }

  async #compare(damaged: ReadonlySet<string>): Promise<{
    readonly sealed: Uint8Array;
    readonly root: Root;
    readonly listed: IdSet;
    readonly comparison: RootComparison;
  }> {
    const { sums } = this.#ledger;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const { sealed, root } = await this.#fetch();
      const listed = await this.#listedIds(damaged);
      const expected = root.ids;
      const fewer = expected.count > listed.count;
      const id = fewer ? sums.difference(expected, listed) : sums.difference(listed, expected);
      const twice = fewer && id !== undefined && (await this.#isListed(id, damaged, listed));
      if (!equalBytes(sealed, (await this.#fetch()).sealed)) continue;
      const equal = equalSets(expected, listed);
      return {
        ...{ sealed, root, listed },
        comparison: { expected: expected.count, listed: listed.count, equal, id, twice },
      };
    }
    throw new RetrievalError('server-busy', 'the library changed all the time while it was looked at');
  }

  /**
   * Takes the library as the server has it now for the right one: what is missing is given up, what came back stays. Afterwards it is older
   * for no client that has seen no more than this one and the server.
   * @throws `conflict` when another client changes it meanwhile. {@link RetrievalError}
   */
  async accept(): Promise<void> {
    const sealed = await this.#sealed();
    const changes = 1 + (await this.#ledger.highest(sealed));
    // However many there are, by a root that is given up.
    const ids = await this.#listedIds(new Set(), undefined, this.#listPages());
    await this.#put(this.#ledger.change(sealed, changes, ids));
  }

  /** Changes the root alone. */
  async #put(root: RootChange): Promise<void> {
    await this.#ask({ kind: 'put', parameters: this.#parameters, items: [], root }, 'put');
    await this.#ledger.note(root);
  }

  /**
   * Holds a number of images that the server shows against the library root: whoever keeps what is shown would else keep whatever a server
   * makes up. Others may add and remove meanwhile, so twice as many, and some, are let pass.
   */
  async assertPlausible(shown: number): Promise<void> {
    const isPlausible = (root: Root | undefined): boolean => shown <= 2 * (root?.ids.count ?? 0) + SPARE_IMAGES;
    // Of an index that is being built there is no root.
    if (this.#ledger.pending || isPlausible(this.#ledger.known?.root)) return;
    const { root } = await this.#fetch();
    if (!isPlausible(root))
      throw new RetrievalError(
        'corrupt-message',
        `the server shows ${shown} images and goes on; the library has ${root.ids.count}`,
      );
  }

  /**
   * Images with a record in the active generation, as the server lists them.
   * @param onId - Gets each of them.
   */
  async #listedIds(
    damaged: ReadonlySet<string>,
    onId: (id: Uint8Array) => void = () => undefined,
    list: AsyncIterable<ListEntry> = this.list(),
  ): Promise<IdSet> {
    let ids = NO_IDS;
    for await (const { id, active } of list) {
      if (!active && !damaged.has(toHex(id))) continue;
      ids = this.#ledger.sums.add(ids, id);
      onId(id);
    }
    return ids;
  }

  /** Whether an image is in the list with these sums. The server's word for it (`has`) would let it hide the image. */
  async #isListed(id: Uint8Array, damaged: ReadonlySet<string>, listed: IdSet): Promise<boolean> {
    let found = false;
    const again = await this.#listedIds(damaged, (other) => (found ||= equalBytes(other, id)));
    return found && equalSets(again, listed);
  }

  /**
   * Sends a change of which images there are, with the root that says so; again when another client came before.
   * @param present - Whether the images have a record afterwards.
   */
  change<T>(
    ids: readonly Uint8Array[],
    present: boolean,
    send: (root: RootChange | undefined) => Promise<T>,
  ): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#ledger.pending) return send(undefined);
      const unique = [...new Map(ids.map((id) => [toHex(id), id])).values()];
      for (let tries = 1; ; tries++) {
        const { sealed, root } = (tries === 1 ? this.#ledger.known : undefined) ?? (await this.#fetch());
        // An image is added and removed with its record. One that is there and shows none is damaged.
        const flags = await this.#has(unique);
        const { sums } = this.#ledger;
        let next = root.ids;
        for (const [i, id] of unique.entries())
          if ((flags[i] !== 0) !== present) next = present ? sums.add(next, id) : sums.remove(next, id);
        const change = this.#ledger.change(sealed, root.changes + 1, next);
        try {
          const answer = await send(change);
          await this.#ledger.note(change);
          return answer;
        } catch (error) {
          if (!isConflict(error) || tries === MAX_TRIES) throw error;
        }
      }
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /**
   * Every image the server says it has, in order of id.
   * @throws `corrupt-message` when it says that there are far more than the library has. {@link RetrievalError}
   */
  async *list(): AsyncGenerator<ListEntry> {
    let shown = 0;
    for await (const entry of this.#listPages()) {
      await this.assertPlausible(++shown);
      yield entry;
    }
  }

  async *#listPages(): AsyncGenerator<ListEntry> {
    let after: Uint8Array | undefined;
    for (;;) {
      const { entries } = await this.#ask({ kind: 'list', after, limit: PAGE }, 'list');
      assertPage(entries, PAGE);
      assertAscending(
        entries.map(({ id }) => id),
        after,
      );
      yield* entries;
      if (entries.length < PAGE) return;
      after = entries.at(-1)!.id;
    }
  }

  /** Wipes the key of the sums. */
  close(): void {
    this.#ledger.close();
  }

  #ask<Kind extends Response['kind']>(request: Request, kind: Kind): Promise<Extract<Response, { kind: Kind }>> {
    return ask(this.#transport, request, kind);
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof RetrievalError && error.code === 'conflict';
}
