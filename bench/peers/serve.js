/**
 * The other end of bench/external.ts: loads a task, and answers each line `go`.
 *
 *     node usearch.js KIND ROWS QUERY COUNT DIMS K
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * @param {(task: {kind: string, rows: Uint8Array, query: Uint8Array, count: number, dims: number, k: number}) => Promise<{version: string, search: () => unknown, indices: (answer: any) => ArrayLike<number | bigint>} | undefined>} load
 *   `search` is what is timed; `indices` reads its answer. Undefined where the library has no such search.
 */
export async function serve(load) {
  const [kind, rowsFile, queryFile, count, dims, k] = process.argv.slice(2);
  const bytes = (file) => new Uint8Array(readFileSync(file));
  const side = await load({
    ...{ kind, rows: bytes(rowsFile), query: bytes(queryFile) },
    ...{ count: Number(count), dims: Number(dims), k: Number(k) },
  });
  if (side === undefined) process.exit(0);
  console.log(JSON.stringify({ version: side.version }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== 'go') continue;
    const start = performance.now();
    const answer = await side.search();
    const ms = performance.now() - start;
    console.log(JSON.stringify({ ms, indices: Array.from(side.indices(answer), Number) }));
  }
  process.exit(0);
}

/** The numbers that lie in some bytes. */
export function floatsOf(bytes) {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Version of an installed package. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}
