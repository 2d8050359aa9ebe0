/**
 * A server over an LMDB store, as a process of its own whose memory can be read: `server-memory.bench.ts` starts it to fill the store, to search it after a
 * start, and to search it until half is gone.
 *
 *     node --expose-gc held-server.js fill|start|search FOLDER RANKING VECTORS DIMS COUNT TOKENS
 *
 * Records are random: what a sealed record, a token or a vector says does not change what it weighs.
 */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SCALE_BYTES, setScale, type StoredVector, type VectorFormat } from '../src/base/stored-vector.ts';
import type { PutMutation } from '../src/index/store.ts';
import { decodeResponse, encodeRequest, type Ranking, type Request } from '../src/protocol/messages.ts';
import { createServer } from '../src/server/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { bytes, kernels } from '../test/support.ts';

/** What the process holds at one moment, bytes. */
export interface Held {
  /** Its own memory. */
  readonly own: number;
  /** Pages of the store's file that the system keeps for it, and may take back. */
  readonly file: number;
}

/** What `start` answers, in milliseconds. */
export interface Started {
  /** The first search, which loads the index: on the clock, and of the processors. */
  readonly first: number;
  readonly cpu: number;
  /** Until the index was kept, and the longest that the event loop stood still meanwhile; 0 where it was not. */
  readonly kept: number;
  readonly pause: number;
  /** Bytes of the kept index. */
  readonly segment: number;
}

/** What `search` answers. */
export interface Measured {
  readonly opened: Held;
  readonly loaded: Held;
  readonly halved: Held;
  /** Milliseconds of a search of all, once the index is loaded. */
  readonly all: number;
  /** Milliseconds of searches through the prefilter, ascending. */
  readonly searches: readonly number[];
  /** Records added a second, a message of 50 after the other, with a search after each tenth; and the longest that the event loop stood still meanwhile. */
  readonly added: number;
  readonly pause: number;
  /** Records removed a second. */
  readonly removed: number;
}

const SEALED_BYTES = 552;
const WRAPPED_BYTES = 72;
const BLOB_BYTES = 64;
const BUCKETS = 512;
const PROBES = 24;
const BATCH = 5000;
const SEARCHES = 100;
const MESSAGES = 100;
const ITEMS = 50;
/** Removed rows that `generation.ts` tolerates before the index is made anew. */
const SPARE = 1024;

/** Images from which on an index is kept: `generation.ts`. */
const LEAST_KEPT = 1024;
const PATIENCE_MS = 300_000;

const [work, folder = '', ranking, vectors, ...numbers] = process.argv.slice(2);
const [dims = 0, count = 0, tokens = 0] = numbers.map(Number);
const shape = { ranking: ranking as Ranking, vectors: vectors as VectorFormat, vectorDims: dims };
const parameters = bytes(32, 1);
const pool = bytes(1 << 20, 2);

function idOf(i: number): Uint8Array {
  const id = new Uint8Array(16);
  // Spread, as ids are.
  new DataView(id.buffer).setUint32(0, Math.imul(i + 1, 0x9e3779b1) >>> 0);
  new DataView(id.buffer).setUint32(4, i);
  return id;
}

function tokensOf(i: number): BigUint64Array {
  if (shape.ranking === 'client') return new BigUint64Array(0);
  return BigUint64Array.from({ length: tokens }, (_, t) => BigInt((i * 7919 + t * 104729) % BUCKETS));
}

function vectorOf(i: number): StoredVector {
  if (shape.ranking !== 'server') return new Float32Array(0);
  if (shape.vectors === 'f32') return new Float32Array(dims).fill(i % 97);
  const vector = new Int8Array(dims + SCALE_BYTES);
  vector.set(new Int8Array(pool.buffer, (i * 31) % (pool.length - dims), dims));
  setScale(vector, 1);
  return vector;
}

function probesOf(i: number): BigUint64Array {
  return BigUint64Array.from({ length: PROBES }, (_, t) => BigInt((i * 31 + t * 21) % BUCKETS));
}

function put(i: number): PutMutation {
  const vector = vectorOf(i);
  return {
    ...{ kind: 'put', parameters, id: idOf(i), tokens: tokensOf(i), vector },
    sealed: pool.subarray(i % 1000, (i % 1000) + SEALED_BYTES),
    wrapped: pool.subarray(0, WRAPPED_BYTES),
    blob: pool.subarray(0, BLOB_BYTES),
  };
}

/** The longest that the event loop stands still while some work is under way. */
async function longestPause(work: Promise<unknown>): Promise<number> {
  let [last, pause, done] = [performance.now(), 0, false];
  void work.finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    pause = Math.max(pause, performance.now() - last);
    last = performance.now();
  }
  await work;
  return pause;
}

/** When a file was written. */
function stampOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const status = await readFile('/proc/self/status', 'utf8');
  const of = (name: string): number => 1024 * Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))?.[1] ?? 0);
  return { own: of('RssAnon'), file: of('RssFile') };
}

if (work === 'fill') {
  const store = openLmdbStore(folder);
  await store.commit([{ kind: 'begin', parameters, state: 'active', ...shape }]);
  for (let from = 0; from < count; from += BATCH)
    await store.commit(Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => put(from + i)));
  await store.close();
} else {
  const server = createServer({ store: openLmdbStore(folder), kernels });
  const query = new Float32Array(dims).fill(1);
  const kinds: Record<Ranking, Request> = {
    server: { kind: 'search', parameters, tokens: probesOf(1), vector: query, k: 10, scan: true },
    split: { kind: 'candidates', parameters, tokens: probesOf(1), limit: 4096 },
    client: { kind: 'sync', parameters, since: count, limit: 100 },
  };
  const ask = async (request: Request): Promise<number> => {
    const start = performance.now();
    const response = decodeResponse(await server.handle(encodeRequest(request)));
    if (response.kind === 'error') throw new Error(response.message);
    return performance.now() - start;
  };
  const search = kinds[shape.ranking];
  if (work === 'start') {
    const path = join(folder, 'segment');
    const before = stampOf(path);
    const idle = process.cpuUsage();
    const first = await ask(search);
    const { user, system } = process.cpuUsage(idle);
    const begun = performance.now();
    const isKept = shape.ranking !== 'client' && count >= LEAST_KEPT;
    const keeping = async (): Promise<void> => {
      while (isKept && before === undefined && stampOf(path) === undefined) {
        if (performance.now() - begun > PATIENCE_MS) throw new Error('the index is not kept');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const pause = await longestPause(keeping());
    const kept = before === undefined ? performance.now() - begun : 0;
    await server.close();
    const started: Started = {
      first,
      cpu: (user + system) / 1000,
      kept,
      pause,
      segment: statSync(path, { throwIfNoEntry: false })?.size ?? 0,
    };
    process.stdout.write(JSON.stringify(started));
    process.exit();
  }
  const opened = await held();
  await ask(search);
  const all = await ask(search);
  const loaded = await held();
  const times: number[] = [];
  for (let i = 0; i < SEARCHES; i++) {
    const asked =
      search.kind === 'search'
        ? { ...search, scan: false, tokens: probesOf(i) }
        : search.kind === 'candidates'
          ? { ...search, tokens: probesOf(i) }
          : search;
    times.push(await ask(asked));
  }
  const adding = async (): Promise<void> => {
    for (let m = 0; m < MESSAGES; m++) {
      const items = Array.from({ length: ITEMS }, (_, i) => put(count + m * ITEMS + i));
      await ask({ kind: 'put', parameters, items });
      if (m % 10 === 9) await ask(search);
      // Messages of a network come one by one.
      await new Promise(setImmediate);
    }
  };
  const begun = performance.now();
  const pause = await longestPause(adding());
  const added = (1000 * MESSAGES * ITEMS) / (performance.now() - begun);
  const removing = performance.now();
  const gone = Math.min(count, Math.ceil(count / 2) + SPARE);
  for (let from = 0; from < gone; from += BATCH)
    await ask({ kind: 'remove', ids: Array.from({ length: Math.min(BATCH, gone - from) }, (_, i) => idOf(from + i)) });
  const removed = (1000 * gone) / (performance.now() - removing);
  await ask(search);
  const searches = times.sort((a, b) => a - b);
  const measured: Measured = { opened, loaded, halved: await held(), all, searches, added, pause, removed };
  process.stdout.write(JSON.stringify(measured));
  await server.close();
}
