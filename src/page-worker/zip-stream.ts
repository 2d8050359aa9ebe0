/**
 * Pictures as a zip file, made as fast as it is taken: each is brought and opened when its turn comes.
 * @module
 */
import { makeZip } from 'client-zip';
import type { Failure } from '../page/calls.ts';
import { failureOf } from './failure.ts';
import { distinctPaths } from './zip-paths.ts';

/** A picture as it goes into the file. */
export interface ZipEntry {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly bytes: Uint8Array;
}

export class ZipStream {
  readonly failures: Failure[] = [];
  /** Pictures that are in it, or failed. */
  done = 0;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  /** @param open - Brings one picture; one that fails is left out and listed. */
  constructor(ids: readonly string[], open: (id: string) => Promise<ZipEntry>) {
    const entries = async function* (
      this: ZipStream,
    ): AsyncGenerator<{ name: string; lastModified: Date; input: Uint8Array }> {
      const distinct = distinctPaths();
      for (const id of ids) {
        try {
          const { path, modifiedAt, bytes } = await open(id);
          yield { name: distinct(path), lastModified: new Date(modifiedAt), input: bytes };
        } catch (error) {
          this.failures.push(failureOf(error));
        }
        this.done++;
      }
    };
    this.#reader = makeZip(entries.call(this) as never).getReader();
  }

  /** The next bytes; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const { value, done } = await this.#reader.read();
    return done ? undefined : value;
  }
}
