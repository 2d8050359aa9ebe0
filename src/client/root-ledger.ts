/**
 * Following the library root: what the server hands out as the root now must be authentic, and not older than what this client has
 * seen. The newest one seen is kept as it came, in a file of the client's own.
 *
 * A root is written by the message that changes the library, in one transaction with it, and only in place of the root that the
 * writer knew: several clients agree without speaking, and a crash leaves both or none.
 * @module
 */
import { equalBytes } from '../base/bytes.ts';
import { RetrievalError } from '../base/errors.ts';
import type { LibraryKeys } from '../crypto/keys.ts';
import { IdSums, NO_IDS, openRoot, sealRoot, type IdSet, type Root } from '../crypto/root.ts';
import type { RootChange } from '../protocol/messages.ts';

/** Where the newest root seen lies: a file, most often. It may be deleted: the next root is then believed. */
export interface RootFile {
  /** Empty when there is none. */
  read(): Promise<Uint8Array>;
  /** Replaces all of it, at once and durably. */
  replace(bytes: Uint8Array): Promise<void>;
}

/** A root and its bytes. */
interface Known {
  readonly sealed: Uint8Array;
  readonly root: Root;
}

export class RootLedger {
  readonly sums: IdSums;
  /** The generation is being built: there is no root of it yet. */
  pending = false;
  readonly #keys: LibraryKeys;
  readonly #parameters: Uint8Array;
  readonly #file: RootFile | undefined;
  #loaded = false;
  #known: Known | undefined;
  /** Roots are taken one after another, so that the file never goes back. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param parameters - Name of the client's generation. */
  constructor(keys: LibraryKeys, parameters: Uint8Array, file: RootFile | undefined) {
    this.sums = new IdSums(keys.get('root'));
    this.#keys = keys;
    this.#parameters = parameters;
    this.#file = file;
  }

  /** The newest root seen; undefined where none was. */
  get known(): Known | undefined {
    return this.#known;
  }

  /**
   * To be called before the server is asked: its answer may not be older than what is known by then. What others, or other requests of this
   * client, make known while it is on its way says nothing against it.
   * @returns Looks at the root in the answer; it throws `rolled-back` when that is older than what was seen, or of another history, and
   *   `decrypt-failed` when it was altered.
   */
  async expect(): Promise<(sealed: Uint8Array) => Promise<Root>> {
    const floor = await this.#inTurn(async () => {
      await this.#load();
      return this.#known;
    });
    return (sealed) => this.#inTurn(() => this.#take(sealed, floor));
  }

  /** Notes a root that the server has accepted from this client. */
  async note({ next }: RootChange): Promise<void> {
    await this.#inTurn(async () => {
      await this.#load();
      return this.#take(next, undefined);
    });
  }

  /** @param sealed - Empty before the first image. */
  async #take(sealed: Uint8Array, floor: Known | undefined): Promise<Root> {
    const root = this.#open(sealed);
    const seen = floor?.root.changes ?? 0;
    if (root.changes < seen)
      throw rolledBack(`the server has an old state of the library: ${root.changes} changes, ${seen} were seen`);
    for (const known of [floor, this.#known])
      if (known !== undefined && root.changes === known.root.changes && !equalBytes(sealed, known.sealed))
        throw rolledBack(
          `the server has another history of the library than the one that was seen: both have ${root.changes} changes`,
        );
    if (root.changes > (this.#known?.root.changes ?? 0)) await this.#keep({ sealed: sealed.slice(), root });
    return root;
  }

  /** The bytes by which `ids` take the place of the root `expected`. */
  change(expected: Uint8Array, changes: number, ids: IdSet): RootChange {
    return { expected, next: sealRoot(this.#keys.get('root'), { parameters: this.#parameters, changes, ids }) };
  }

  /** Changes that a root must go beyond so that it is believed, whatever the server had. */
  async highest(sealed: Uint8Array): Promise<number> {
    return this.#inTurn(async () => {
      await this.#load();
      const seen = this.#known?.root.changes ?? 0;
      try {
        return Math.max(seen, this.#open(sealed).changes);
      } catch (error) {
        if (error instanceof RetrievalError) return seen;
        throw error;
      }
    });
  }

  /** Wipes the key of the sums. */
  close(): void {
    this.sums.wipe();
  }

  #open(sealed: Uint8Array): Root {
    if (sealed.length === 0) return { parameters: this.#parameters, changes: 0, ids: NO_IDS };
    const root = openRoot(this.#keys.get('root'), sealed);
    if (!equalBytes(root.parameters, this.#parameters))
      throw new RetrievalError('decrypt-failed', 'the library root is of another index');
    return root;
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    this.#known = await this.#read();
  }

  /** What cannot be read is from before a rotation, or damaged: nothing is known then. */
  async #read(): Promise<Known | undefined> {
    const sealed = await this.#file?.read();
    if (sealed === undefined || sealed.length === 0) return undefined;
    try {
      return { sealed, root: openRoot(this.#keys.get('root'), sealed) };
    } catch (error) {
      if (error instanceof RetrievalError) return undefined;
      throw error;
    }
  }

  /** A disk that cannot be written leaves an older root in the file, and so less that is noticed; never a false alarm. */
  async #keep(known: Known): Promise<void> {
    this.#known = known;
    const stored = await this.#read();
    // Another process of this folder may have seen a newer one meanwhile.
    if (stored === undefined || stored.root.changes < known.root.changes)
      await this.#file?.replace(known.sealed).catch(() => undefined);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function rolledBack(what: string): RetrievalError {
  return new RetrievalError(
    'rolled-back',
    `${what}. If a backup was restored on purpose, blindsight verify --accept goes on from it`,
  );
}
