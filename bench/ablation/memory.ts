/** Results of long steps, kept in a folder under everything they depend on, so that a stopped run goes on. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Keeps arrays of numbers. */
export class Memory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Hash of arrays, to name what depends on them. */
  static hash(...arrays: readonly Float32Array[]): string {
    const hash = createHash('sha256');
    for (const array of arrays) hash.update(array);
    return hash.digest('hex');
  }

  /** f32 arrays that `make` gave before for the same `key`, or gives now. */
  async recall(key: readonly unknown[], make: () => Promise<Float32Array[]>): Promise<Float32Array[]> {
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex');
    const path = join(this.#folder, `${name}.f32`);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes !== undefined) return unpack(new Uint8Array(bytes));
    const arrays = await make();
    await mkdir(this.#folder, { recursive: true });
    await writeFile(`${path}.${process.pid}`, pack(arrays));
    await rename(`${path}.${process.pid}`, path);
    return arrays;
  }
}

/** u32 count, u32 lengths, then the numbers. */
function pack(arrays: readonly Float32Array[]): Uint8Array {
  const head = Uint32Array.from([arrays.length, ...arrays.map(({ length }) => length)]);
  const parts = [head, ...arrays].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  return Buffer.concat(parts);
}

function unpack(bytes: Uint8Array): Float32Array[] {
  const { buffer } = bytes.slice();
  const [count] = new Uint32Array(buffer, 0, 1);
  let at = 4 + 4 * count!;
  return [...new Uint32Array(buffer, 4, count)].map((length) => {
    const array = new Float32Array(buffer, at, length).slice();
    at += 4 * length;
    return array;
  });
}
