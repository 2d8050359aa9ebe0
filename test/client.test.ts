/** Client and server together: what the encrypted search answers is what the plaintext codes say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { addImages } from '../src/client/add-images.ts';
import { indexFingerprint, type IndexParameters, type Prefilter } from '../src/client/index-parameters.ts';
import { reindex } from '../src/client/reindex.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { FEATURES } from '../src/codes/block.ts';
import { broaden } from '../src/codes/copy-evidence.ts';
import { Encoder } from '../src/codes/encoder.ts';
import { createVocabulary } from '../src/codes/vocabulary-format.ts';
import { decodeRequest, decodeResponse, encodeResponse, type InfoResponse } from '../src/protocol/messages.ts';
import { describe, makeLibrary } from './small-library.ts';
import { smallContent, smallVocabulary } from './vocabulary-support.ts';
import { NOT_BYTES, bytes, kernels } from './support.ts';

const test = suite('client');

test('without noise, a full scan ranks as the definition does', async () => {
  const { client, files, ids, close } = await makeLibrary(40, 3, {
    ranking: 'server',
    prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 },
    noise: 0,
    split: 1,
  });
  const encoder = new Encoder(kernels, client.vocabulary);
  const codes = await Promise.all(files.map(async (file) => encoder.encode((await describe(file)).descriptors).code));
  for (const file of [...files.slice(0, 5), bytes(64, 99)]) {
    const query = await client.query(file);
    // The definition: sum over features of weight times mean agreement with the query scaled to norm sqrt(n).
    const scores = codes.map((code) => {
      let at = 0;
      let sum = 0;
      for (const feature of FEATURES) {
        const v = query.projections[feature];
        const norm = Math.sqrt(v.reduce((total, x) => total + x * x, 0));
        for (const x of v) {
          const bit = (code[at >> 3]! >> (at & 7)) & 1 ? 1 : -1;
          sum += (query.weights[feature] * x * bit) / (norm * Math.sqrt(v.length));
          at++;
        }
      }
      return sum;
    });
    const { matches } = await client.search(query, { k: 40, scan: true });
    const best = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
    assert.equal(
      matches.map(({ score }) => score.toFixed(4)),
      best.map((i) => scores[i]!.toFixed(4)),
    );
    assert.is(matches[0]!.id, toHex(ids[best[0]!]!));
    const ranked = await client.rank(query, { k: 40, scan: true });
    for (const [place, id] of ranked.ids.entries()) {
      const i = ids.findIndex((other) => toHex(other) === toHex(id));
      assert.ok(Math.abs(scores[i]! - scores[best[place]!]!) < 1e-4, `place ${place}`);
    }
  }
  await close();
});

test('the prefilter finds an image by itself, and ranks no more than a scan', async () => {
  const { client, files, ids, close } = await makeLibrary(40, 4);
  for (const [i, file] of files.entries()) {
    const result = await client.search(await client.query(file), { k: 1, probes: 2 });
    assert.is(result.matches[0]!.id, toHex(ids[i]!));
    assert.ok(result.candidates <= result.records);
    assert.is(result.records, 40);
  }
  await close();
});

test('a short answer is drawn by more even weights and ordered by the own ones; a long one by the own ones alone', async () => {
  const { client, files, close } = await makeLibrary(3, 6);
  const query = await client.query(files[0]!);
  const rank = client.rank.bind(client);
  const seen: unknown[] = [];
  client.rank = (asked, options) => {
    seen.push(asked.weights);
    return rank(asked, options);
  };
  const { matches, weights } = await client.search(query, { k: 3, scan: true });
  await client.search(query, { k: 65, scan: true });
  assert.equal(seen, [broaden(query.weights), query.weights]);
  assert.not.equal(seen[0], query.weights);
  assert.equal(weights, query.weights);
  for (const { features, score } of matches)
    assert.is(
      FEATURES.reduce((sum, feature) => sum + features[feature], 0),
      score,
    );
  await close();
});

test('two searches for one picture send different vectors', async () => {
  const { client, files, setMangle, close } = await makeLibrary(3, 5);
  const seen: string[] = [];
  setMangle((request, response) => {
    seen.push(toHex(request));
    return response;
  });
  const query = await client.query(files[0]!);
  await client.rank(query);
  await client.rank(query);
  assert.is(seen.length, 2);
  assert.is.not(seen[0], seen[1]);
  await close();
});

test('names, paths and files never cross the wire in the clear', async () => {
  const { client, setMangle, close } = await makeLibrary(2, 6);
  const sent: Uint8Array[] = [];
  setMangle((request, response) => {
    sent.push(request, response);
    return response;
  });
  const file = new TextEncoder().encode('0000 the secret content of a file, long enough to be found');
  await client.put([
    await client.prepare(file, { name: 'holiday-in-secret.jpg', path: 'private/holiday-in-secret.jpg' }),
  ]);
  await client.search(await client.query(file));
  await client.open(await client.identify(file));
  const wire = sent.map((message) => Buffer.from(message).toString('latin1')).join('\n');
  for (const word of ['holiday', 'private', 'secret', 'content of']) assert.not.ok(wire.includes(word), word);
  const record = await client.record(await client.identify(file));
  assert.is(record.path, 'private/holiday-in-secret.jpg');
  await close();
});

test('add: a batch of good and bad files, twice the same bytes, and a stop', async () => {
  const { client, files, close } = await makeLibrary(4, 7);
  const source = (name: string, read: () => Promise<Uint8Array>) => ({ name, read });
  const sources = [
    source('known', async () => files[0]!),
    source('new', async () => bytes(90, 500)),
    source('twin', async () => bytes(90, 500)),
    source('empty', async () => new Uint8Array(0)),
    source('broken', () => Promise.reject(new RetrievalError('unreadable-file', 'no'))),
  ];
  const outcomes = new Map<string, string>();
  for await (const outcome of addImages(client, sources)) outcomes.set(outcome.source.name, outcome.status);
  // Which of two equal files is hashed first is chance.
  assert.equal([outcomes.get('new'), outcomes.get('twin')].sort(), ['added', 'known']);
  assert.equal(
    ['known', 'empty', 'broken'].map((name) => outcomes.get(name)),
    ['known', 'failed', 'failed'],
  );
  assert.is(outcomes.size, 5);
  const stop = new AbortController();
  const many = Array.from({ length: 50 }, (_, i) => source(String(i), async () => bytes(50, 600 + i)));
  let added = 0;
  try {
    for await (const { status } of addImages(client, many, { signal: stop.signal })) {
      if (status === 'added') added++;
      stop.abort();
    }
    assert.unreachable('it went on');
  } catch (error) {
    assert.is((error as RetrievalError).code, 'cancelled');
  }
  assert.ok(added < 50);
  await close();
});

test('equal bytes under two names share one fate: known only when the first is stored', async () => {
  const { client, setMangle, close } = await makeLibrary(1, 20);
  let stored = false;
  setMangle((request, response) => {
    if (decodeRequest(request).kind === 'put') stored = true;
    return response;
  });
  const twice = ['first', 'second', 'third'].map((name) => ({ name, read: async () => bytes(90, 501) }));
  const seen: string[] = [];
  for await (const { source, status } of addImages(client, twice)) {
    assert.ok(stored, `${source.name} is ${status}, and nothing was stored`);
    seen.push(status);
  }
  assert.equal(seen.sort(), ['added', 'known', 'known']);
  setMangle((request, response) =>
    decodeRequest(request).kind === 'put'
      ? encodeResponse({ kind: 'error', code: 'storage-full', message: 'no space is left' })
      : response,
  );
  const lost = ['first', 'second'].map((name) => ({ name, read: async () => bytes(90, 502) }));
  await rejects(async () => {
    for await (const { status } of addImages(client, lost)) assert.unreachable(status);
  }, RetrievalError);
  setMangle(undefined);
  await close();
});

test('equal bytes that cannot be decoded fail under every name', async () => {
  const { other, close } = await makeLibrary(1, 21);
  const blind = other(
    { ranking: 'server', prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 }, noise: 1, split: 1 },
    () => Promise.reject(new RetrievalError('corrupt-image', 'it is cut short')),
  );
  const sources = ['a', 'b', 'c'].map((name) => ({ name, read: async () => bytes(90, 503) }));
  const failed: string[] = [];
  for await (const { source, status } of addImages(blind, sources)) if (status === 'failed') failed.push(source.name);
  assert.equal(failed.sort(), ['a', 'b', 'c']);
  blind.close();
  await close();
});

test('whoever stops listening to an add can close at once', async () => {
  const { client, setMangle, close } = await makeLibrary(1, 22);
  let under = 0;
  setMangle(async (_, response) => {
    under++;
    await new Promise((resolve) => setTimeout(resolve, 5));
    under--;
    return response;
  });
  const many = Array.from({ length: 60 }, (_, i) => ({ name: String(i), read: async () => bytes(50, 800 + i) }));
  for await (const outcome of addImages(client, many)) if (outcome.status === 'added') break;
  assert.is(under, 0, 'requests under way');
  setMangle(undefined);
  await close();
});

test('a damaged index stops an add: it is no fault of the file', async () => {
  const { client, setMangle, close } = await makeLibrary(1, 23);
  for (const code of ['corrupt-index', 'server-failed', 'storage-failed'] as const) {
    setMangle(() => encodeResponse({ kind: 'error', code, message: 'no' }));
    await rejects(async () => {
      for await (const { status } of addImages(client, [{ name: 'a', read: async () => bytes(50, 1) }]))
        assert.unreachable(status);
    }, RetrievalError);
  }
  setMangle(undefined);
  await close();
});

// Another vocabulary: images are encoded anew.
const WORDS = smallVocabulary({ ehd: 24, bow: 16, deep: 24 });
const NEXT: IndexParameters = {
  ranking: 'server',
  prefilter: { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 },
  noise: 2,
  split: 1,
};

test('reindex: the old index serves until the new one is whole, and a stopped one goes on', async () => {
  const { client, other, ids, files, close } = await makeLibrary(6, 24);
  const addedAt = (await client.record(ids[0]!)).addedAt;
  const next = other(NEXT, describe, WORDS);
  const stop = new AbortController();
  await rejects(async () => {
    for await (const outcome of reindex(client, next, stop.signal)) if (outcome.status === 'done') stop.abort();
  }, RetrievalError);
  assert.is((await client.search(await client.query(files[2]!), { k: 1 })).matches[0]!.id, toHex(ids[2]!));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const seen: string[] = [];
  for await (const { status } of reindex(client, next)) seen.push(status);
  assert.equal(seen.sort(), ['done', 'done', 'done', 'done', 'done', 'kept']);
  for (const [i, file] of files.entries())
    assert.is((await next.search(await next.query(file), { k: 1 })).matches[0]!.id, toHex(ids[i]!));
  assert.is((await next.record(ids[0]!)).addedAt, addedAt);
  await rejects(() => client.record(ids[0]!), RetrievalError);
  next.close();
  await close();
});

test('reindex: an image that no decoder reads is kept; any other trouble never costs an image its place', async () => {
  const { client, other, ids, files, close } = await makeLibrary(4, 25);
  // The model is gone in the middle.
  let left = 2;
  const broken = other(
    NEXT,
    (file) => (left-- > 0 ? describe(file) : Promise.reject(new RetrievalError('model-unavailable', 'no'))),
    WORDS,
  );
  await rejects(async () => {
    for await (const { status } of reindex(client, broken)) assert.is(status, 'done');
  }, RetrievalError);
  // Something unforeseen.
  const odd = other(NEXT, () => Promise.reject(new Error('out of memory')), WORDS);
  const statuses: string[] = [];
  await rejects(async () => {
    for await (const { status } of reindex(client, odd)) statuses.push(status);
  }, RetrievalError);
  assert.equal(statuses.sort(), ['failed', 'failed', 'kept', 'kept']);
  for (const [i, file] of files.entries())
    assert.is((await client.search(await client.query(file), { k: 1 })).matches[0]!.id, toHex(ids[i]!));
  // One file whose format lost its decoder.
  const blind = other(NEXT, () => Promise.reject(new RetrievalError('unsupported-format', 'no decoder')), WORDS);
  const last: string[] = [];
  for await (const { status } of reindex(client, blind)) last.push(status);
  assert.equal(last.sort(), ['kept', 'kept', 'unindexed', 'unindexed']);
  for (const [i, id] of ids.entries()) assert.equal(await blind.open(id), files[i]);
  for (const each of [broken, odd, blind]) each.close();
  await close();
});

test('verify counts: images, records and bytes must be as many as the library says', async () => {
  const { client, setMangle, close } = await makeLibrary(3, 26);
  assert.equal(await verifyLibrary(client), { images: 3, records: 3, faults: [] });
  for (const [what, alter] of [
    ['images', (info: InfoResponse) => ({ ...info, images: 4 })],
    ['blobBytes', (info: InfoResponse) => ({ ...info, blobBytes: info.blobBytes - 1 })],
    [
      'records',
      (info: InfoResponse) => ({ ...info, generations: info.generations.map((each) => ({ ...each, records: 2 })) }),
    ],
  ] as const) {
    setMangle((_, response) => {
      const decoded = decodeResponse(response);
      return decoded.kind === 'info' ? encodeResponse(alter(decoded)) : response;
    });
    const { faults } = await verifyLibrary(client);
    assert.equal(
      faults.map(({ id, code, message }) => [id, code, message.split(':')[0]]),
      [['', 'corrupt-index', what]],
    );
  }
  setMangle(undefined);
  await close();
});

test('a failure of the server stops an add', async () => {
  const { client, setMangle, close } = await makeLibrary(1, 8);
  setMangle((request, response) =>
    decodeRequest(request).kind === 'put'
      ? encodeResponse({ kind: 'error', code: 'storage-full', message: 'no space is left' })
      : response,
  );
  const many = Array.from({ length: 40 }, (_, i) => ({ name: String(i), read: async () => bytes(50, 700 + i) }));
  try {
    for await (const outcome of addImages(client, many)) assert.is.not(outcome.status, 'added');
    assert.unreachable('it went on');
  } catch (error) {
    assert.is((error as RetrievalError).code, 'storage-full');
  }
  await close();
});

test('index fingerprints tell every parameter apart, but for the probes of a query', () => {
  const lsh = { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 } as const;
  const base: IndexParameters = { ranking: 'server', prefilter: lsh, noise: 1, split: 1 };
  const all = [
    indexFingerprint(bytes(32, 1), base),
    indexFingerprint(bytes(32, 2), base),
    ...[
      { ranking: 'split' as const },
      { noise: 7 },
      { split: 7 },
      { vectors: 'int8' as const },
      { prefilter: { ...lsh, tables: 7 } },
      { prefilter: { ...lsh, sampledBits: 7 } },
      { prefilter: { family: 'centroids', assigned: 4, probes: 32 } as const },
      { prefilter: { family: 'centroids', assigned: 5, probes: 32 } as const },
    ].map((change) => indexFingerprint(bytes(32, 1), { ...base, ...change })),
  ].map(toHex);
  assert.is(new Set(all).size, all.length);
  assert.is(toHex(indexFingerprint(bytes(32, 1), { ...base, prefilter: { ...lsh, probes: 7 } })), all[0]);
  // Libraries made before there were other vectors keep their name.
  assert.is(toHex(indexFingerprint(bytes(32, 1), { ...base, vectors: 'f32' })), all[0]);
  const unknown = 'f16' as 'int8';
  assert.throws(() => indexFingerprint(bytes(32, 1), { ...base, vectors: unknown }), /"vectors" expected f32, int8/);
});

test('a prefilter that is none, or that the vocabulary has no buckets for, is refused', async () => {
  for (const prefilter of [
    undefined,
    { family: 'other', probes: 1 },
    { family: 'lsh', tables: 0, sampledBits: 6, probes: 1 },
    { family: 'lsh', tables: 4, sampledBits: 49, probes: 1 },
    { family: 'lsh', tables: 4, sampledBits: 6, probes: 0 },
    { family: 'centroids', assigned: 0, probes: 1 },
    { family: 'centroids', assigned: 1, probes: 5000 },
  ])
    assert.throws(
      () =>
        indexFingerprint(bytes(32, 1), { ranking: 'server', prefilter: prefilter as Prefilter, noise: 1, split: 1 }),
      (error: unknown) => error instanceof RangeError || error instanceof TypeError,
    );
  const { other, close } = await makeLibrary(1, 10);
  const without = createVocabulary({ ...smallContent(), centroids: new Float32Array(0) });
  const prefilter: Prefilter = { family: 'centroids', assigned: 2, probes: 1 };
  for (const ranking of ['server', 'split'] as const)
    assert.throws(
      () => other({ ranking, prefilter, noise: 1, split: 1 }, undefined, without),
      (error: unknown) => (error as RetrievalError).code === 'parameter-mismatch',
    );
  other({ ranking: 'client', prefilter, noise: 1, split: 1 }, undefined, without).close();
  await close();
});

test('rejects what it cannot use', async () => {
  const { client, ids, close } = await makeLibrary(1, 9);
  const query = await client.queryStored(ids[0]!);
  for (const k of [0, -1, 1.5, NaN, 10_001]) await rejects(() => client.search(query, { k }), RangeError);
  for (const probes of [0, 5000]) await rejects(() => client.search(query, { probes }), RangeError);
  for (const bad of NOT_BYTES) await rejects(() => client.open(bad as Uint8Array), TypeError);
  await rejects(() => client.open(new Uint8Array(15)), RangeError);
  await rejects(() => client.open(new Uint8Array(16)), RetrievalError);
  for (const noise of [-1, NaN, 2000])
    assert.throws(
      () =>
        indexFingerprint(bytes(32, 1), {
          ranking: 'server',
          prefilter: { family: 'lsh', tables: 1, sampledBits: 1, probes: 1 },
          noise,
          split: 1,
        }),
      (error: unknown) => error instanceof RangeError,
    );
  await close();
});

async function rejects(work: () => Promise<unknown>, kind: new (...args: never[]) => Error): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, kind);
    return;
  }
  assert.unreachable('it was accepted');
}

test.run();
