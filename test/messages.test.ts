import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RetrievalError } from '../src/base/errors.ts';
import { setScale } from '../src/base/stored-vector.ts';
import {
  MAX_HEADS,
  MAX_HEAD_BYTES,
  MAX_K,
  decodeAnswer,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  throwIfError,
  type Request,
  type Response,
} from '../src/protocol/messages.ts';
import { encodeEnvelope } from '../src/protocol/envelope.ts';
import { ByteWriter, concat } from '../src/base/bytes.ts';
import { crc32 } from '../src/base/crc32.ts';
import { bytes, floats } from './support.ts';

const HEADER_BYTES = 16;
const parameters = bytes(32, 1);
const ids = [bytes(16, 2), bytes(16, 3)];
const tokens = new BigUint64Array([1n, 2n ** 64n - 1n]);
const item = { id: ids[0]!, tokens, vector: floats(5, 4), sealed: bytes(9, 5), wrapped: bytes(72, 6) };

/** Five numbers and a scale of 1. */
const int8 = Int8Array.of(-128, 127, 0, 1, -1, 0, 0, -128, 63);

const root = { expected: bytes(137, 10), next: bytes(256, 11) };

const REQUESTS: Request[] = [
  { kind: 'info' },
  { kind: 'begin', parameters, ranking: 'server', vectorDims: 578, vectors: 'f32', state: 'pending' },
  { kind: 'begin', parameters, ranking: 'server', vectorDims: 578, vectors: 'int8', state: 'active' },
  { kind: 'activate', parameters, root: undefined },
  { kind: 'activate', parameters, root },
  { kind: 'discard', parameters },
  { kind: 'has', parameters, ids },
  {
    kind: 'put',
    parameters,
    items: [
      { ...item, blob: bytes(33, 7) },
      { ...item, vector: new Float32Array(0), blob: undefined },
      { ...item, vector: int8, blob: undefined },
    ],
    root: { ...root, expected: new Uint8Array(0) },
  },
  { kind: 'remove', ids, root: undefined },
  { kind: 'remove', ids, root },
  { kind: 'search', parameters, tokens, vector: floats(5, 8), k: 10, scan: true },
  { kind: 'records', parameters, ids },
  { kind: 'list', after: ids[1], limit: 5 },
  { kind: 'list', after: undefined, limit: 5 },
  { kind: 'blob', id: ids[0]!, offset: 2 ** 40, length: 7 },
  { kind: 'verify', after: undefined, limit: 100 },
  { kind: 'begin', parameters, ranking: 'client', vectorDims: 0, vectors: 'f32', state: 'active' },
  { kind: 'candidates', parameters, tokens, after: ids[0], limit: 7 },
  { kind: 'candidates', parameters, tokens: undefined, after: undefined, limit: 7 },
  { kind: 'sync', parameters, since: 2 ** 40, limit: 7 },
  { kind: 'keys', ids },
  { kind: 'salvage', parameters, id: ids[1]! },
  { kind: 'repair' },
  { kind: 'heads', ids, length: 16384 },
];

const RESPONSES: Response[] = [
  {
    kind: 'info',
    sequence: 2 ** 50,
    images: 3,
    blobBytes: 2 ** 41,
    generations: [{ parameters, state: 'active', ranking: 'server', records: 3, vectorDims: 578, vectors: 'int8' }],
    root: bytes(137, 12),
  },
  { kind: 'done' },
  { kind: 'has', flags: Uint8Array.of(0, 1, 3) },
  { kind: 'put', sequence: 9 },
  { kind: 'remove', removed: 2, sequence: 11 },
  { kind: 'search', ids, scores: floats(2, 9), candidates: 20, records: 100 },
  { kind: 'records', records: [undefined, { sealed: bytes(9, 1), tokenCount: 2, vectorDims: 0 }] },
  { kind: 'list', entries: [{ id: ids[0]!, blobBytes: 12, active: true, pending: false }] },
  { kind: 'keys', wrapped: [bytes(72, 1), undefined] },
  { kind: 'salvage', sealed: bytes(9, 1), wrapped: undefined, blob: bytes(10, 2) },
  { kind: 'salvage', sealed: undefined, wrapped: bytes(72, 1), blob: new Uint8Array(0) },
  { kind: 'repair', removed: 3 },
  {
    kind: 'heads',
    heads: [
      { wrapped: bytes(72, 1), bytes: bytes(10, 2) },
      undefined,
      { wrapped: new Uint8Array(0), bytes: new Uint8Array(0) },
    ],
  },
  { kind: 'blob', total: 2 ** 33, wrapped: bytes(72, 1), bytes: bytes(10, 2) },
  { kind: 'verify', images: 2, records: 3, damaged: [ids[0]!], orphanBlobs: [], orphanRecords: ids, next: ids[1] },
  {
    kind: 'candidates',
    begun: 1,
    sequence: 2 ** 41,
    entries: [{ id: ids[0]!, sealed: bytes(9, 1) }],
    candidates: 4,
    records: 5,
    next: ids[0],
  },
  {
    kind: 'sync',
    begun: 1,
    until: 2 ** 41,
    more: true,
    records: 5,
    root: bytes(137, 12),
    changes: [
      { id: ids[0]!, sealed: bytes(9, 1) },
      { id: ids[1]!, sealed: undefined },
    ],
  },
  { kind: 'sync', begun: 1, until: 7, more: false, records: 5, root: new Uint8Array(0), changes: undefined },
  { kind: 'error', code: 'unknown-id', message: 'there is no such image' },
];

const test = suite('messages');

// Written by hand from the table in envelope.ts; the checksum is that of Python's zlib.crc32.
test('known answer', () => {
  assert.equal(Buffer.from(encodeRequest({ kind: 'info' })).toString('hex'), '42534d470000000000000000fbb66697');
});

test('round trip', () => {
  for (const request of REQUESTS) assert.equal(decodeRequest(encodeRequest(request)), request, request.kind);
  for (const response of RESPONSES) assert.equal(decodeResponse(encodeResponse(response)), response, response.kind);
});

test('reads a Buffer at any offset as it reads bytes', () => {
  for (const request of REQUESTS) {
    const encoded = encodeRequest(request);
    const shifted = Buffer.alloc(encoded.length + 3);
    shifted.set(encoded, 3);
    assert.equal(decodeRequest(shifted.subarray(3)), request, request.kind);
  }
});

const CASES = [
  ...REQUESTS.map((request) => ({ name: request.kind, bytes: encodeRequest(request), decode: decodeRequest })),
  ...RESPONSES.map((response) => ({ name: response.kind, bytes: encodeResponse(response), decode: decodeResponse })),
];

/** Everything at first; of the padding of long messages, some. */
const step = (at: number): number => (at < 400 ? 1 : 61);

function refused(run: () => unknown, hint: string): void {
  try {
    run();
  } catch (error) {
    if (error instanceof RetrievalError) return;
    throw error;
  }
  assert.unreachable(hint);
}

/** Makes length and checksum of the header fit the bytes. */
function reseal(message: Uint8Array): Uint8Array {
  if (message.length < HEADER_BYTES) return message;
  const head = concat(message.subarray(0, 8), new ByteWriter().u32(message.length - HEADER_BYTES).finish());
  return concat(head, new ByteWriter().u32(crc32(head)).finish(), message.subarray(HEADER_BYTES));
}

test('every truncation and every addition is refused', () => {
  for (const { name, bytes: message, decode } of CASES) {
    for (let end = 0; end < message.length; end += step(end))
      refused(() => decode(message.subarray(0, end)), `${name} cut at ${end}`);
    refused(() => decode(Uint8Array.from([...message, 0])), `${name} with a byte more`);
  }
});

test('every flipped header bit is refused', () => {
  for (const { name, bytes: message, decode } of CASES)
    for (let bit = 0; bit < 8 * HEADER_BYTES; bit++) {
      const damaged = message.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      refused(() => decode(damaged), `${name} bit ${bit}`);
    }
});

test('a flipped bit of the body is refused or read, and nothing else', () => {
  for (const { bytes: message, decode } of CASES)
    for (let bit = 8 * HEADER_BYTES; bit < 8 * message.length; bit += step(bit / 8)) {
      const damaged = message.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      try {
        decode(damaged);
      } catch (error) {
        if (!(error instanceof RetrievalError)) throw error;
      }
    }
});

test('no bytes make it fail in any other way', () => {
  const any = fc.constantFrom(...CASES);
  fc.assert(
    fc.property(any, fc.nat({ max: 200 }), fc.uint8Array({ maxLength: 200 }), (chosen, keep, tail) => {
      const junk = Uint8Array.from([...chosen.bytes.subarray(0, keep), ...tail]);
      // With a right length in a right header, so that the body is reached.
      const fixed = reseal(junk);
      for (const message of [junk, fixed])
        try {
          chosen.decode(message);
        } catch (error) {
          if (!(error instanceof RetrievalError)) throw error;
        }
    }),
    { seed: 42, numRuns: 2000 },
  );
});

test('tells a newer version from damage, and a request from a response', () => {
  const newer = encodeRequest({ kind: 'info' });
  newer[4] = 7;
  assert.throws(
    () => decodeRequest(newer),
    (error: RetrievalError) => error.code === 'unsupported-version',
  );
  assert.throws(
    () => decodeResponse(encodeRequest({ kind: 'info' })),
    (error: RetrievalError) => error.code === 'corrupt-message',
  );
});

test('an error answer is thrown', () => {
  const answer = encodeResponse({ kind: 'error', code: 'storage-full', message: 'full' });
  assert.throws(
    () => decodeAnswer(answer, 'done'),
    (error: RetrievalError) => error.code === 'storage-full',
  );
  assert.throws(
    () => throwIfError(decodeResponse(answer)),
    (error: RetrievalError) => error.message === 'full',
  );
  const put = encodeResponse({ kind: 'put', sequence: 4 });
  assert.is(decodeAnswer(put, 'put').sequence, 4);
  assert.throws(
    () => decodeAnswer(put, 'done'),
    (error: RetrievalError) => error.code === 'corrupt-message',
  );
});

test('rejects what it cannot write', () => {
  const search = { kind: 'search', parameters, tokens, vector: floats(5, 8), k: 10, scan: true } as const;
  for (const k of [0, -1, 1.5, NaN, MAX_K + 1]) assert.throws(() => encodeRequest({ ...search, k }), /"k" expected/);
  assert.throws(() => encodeRequest({ ...search, parameters: bytes(31, 1) }), /"parameters" expected 32 bytes, got 31/);
  assert.throws(() => encodeRequest({ kind: 'remove', ids: [bytes(15, 1)] }), /"id" expected 16 bytes, got 15/);
  assert.throws(
    () => encodeRequest({ kind: 'put', parameters, items: [{ ...item, wrapped: bytes(129, 1) }] }),
    /wrapped/,
  );
  assert.throws(
    () => encodeRequest({ kind: 'put', parameters, items: [{ ...item, vector: new Int8Array(4) }] }),
    /"vector.length" expected integer 1/,
  );
  for (const length of [0, -1, 1.5, MAX_HEAD_BYTES + 1])
    assert.throws(() => encodeRequest({ kind: 'heads', ids, length }), /"length" expected/);
  const many = Array.from({ length: MAX_HEADS + 1 }, () => ids[0]!);
  assert.throws(() => encodeRequest({ kind: 'heads', ids: many, length: 1 }), /"ids.length" expected/);
  const long = { wrapped: bytes(72, 1), bytes: new Uint8Array(MAX_HEAD_BYTES + 1) };
  assert.throws(() => encodeResponse({ kind: 'heads', heads: [long] }), /"bytes.length" expected/);
  const begin = { kind: 'begin', parameters, ranking: 'split', vectorDims: 0, state: 'active' } as const;
  assert.throws(() => encodeRequest({ ...begin, vectors: 'int8' }), /"vectors" expected f32, got int8/);
  assert.throws(() => encodeRequest({ ...begin, vectors: 'f16' as 'f32' }), /"vectors" expected f32, got f16/);
  assert.throws(() => encodeRequest({ kind: 'nothing' } as unknown as Request), TypeError);
});

test('refuses more beginnings, and longer ones, than there may be', () => {
  const asked = encodeRequest({ kind: 'heads', ids, length: 16384 });
  const view = new DataView(asked.buffer);
  for (const length of [0, MAX_HEAD_BYTES + 1, 0xffffffff]) {
    view.setUint32(asked.length - 4, length, true);
    assert.throws(() => decodeRequest(asked), /expected an integer 1\.\.65536/);
  }
  const idsOf = (count: number): Uint8Array =>
    new ByteWriter()
      .u32(count)
      .raw(new Uint8Array(16 * count))
      .u32(1)
      .finish();
  const answersOf = (count: number): Uint8Array => new ByteWriter().u32(count).raw(new Uint8Array(count)).finish();
  const [request, response] = [17, 128 + 16];
  const most = decodeRequest(encodeEnvelope(request, idsOf(MAX_HEADS)));
  assert.ok(most.kind === 'heads' && most.ids.length === MAX_HEADS);
  assert.throws(() => decodeRequest(encodeEnvelope(request, idsOf(MAX_HEADS + 1))), /expected at most 256 items/);
  const none = decodeResponse(encodeEnvelope(response, answersOf(MAX_HEADS)));
  assert.ok(none.kind === 'heads' && none.heads.length === MAX_HEADS);
  assert.throws(() => decodeResponse(encodeEnvelope(response, answersOf(MAX_HEADS + 1))), /expected at most 256 items/);
});

test('refuses numbers that are none', () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const message = encodeRequest({
      kind: 'search',
      parameters,
      tokens,
      vector: Float32Array.of(bad),
      k: 1,
      scan: false,
    });
    assert.throws(() => decodeRequest(message), /expected finite numbers/);
    const vector = int8.slice();
    setScale(vector, bad);
    const put = encodeRequest({ kind: 'put', parameters, items: [{ ...item, vector }] });
    assert.throws(() => decodeRequest(put), /expected finite numbers/);
  }
});

test.run();
