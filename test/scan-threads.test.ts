/** Scans over several threads and several memories give the answer of one thread over one memory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import workerThreads, { MessageChannel, Worker } from 'node:worker_threads';
import {
  DONE,
  FAILED,
  KERNEL,
  LEFT,
  MEMORY,
  OVER,
  SCAN_KERNELS,
  TURN,
  makeBoard,
  sharedKernels,
  type ScanThreadData,
} from '../src/adapters/scan-board.ts';
import { loadSharedKernels } from '../src/adapters/package-files.ts';
import { ScanThreads } from '../src/adapters/scan-threads.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { loadGeneration } from '../src/index/refresh.ts';
import type { Store } from '../src/index/store.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { AsymmetricTable } from '../src/search/asymmetric-table.ts';
import { HammingTable } from '../src/search/hamming-table.ts';
import { Int8Table } from '../src/search/int8-table.ts';
import type { TopK } from '../src/search/top-k.ts';
import { VectorTable } from '../src/search/vector-table.ts';
import type { Kernels } from '../src/wasm/kernels.ts';
import { callScan, type KernelSource, type ScanTeam } from '../src/wasm/scan-team.ts';
import { decodeResponse, encodeRequest } from '../src/protocol/messages.ts';
import { bytes, floats, kernels } from './support.ts';
import { where } from './where.ts';

const shared = await loadSharedKernels();
const threads = new ScanThreads(shared, 3);
/** So small that a table needs several of them. */
const SMALL = 2 ** 17;

/** A table of one kind, filled by number. */
interface Kind {
  readonly name: string;
  make(source: KernelSource, memoryBytes?: number): Filled;
}
interface Filled {
  add(count: number, seed: number): void;
  replace?(index: number, seed: number): void;
  remove?(index: number): void;
  ask(k: number, candidates?: Uint32Array): TopK;
  close(): void;
}

// Few different numbers: ties are many, and sums are exact in any order.
const numbers = (length: number, seed: number): Float32Array => floats(length, seed).map((x) => Math.round(2 * x));
const small = (count: number, seed: number): Int8Array => {
  const rows = new Int8Array(68 * count);
  numbers(64 * count, seed).forEach((x, i) => (rows[68 * Math.floor(i / 64) + (i % 64)] = x));
  const scales = new DataView(rows.buffer);
  for (let i = 0; i < count; i++) scales.setFloat32(68 * i + 64, 1 + (i % 3), true);
  return rows;
};
// Bits that are mostly 0: equal distances are many.
const codes = (count: number, seed: number): Uint8Array => bytes(16 * count, seed).map((x) => x & 3);

const kinds: readonly Kind[] = [
  {
    name: 'VectorTable',
    make(source, memoryBytes) {
      const table = new VectorTable(source, 62, memoryBytes);
      return {
        add: (count, seed) => void table.append(numbers(62 * count, seed)),
        replace: (index, seed) => table.replace(index, numbers(62, seed)),
        ask: (k, candidates) => table.top(numbers(62, 1), k, candidates),
        close: () => table.close(),
      };
    },
  },
  {
    name: 'Int8Table',
    make(source, memoryBytes) {
      const table = new Int8Table(source, 64, memoryBytes);
      return {
        add: (count, seed) => void table.append(small(count, seed)),
        replace: (index, seed) => table.replace(index, small(1, seed)),
        ask: (k, candidates) => table.top(numbers(64, 1), k, candidates),
        close: () => table.close(),
      };
    },
  },
  {
    name: 'AsymmetricTable',
    make(source, memoryBytes) {
      const table = new AsymmetricTable(source, 16, memoryBytes);
      return {
        add: (count, seed) => void table.add(codes(count, seed)),
        replace: (index, seed) => table.set(index, codes(1, seed)),
        remove: (index) => void table.remove(index),
        ask: (k, candidates) => table.top(numbers(128, 1), k, candidates),
        close: () => table.close(),
      };
    },
  },
  {
    name: 'HammingTable',
    make(source) {
      const table = new HammingTable(source, 16);
      return {
        add: (count, seed) => void table.add(codes(count, seed)),
        replace: (index, seed) => table.set(index, codes(1, seed)),
        ask(k) {
          const { indices, distances } = table.nearest(codes(1, 1), k);
          return { indices, scores: Float32Array.from(distances) };
        },
        close: () => table.close(),
      };
    },
  },
];

const test = suite('ScanThreads');

for (const { name, make } of kinds)
  test(`${name}: the same answers, while it grows and changes`, () => {
    const plain = make(kernels);
    const others = [make(threads), ...(name === 'HammingTable' ? [] : [make(kernels, SMALL), make(threads, SMALL)])];
    const all = [plain, ...others];
    let count = 0;
    // The last step is large enough to be cut into parts: 512 KiB and more.
    for (const [step, more] of [1, 15, 700, 4000, 40_000].entries()) {
      for (const table of all) {
        table.add(more, 10 + step);
        table.replace?.(count, 90 + step);
        if (more > 1) table.remove?.(count + 1);
      }
      count += more - (more > 1 && plain.remove !== undefined ? 1 : 0);
      const chosen = Uint32Array.from({ length: Math.ceil(count / 3) }, (_, i) => count - 1 - 3 * i);
      const asked = [[1], [600], [Math.min(3 * count, 5000)], [10, chosen], [700, chosen]] as const;
      for (const [k, candidates] of asked) {
        const expected = plain.ask(k, candidates);
        for (const table of others) assert.equal(table.ask(k, candidates), expected, `${count} rows, k ${k}`);
      }
    }
    for (const table of all) table.close();
  });

test('a table whose last memory became empty, and is filled again', () => {
  // 4,096 codes a memory.
  const tables = [
    new AsymmetricTable(kernels, 16),
    new AsymmetricTable(kernels, 16, SMALL),
    new AsymmetricTable(threads, 16, SMALL),
  ];
  const everySecond = (count: number): Uint32Array => Uint32Array.from({ length: count / 2 }, (_, i) => 2 * i + 1);
  const compare = (count: number): void => {
    for (const candidates of [undefined, everySecond(count)])
      for (const k of [1, 50, 2 * count]) {
        const answers = tables.map((table) => table.top(numbers(128, 1), k, candidates));
        for (const answer of answers) assert.equal(answer, answers[0], `${count} codes, k ${k}`);
      }
    for (const table of tables) {
      assert.is(table.count, count);
      assert.equal(table.scores(numbers(128, 1)), tables[0]!.scores(numbers(128, 1)));
    }
  };
  for (const table of tables) table.add(codes(4098, 5));
  compare(4098);
  for (const table of tables) for (let i = 0; i < 4; i++) table.remove(7);
  compare(4094);
  for (const table of tables) table.add(codes(4200, 6));
  compare(8294);
  for (const table of tables) table.close();
});

test('several queries in one pass: each gets its own answer, to the bit', () => {
  const dims = 30;
  const tables = [
    new VectorTable(kernels, dims),
    new VectorTable(threads, dims),
    new VectorTable(threads, dims, SMALL),
  ];
  for (const count of [1, 31, 33, 6000])
    for (const table of tables) {
      table.append(floats(count * dims, count));
      table.replace(0, new Float32Array(dims).fill(NaN));
      for (const [queryCount, k] of [
        [0, 5],
        [1, 5],
        [2, 1],
        [3, 40],
        [8, 9000],
      ] as const) {
        const queries = Array.from({ length: queryCount }, (_, q) => floats(dims, 50 + q));
        assert.equal(
          table.topMany(queries, k),
          queries.map((query) => tables[0]!.top(query, k)),
          `${table.count} rows of ${dims}, ${queryCount} queries`,
        );
      }
      if (table === tables[0]) continue;
      assert.throws(() => table.topMany([floats(dims + 1, 1)], 1), /"query" expected/);
      assert.throws(() => table.topMany([], 0), /"k" expected integer/);
    }
  for (const table of tables) table.close();
});

test('tables that are closed take nothing from the others', () => {
  const [first, second] = kinds.slice(0, 2).map(({ make }) => make(threads));
  for (const table of [first!, second!]) table.add(20_000, 3);
  const before = second!.ask(50);
  first!.ask(50);
  first!.close();
  assert.equal(second!.ask(50), before);
  second!.close();
});

test('another thread does the parts it takes, and hands back what it cannot do', async () => {
  const board = makeBoard();
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('../src/adapters/scan-thread.js', import.meta.url), {
    workerData: { module: shared, board, memories: port2 },
    transferList: [port2],
  });
  const table = sharedKernels(shared, undefined);
  port1.postMessage({ id: 7, memory: table.memory });
  // Two rows of four numbers, and what a thread needs besides.
  const [head, rows, block, scores, indices] = [1024, 1040, 2048, 8192, 8256] as const;
  new Float32Array(table.memory.buffer, head, 12).set([1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
  board.args.set([head, rows, 0, 2, 4, 2, block, scores, indices]);
  const scan = (memory: number): number => {
    board.state[MEMORY] = memory;
    board.state[KERNEL] = SCAN_KERNELS.indexOf('innerProductTop');
    board.state[DONE] = 0;
    Atomics.store(board.state, LEFT, 1);
    Atomics.add(board.state, TURN, 1);
    Atomics.notify(board.state, TURN);
    assert.is.not(Atomics.wait(board.state, DONE, 0, 20_000), 'timed-out');
    return board.found[0]!;
  };
  try {
    assert.is(scan(7), 2);
    assert.equal([...new Float32Array(table.memory.buffer, scores, 2)], [26, 10]);
    assert.is(scan(8), FAILED);
    // Told that it is over, it ends by itself.
    const ended = once(worker, 'exit');
    Atomics.store(board.state, OVER, 1);
    Atomics.add(board.state, TURN, 1);
    Atomics.notify(board.state, TURN);
    await ended;
  } finally {
    port1.close();
    await worker.terminate();
  }
});

/** Scans of one row by kernels that take their time on this thread, and say 7 there, until another thread has done a part: it says 1. */
function isHelped(team: ScanTeam, own: Kernels, scans: number): boolean {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  own.innerProductTop = () => (Atomics.wait(clock, 0, 0, 5), 7);
  const parts = Array.from({ length: 8 }, (_, i) => {
    const at = 1024 + 4096 * i;
    return [at, at + 16, 0, 1, 4, 1, at + 64, at + 3072, at + 3136];
  });
  for (let scan = 0; scan < scans; scan++) {
    const found = team.run(own, 'innerProductTop', parts);
    assert.ok(found.every((count) => count === 1 || count === 7));
    if (found.includes(1)) return true;
  }
  return false;
}

/** Runs `task` while threads are started by `Substitute`. */
async function withWorker(Substitute: typeof Worker, task: () => unknown): Promise<void> {
  workerThreads.Worker = Substitute;
  syncBuiltinESMExports();
  try {
    await task();
  } finally {
    workerThreads.Worker = Worker;
    syncBuiltinESMExports();
  }
}

test('threads take parts: of memories made before and after they began, and anew when one was let go of', async () => {
  const team = new ScanThreads(shared, 2);
  const [first, second] = [team.instantiate(), team.instantiate()];
  assert.ok(isHelped(team, first, 1000));
  const third = team.instantiate();
  assert.ok(isHelped(team, third, 1000));
  team.release(first);
  assert.ok(isHelped(team, second, 1000));
  await team.close();
  assert.not(isHelped(team, second, 3));
});

// Elsewhere what a module has imported stays.
const ifReplaceable = where(
  process.versions['bun'] === undefined && process.versions['deno'] === undefined,
  test,
  'Worker can be replaced under Node alone',
);

ifReplaceable('threads that are slow to end take no part from those that come after them', async () => {
  const boards: ScanThreadData['board'][] = [];
  class Watched extends Worker {
    constructor(...[url, options]: ConstructorParameters<typeof Worker>) {
      super(url, options);
      boards.push((options!.workerData as ScanThreadData).board);
    }
  }
  await withWorker(Watched, async () => {
    const team = new ScanThreads(shared, 2);
    const [first, second] = [team.instantiate(), team.instantiate()];
    isHelped(team, first, 1);
    team.release(first);
    isHelped(team, second, 1);
    await team.close();
  });
  assert.is(boards.length, 2);
  assert.is.not(boards[0], boards[1]);
  assert.equal(
    boards.map(({ state }) => state[OVER]),
    [1, 1],
  );
});

ifReplaceable('where threads are forbidden, or there are too many, the others do their work', async () => {
  const Refused = function () {
    throw new Error('no more threads');
  } as unknown as typeof Worker;
  await withWorker(Refused, () => {
    const team = new ScanThreads(shared, 3);
    const [plain, table] = [kinds[0]!.make(kernels), kinds[0]!.make(team)];
    for (const one of [plain, table]) one.add(20_000, 3);
    assert.equal(table.ask(50), plain.ask(50));
  });
});

/** A team of one thread that counts the memories it has given and not got back, each of `pages` pages at most. */
function counting(pages: number): ScanTeam & { readonly held: Set<Kernels> } {
  const held = new Set<Kernels>();
  return {
    ...{ size: 1, held },
    instantiate() {
      const own = sharedKernels(shared, new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true }));
      held.add(own);
      return own;
    },
    release: (own) => void held.delete(own),
    run: (own, kernel, parts) => parts.map((args) => callScan(own, kernel, args)),
  };
}

test('rows there is no memory for are not counted in', () => {
  const [plain, table] = [new VectorTable(kernels, 30), new VectorTable(counting(8), 30)];
  for (const one of [plain, table]) one.append(floats(300, 1));
  assert.throws(() => table.append(floats(30 * 5000, 2)), RangeError);
  assert.is(table.count, 10);
  for (const one of [plain, table]) assert.is(one.append(floats(300, 3)), 10);
  assert.equal(table.top(floats(30, 4), 20), plain.top(floats(30, 4), 20));
});

test('an index that cannot be read lets go of its memory', async () => {
  const team = counting(64);
  const store = {
    stats: async () => ({ sequence: 0 }),
    records: async () => Promise.reject(new RetrievalError('storage-failed', 'no')),
  } as unknown as Store;
  const wanted = { parameters: bytes(32, 1), vectorDims: 30, vectors: 'f32' } as const;
  await loadGeneration(kernels, store, wanted, team).then(
    () => assert.unreachable(),
    ({ code }) => assert.is(code, 'storage-failed'),
  );
  assert.is(team.held.size, 0);
});

test('a server that ranks with threads answers as one without', async () => {
  const parameters = bytes(32, 5);
  const answers = await Promise.all(
    [undefined, threads].map(async (team) => {
      const server = createServer({ store: createMemoryStore(), kernels, threads: team });
      const ask = async (request: Parameters<typeof encodeRequest>[0]) =>
        decodeResponse(await server.handle(encodeRequest(request)));
      const dims = 500;
      await ask({ kind: 'begin', parameters, state: 'active', ranking: 'server', vectorDims: dims, vectors: 'f32' });
      for (let i = 0; i < 1200; i += 200) {
        const items = Array.from({ length: 200 }, (_, j) => ({
          id: bytes(16, i + j),
          tokens: BigUint64Array.of(1n),
          vector: floats(dims, i + j),
          sealed: bytes(40, i + j),
          wrapped: bytes(40, i + j),
          blob: bytes(100, i + j),
        }));
        await ask({ kind: 'put', parameters, items });
      }
      const search = { kind: 'search', parameters, tokens: new BigUint64Array(0), k: 30, scan: true } as const;
      const answer = await ask({ ...search, vector: floats(dims, 7) });
      await server.close();
      return answer;
    }),
  );
  assert.is(answers[0]!.kind, 'search');
  assert.equal(answers[1], answers[0]);
});

test('rejects numbers of threads there cannot be', () => {
  for (const bad of [0, -1, 1.5, NaN, 65, '2', undefined])
    assert.throws(() => new ScanThreads(shared, bad as number), /"threads" expected integer/);
});

test.after(() => threads.close());
test.run();
