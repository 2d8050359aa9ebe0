/** Postings, segments and the live index of one generation. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import { crc32 } from '../src/base/crc32.ts';
import { RetrievalError } from '../src/base/errors.ts';
import {
  VECTOR_FORMATS,
  numbersOf,
  setScale,
  type StoredVector,
  type VectorFormat,
} from '../src/base/stored-vector.ts';
import { Generation } from '../src/index/generation.ts';
import { NO_POSTINGS, Postings, sortedBase } from '../src/index/postings.ts';
import { finish } from '../src/index/postings-merge.ts';
import { refreshGeneration, snapshot } from '../src/index/refresh.ts';
import { decodeSegment, encodeSegment, sourceOf } from '../src/index/segment.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import type { Mutation, PutMutation } from '../src/index/store.ts';
import { rank } from './reference/rank.ts';
import { builds, bytes, floats } from './support.ts';

const DIMS = 7;
const PARAMETERS = bytes(32, 1);
const HEADER_BYTES = 88;

type Put = PutMutation & { readonly vector: Float32Array; readonly blob: Uint8Array };

function put(seed: number): Put {
  const tokens = BigUint64Array.from(bytes(5, seed), (byte) => BigInt(byte % 16) * 0x1_0000_0001n);
  const [vector, sealed] = [floats(DIMS, seed), bytes(10, seed)];
  return {
    kind: 'put',
    parameters: PARAMETERS,
    id: bytes(16, seed),
    tokens,
    vector,
    sealed,
    wrapped: bytes(72, seed),
    blob: bytes(1, seed),
  };
}

const test = suite('index');

test('postings equal a plain list, before and after they are merged', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.bigInt({ min: 0n, max: 20n }), { maxLength: 6 }), { maxLength: 40 }),
      fc.array(fc.bigInt({ min: 0n, max: 22n }), { maxLength: 6 }),
      fc.nat({ max: 5 }),
      (lists, query, dead) => {
        const isAlive = (row: number): boolean => row % 6 !== dead;
        const wide = (token: bigint): bigint => token * 0x0b00_0000_0fff_fffen;
        const recent = new Postings();
        lists.forEach((tokens, row) => recent.add(row, BigUint64Array.from(tokens, wide), isAlive));
        const merged = new Postings(sortedBase(recent.data(isAlive)), lists.length);
        // Half in the base, half on top.
        const half = new Postings();
        const middle = lists.length >> 1;
        lists.slice(0, middle).forEach((tokens, row) => half.add(row, BigUint64Array.from(tokens, wide), isAlive));
        const both = new Postings(sortedBase(half.data(isAlive)), middle);
        lists.slice(middle).forEach((tokens, i) => both.add(middle + i, BigUint64Array.from(tokens, wide), isAlive));
        const expected = lists.flatMap((tokens, row) =>
          isAlive(row) && tokens.some((t) => query.includes(t)) ? [row] : [],
        );
        // Merged again and again on the way, and in the middle of it.
        const steps = new Postings(undefined, 0, undefined, 1 + (lists.length % 3));
        lists.forEach((tokens, row) => steps.add(row, BigUint64Array.from(tokens, wide), isAlive));
        for (const postings of [recent, merged, both, steps])
          assert.equal(
            [...postings.lookUp(BigUint64Array.from(query, wide), isAlive)].sort((a, b) => a - b),
            expected,
          );
        for (const postings of [both, steps]) assert.equal(postings.data(isAlive), recent.data(isAlive));
        // In parts that end anywhere.
        const merge = half.freeze();
        finish(merge.prepare());
        const [tokens, ends, rows] = [[], [0], []] as [bigint[], number[], number[]];
        for (const part of merge.parts((row) => (isAlive(row) ? row : -1), 1 + (lists.length % 4))) {
          tokens.push(...part.tokens);
          ends.push(...part.ends);
          rows.push(...part.rows);
        }
        const whole = half.data(isAlive);
        assert.equal([tokens, ends, rows], [[...whole.tokens], [...whole.offsets], [...whole.rows]]);
      },
    ),
    { seed: 42 },
  );
});

test('an empty base finds nothing', () => {
  assert.equal([...sortedBase(NO_POSTINGS).lookUp(BigUint64Array.of(0n, 5n))], []);
});

function refused(run: () => unknown, hint: string): void {
  try {
    run();
  } catch (error) {
    if (error instanceof RetrievalError) return;
    throw error;
  }
  assert.unreachable(hint);
}

/** A vector as int8: 127 steps to each side. */
function int8(vector: Float32Array): Int8Array {
  const made = Int8Array.from([...vector.map((number) => Math.round(127 * number)), 0, 0, 0, 0]);
  setScale(made, 1 / 127);
  return made;
}

/** A vector in one of the formats; none stays none. */
function stored(vector: Float32Array, format: VectorFormat): StoredVector {
  return format === 'f32' || vector.length === 0 ? vector : int8(vector);
}

/** With the vector as that format has it. */
function inFormat<T extends { readonly vector: Float32Array }>(item: T, format: VectorFormat): T {
  return { ...item, vector: numbersOf(stored(item.vector, format)) };
}

for (const format of VECTOR_FORMATS) {
  const shape = { parameters: PARAMETERS, vectorDims: DIMS, vectors: format };
  const begin = { kind: 'begin', ranking: 'server', state: 'active', ...shape } as const;
  const putStored = (item: Put): PutMutation => ({ ...item, vector: stored(item.vector, format) });
  const first = [
    begin,
    ...Array.from({ length: 11 }, (_, i) => putStored(put(i))),
    { ...put(50), vector: new Float32Array(0) },
  ];
  const store = createMemoryStore();
  await store.commit(first);
  const segment = await snapshot(store, shape);
  const file = encodeSegment(segment);

  test(`segment, ${format}: round trip, at any alignment`, () => {
    assert.equal(decodeSegment(file, PARAMETERS), segment);
    const shifted = new Uint8Array(file.length + 5);
    shifted.set(file, 5);
    assert.equal(decodeSegment(shifted.subarray(5), PARAMETERS), segment);
  });

  test(`segment, ${format}: every truncation and every flipped bit is refused`, () => {
    for (let end = 0; end < file.length; end++)
      refused(() => decodeSegment(file.subarray(0, end), PARAMETERS), `cut at ${end}`);
    for (let bit = 0; bit < 8 * file.length; bit++) {
      const damaged = file.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      refused(() => decodeSegment(damaged, PARAMETERS), `bit ${bit}`);
    }
  });

  test(`segment, ${format}: what is damaged is not read into place`, async () => {
    const read = (input: Uint8Array): Promise<unknown> =>
      Generation.read(builds.release, shape, sourceOf(input)).catch((error: unknown) => error);
    assert.instance(await read(file), Generation);
    assert.instance(await read(file.subarray(0, -1)), RetrievalError);
    assert.instance(await read(Uint8Array.of(...file, 0)), RetrievalError);
    assert.instance(await read(new Uint8Array(0)), RetrievalError);
    for (let byte = 0; byte < file.length; byte += 3) {
      const damaged = file.slice();
      damaged[byte]! ^= 1 << (byte & 7);
      assert.instance(await read(damaged), RetrievalError, `byte ${byte}`);
    }
    const other = { ...shape, vectorDims: DIMS + 1 };
    const error = await Generation.read(builds.release, other, sourceOf(file)).catch((e: unknown) => e);
    assert.is((error as RetrievalError).code, 'parameter-mismatch');
  });

  test(`segment, ${format}: no bytes make it fail in any other way`, () => {
    fc.assert(
      fc.property(fc.nat({ max: HEADER_BYTES }), fc.uint8Array({ maxLength: 200 }), (keep, tail) => {
        refused(
          () => decodeSegment(Uint8Array.from([...file.subarray(0, keep), ...tail]), PARAMETERS),
          'junk was read',
        );
      }),
      { seed: 42 },
    );
  });

  test(`segment, ${format}: tells a newer version, and other parameters, from damage`, () => {
    const newer = file.slice();
    newer[4] = 7;
    assert.throws(
      () => decodeSegment(newer, PARAMETERS),
      (error: RetrievalError) => error.code === 'unsupported-version',
    );
    assert.throws(
      () => decodeSegment(file, bytes(32, 9)),
      (error: RetrievalError) => error.code === 'parameter-mismatch',
    );
  });

  for (const [build, module] of Object.entries(builds))
    test(`a generation goes on from a segment, ${format} (${build})`, async () => {
      const generation = await Generation.read(module, shape, sourceOf(file));
      assert.is(generation.count, 11);
      const own = createMemoryStore();
      await own.commit([
        ...first,
        { kind: 'remove', id: put(3).id },
        putStored({ ...put(4), vector: floats(DIMS, 400) }),
        putStored(put(13)),
      ]);
      assert.is(await refreshGeneration(generation, own, PARAMETERS), true);
      const held = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 13].map((i) =>
        inFormat(i === 4 ? { ...put(4), vector: floats(DIMS, 400) } : put(i), format),
      );
      const { tokens, vector } = put(777);
      for (const scan of [true, false]) {
        const found = generation.search(tokens, vector, 20, scan);
        const expected = rank(held, scan ? undefined : tokens, vector, 20);
        assert.equal([found.ids.map(toHex), found.candidates], [expected.ids, expected.candidates]);
      }
    });
}

for (const { vectorDims, vectors } of [
  { vectorDims: DIMS, vectors: 'f32' },
  { vectorDims: DIMS, vectors: 'int8' },
  { vectorDims: 0, vectors: 'f32' },
] as const)
  test(`a snapshot is of one moment, while everything changes: ${vectorDims} ${vectors} numbers`, async () => {
    const shape = { parameters: PARAMETERS, vectorDims, vectors };
    const store = createMemoryStore();
    // So many tokens that the postings are merged on the way.
    const item = (id: number, seed: number): PutMutation => ({
      ...put(id),
      tokens: BigUint64Array.from({ length: 70 }, (_, i) => BigInt(seed * i * 7919) << 20n),
      vector: vectorDims === 0 ? new Float32Array(0) : stored(floats(DIMS, seed), vectors),
    });
    const ranking = vectorDims === 0 ? 'split' : 'server';
    await store.commit([
      { kind: 'begin', ranking, state: 'active', ...shape },
      ...Array.from({ length: 700 }, (_, i) => item(i, i)),
      ...Array.from({ length: 40 }, (_, i): Mutation => ({ kind: 'remove', id: put(7 * i).id })),
    ]);
    const live = new Generation(builds.release, shape);
    await refreshGeneration(live, store, PARAMETERS);
    // Rows that are gone lie between the others.
    await store.commit(Array.from({ length: 30 }, (_, i) => item(1 + 7 * i, 2000 + i)));
    await refreshGeneration(live, store, PARAMETERS);
    const { sequence } = live;

    const snapshot = live.freeze();
    const file = new Uint8Array(await snapshot.measure());
    let next = 300;
    await snapshot.write(PARAMETERS, {
      crc32,
      async write(part, at) {
        file.set(part, at);
        const mutations = Array.from({ length: 150 }, (_, i) => item((next + i) % 900, 3000 + next + i));
        await store.commit([...mutations, { kind: 'remove', id: put((next += 150) % 900).id }]);
        await refreshGeneration(live, store, PARAMETERS);
        live.candidates(item(0, 5).tokens, undefined, 100);
      },
    });
    assert.is(decodeSegment(file, PARAMETERS).sequence, sequence);
    assert.is(decodeSegment(file, PARAMETERS).count, 660);
    const read = await Generation.read(builds.release, shape, sourceOf(file));
    assert.is(read.count, 660);
    const answersOf = (generation: Generation): unknown =>
      [1, 2, 50, 3100, 4000].map((seed) => {
        const { tokens } = item(0, seed);
        if (vectorDims === 0) return generation.candidates(tokens, undefined, 1000);
        return [true, false].map((scan) => generation.search(tokens, floats(DIMS, seed), 30, scan));
      });
    const fresh = new Generation(builds.release, shape);
    for (const generation of [read, fresh]) await refreshGeneration(generation, store, PARAMETERS);
    assert.equal(answersOf(read), answersOf(fresh));
    assert.equal(answersOf(live), answersOf(fresh));

    const late = live.freeze();
    await late.measure();
    live.close();
    const error = await late.write(PARAMETERS, { crc32, write: () => Promise.resolve() }).catch((e: unknown) => e);
    assert.is((error as RetrievalError).code, 'storage-failed');
  });

test('knows when it had better be read anew', () => {
  const generation = new Generation(builds.release, { vectorDims: DIMS, vectors: 'f32' });
  for (let round = 0; round < 3000; round++) {
    const { id, tokens, vector } = put(round % 3);
    generation.put(id, tokens, vector);
    if (round === 100) assert.is(generation.wasteful, false);
  }
  assert.is(generation.wasteful, true);
  assert.is(generation.count, 3);
});

test.run();
