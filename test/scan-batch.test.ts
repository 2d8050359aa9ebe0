/** Searches of a whole index that wait at the same time are answered in one pass, each as if it were alone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeResponse, encodeRequest, type Request, type Response } from '../src/protocol/messages.ts';
import { ScanBatch } from '../src/server/scan-batch.ts';
import { createServer } from '../src/server/server.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { teamOf, type ScanKernel, type ScanTeam } from '../src/wasm/scan-team.ts';
import { bytes, floats, kernels } from './support.ts';

/** A batch whose passes are counted. */
function batch(answer = async (requests: readonly number[]): Promise<number[]> => requests.map((x) => 10 * x)) {
  const passes: (readonly number[])[] = [];
  let turn: Promise<void> = Promise.resolve();
  const made = new ScanBatch<number, number>(
    (task) => (turn = turn.then(task)),
    (requests) => {
      passes.push(requests);
      return answer(requests);
    },
  );
  return { made, passes };
}

const test = suite('ScanBatch');

test('what waits together shares a pass, sixteen at most, by index; every one gets its answer', async () => {
  const { made, passes } = batch();
  const numbers = Array.from({ length: 37 }, (_, i) => i);
  const answers = numbers.map((x) => made.add(x % 5 === 4 ? 'other' : 'one', x));
  assert.equal(
    await Promise.all(answers),
    numbers.map((x) => 10 * x),
  );
  assert.equal(passes.map(({ length }) => length).sort(), [14, 16, 7].sort());
  assert.is(passes.filter((pass) => pass.some((x) => x % 5 === 4) && pass.some((x) => x % 5 !== 4)).length, 0);
  // One that comes when all are answered begins anew.
  assert.is(await made.add('one', 99), 990);
});

test('a pass that fails fails its own requests', async () => {
  const { made } = batch(async (requests) => {
    if (requests.includes(0)) throw new Error('no');
    return [...requests];
  });
  const answers = Array.from({ length: 20 }, (_, i) => made.add('one', i));
  const settled = await Promise.allSettled(answers);
  assert.equal(
    settled.map(({ status }) => status),
    settled.map((_, i) => (i < 16 ? 'rejected' : 'fulfilled')),
  );
});

test('a server answers searches that wait together as it answers each alone', async () => {
  const team = teamOf(kernels);
  const used: ScanKernel[] = [];
  const threads: ScanTeam = {
    size: 1,
    instantiate: () => team.instantiate(),
    release: (memory) => team.release(memory),
    run(memory, kernel, parts) {
      used.push(kernel);
      return team.run(memory, kernel, parts);
    },
  };
  const server = createServer({ store: createMemoryStore(), kernels, threads });
  const ask = async (request: Request): Promise<Response> =>
    decodeResponse(await server.handle(encodeRequest(request)));
  const parameters = bytes(32, 5);
  // 128 MiB: less is not worth the wait.
  const [dims, count] = [16384, 2048];
  await ask({ kind: 'begin', parameters, state: 'active', ranking: 'server', vectorDims: dims, vectors: 'f32' });
  const vector = floats(dims + count, 1);
  for (let i = 0; i < count; i += 512) {
    const items = Array.from({ length: 512 }, (_, j) => ({
      ...{ id: bytes(16, i + j), tokens: BigUint64Array.of(1n), vector: vector.subarray(i + j, i + j + dims) },
      ...{ sealed: bytes(40, 1), wrapped: bytes(40, 2), blob: bytes(50, 3) },
    }));
    await ask({ kind: 'put', parameters, items });
  }
  const search = (query: number, k: number): Promise<Response> =>
    ask({
      ...{ kind: 'search', parameters, tokens: new BigUint64Array(0), scan: true, k },
      vector: vector.subarray(query, query + dims),
    });
  const asked = [3, 77, 400, 8, 2047].map((query, i) => [query, 2 * i + 1] as const);
  const alone: Response[] = [];
  for (const [query, k] of asked) alone.push(await search(query, k));
  const short = ask({
    kind: 'search',
    parameters,
    tokens: new BigUint64Array(0),
    scan: true,
    k: 5,
    vector: floats(9, 1),
  });
  const together = await Promise.all(asked.map(([query, k]) => search(query, k)));
  assert.equal(together, alone);
  // All at once, after each alone.
  assert.equal(used, [...asked.map(() => 'innerProductTop'), 'innerProductTopMany']);
  alone.forEach((answer, i) => {
    assert.ok(answer.kind === 'search' && answer.ids.length === asked[i]![1]);
    assert.equal(answer.kind === 'search' && answer.ids[0], bytes(16, asked[i]![0]));
  });
  assert.is((await short).kind, 'error');
  // Closing waits for those that have been asked.
  const last = search(...asked[2]!);
  await server.close();
  assert.equal(await last, alone[2]);
});

test.run();
