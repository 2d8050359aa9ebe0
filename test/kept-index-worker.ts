/**
 * A server for `kept-index.test.ts` whose images change for ever, so that its index is kept again and again. It is there to be killed.
 *
 *     node build/test/kept-index-worker.js FOLDER SEED
 */
import { crc32 } from '../src/base/crc32.ts';
import { setScale, type StoredVector } from '../src/base/stored-vector.ts';
import type { BeginMutation, PutMutation, RemoveMutation } from '../src/index/store.ts';
import { decodeResponse, encodeRequest, type Request } from '../src/protocol/messages.ts';
import { createServer, type Server } from '../src/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { bytes, floats, kernels } from './support.ts';

export const KINDS = ['f32', 'int8', 'split'] as const;
export type Kind = (typeof KINDS)[number];

export const PARAMETERS: Uint8Array = bytes(32, 1);
/** Images from which on an index is kept. */
export const ENOUGH = 1100;
const DIMS = 37;

export function begin(kind: Kind): BeginMutation {
  const [ranking, vectorDims] = kind === 'split' ? (['split', 0] as const) : (['server', DIMS] as const);
  const vectors = kind === 'int8' ? 'int8' : 'f32';
  return { kind: 'begin', parameters: PARAMETERS, state: 'active', ranking, vectorDims, vectors };
}

function vectorOf(kind: Kind, seed: number): StoredVector {
  if (kind === 'split') return new Float32Array(0);
  const vector = floats(DIMS, seed);
  if (kind === 'f32') return vector;
  const rounded = Int8Array.from([...vector.map((number) => 127 * number), 0, 0, 0, 0]);
  setScale(rounded, 1 / (100 + (seed % 1000)));
  return rounded;
}

const tokensOf = (seed: number): BigUint64Array =>
  BigUint64Array.from({ length: 3 }, (_, i) => BigInt((seed * (i + 1)) % 200) << 50n);

/** Image number `i`, with a record of its own for each seed. */
export function put(kind: Kind, i: number, seed: number): PutMutation & { readonly blob: Uint8Array } {
  const { id } = removal(i);
  const [tokens, vector] = [tokensOf(seed), vectorOf(kind, seed)];
  const sealed = Uint8Array.of(seed, seed >> 8, seed >> 16);
  const [wrapped, blob] = [new Uint8Array(72), Uint8Array.of(1)];
  return { kind: 'put', parameters: PARAMETERS, id, tokens, vector, sealed, wrapped, blob };
}

export function removal(i: number): RemoveMutation & { readonly id: Uint8Array } {
  return { kind: 'remove', id: bytes(16, i) };
}

/** Searches of every sort. @returns The answers' checksums. */
export async function answers(server: Server, kind: Kind): Promise<number[]> {
  const found: number[] = [];
  for (const seed of [3, 40, 5001, 7500]) {
    const tokens = tokensOf(seed);
    const of = { parameters: PARAMETERS, tokens };
    const requests: Request[] =
      kind === 'split'
        ? [{ kind: 'candidates', ...of, limit: 1000 }]
        : [true, false].map((scan) => ({ kind: 'search', ...of, vector: floats(DIMS, seed), k: 40, scan }));
    for (const request of requests) {
      const answer = await server.handle(encodeRequest(request));
      const response = decodeResponse(answer);
      if (response.kind === 'error') throw new Error(response.message);
      found.push(crc32(answer));
    }
  }
  return found;
}

const [, file = '', folder = '', seed = ''] = process.argv;
if (/kept-index-worker\.[jt]s$/.test(file)) {
  const store = openLmdbStore(folder);
  const server = createServer({ store, kernels });
  for (let round = 1; ; round++) {
    await answers(server, 'f32');
    await store.commit(Array.from({ length: ENOUGH }, (_, i) => put('f32', i, 1e6 * Number(seed) + 2000 * round + i)));
  }
}
