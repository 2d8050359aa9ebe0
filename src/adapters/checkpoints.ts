/**
 * Results of the finished parts of one long run, in a folder, so that a stopped run goes on. Once the run is through they are
 * deleted: the next run measures anew.
 * @module
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeWhole } from './library-files.ts';

export class Checkpoints {
  readonly #folder: string | undefined;

  /**
   * @param folder - Where; undefined: nowhere.
   * @param settings - Everything that the results depend on: a run with others never finds these.
   */
  constructor(folder: string | undefined, settings: unknown) {
    const name = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 32);
    this.#folder = folder === undefined ? undefined : join(folder, `unfinished-${name}`);
  }

  /**
   * The result of a part: as a run before left it, or of `work`.
   * @typeParam T - What JSON can hold.
   */
  async stage<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    if (this.#folder === undefined) return work();
    const file = join(this.#folder, `${name.replace(/[^a-z0-9.]+/gi, '-')}.json`);
    const kept = await readFile(file, 'utf8').catch(() => undefined);
    if (kept !== undefined) return JSON.parse(kept) as T;
    const result = await work();
    await mkdir(this.#folder, { recursive: true });
    await writeWhole(file, Buffer.from(JSON.stringify(result)));
    return result;
  }

  /** The run is through. */
  async finish(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
