import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { RetrievalError } from '../src/base/errors.ts';
import { decodeRecord, encodeRecord, openRecord, sealRecord, type ImageRecord } from '../src/crypto/record.ts';
import { bytes } from './support.ts';

const test = suite('record');
const key = bytes(32, 1);
const id = bytes(16, 2);
const full: ImageRecord = {
  indexed: true,
  fingerprint: bytes(32, 3),
  code: bytes(104, 4),
  name: 'naïve 猫.jpg',
  path: 'summer/naïve 猫.jpg',
  fileBytes: 2 ** 40 + 1,
  type: 'jpeg',
  width: 4000,
  height: 3000,
  addedAt: 1_700_000_000_123,
  modifiedAt: 1_600_000_000_456,
  imageVersion: 1,
};
const bare: ImageRecord = {
  indexed: false,
  fingerprint: new Uint8Array(32),
  code: new Uint8Array(0),
  name: 'x',
  fileBytes: 0,
  type: '',
  width: 0,
  height: 0,
  addedAt: 0,
  modifiedAt: 0,
  imageVersion: 0,
};

test('known answer', () => {
  const expected = [...'BSRC'].map((c) => c.charCodeAt(0));
  expected.push(0, 0, 0, 0, ...new Array(32).fill(0), 0, 0, 0, 0, 1, 0, 0, 0, 0x78);
  expected.push(...new Array(8 + 4 + 4 + 4 + 8 + 8).fill(0));
  assert.equal([...encodeRecord(bare)], expected);
});

test('round trip', () => {
  for (const record of [full, bare]) {
    assert.equal(decodeRecord(encodeRecord(record)), record);
    assert.equal(openRecord(key, id, sealRecord(key, id, record)), record);
  }
});

test('names of nearby lengths have sealed records of one length', () => {
  const of = (name: string): number => sealRecord(key, id, { ...full, name }).length;
  const lengths = new Set(Array.from({ length: 100 }, (_, i) => of('n'.repeat(i + 1))));
  assert.ok(lengths.size <= 12, `${lengths.size} lengths`);
});

test('every truncation is refused', () => {
  const encoded = encodeRecord(full);
  for (let end = 0; end < encoded.length; end++)
    assert.throws(
      () => decodeRecord(encoded.subarray(0, end)),
      (e: unknown) => e instanceof RetrievalError,
    );
});

test('every flipped bit of a sealed record is refused', () => {
  const sealed = sealRecord(key, id, bare);
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const damaged = sealed.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(
      () => openRecord(key, id, damaged),
      (e: unknown) => (e as RetrievalError).code === 'decrypt-failed',
    );
  }
  assert.throws(
    () => openRecord(key, bytes(16, 3), sealed),
    (e: unknown) => (e as RetrievalError).code === 'decrypt-failed',
  );
});

test('no bytes make it fail in any other way', () => {
  const encoded = encodeRecord(full);
  const edit = fc.record({ at: fc.nat(encoded.length - 1), value: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), fc.nat(encoded.length), (edits, end) => {
      const damaged = encoded.slice(0, end);
      for (const { at, value } of edits) if (at < end) damaged[at] = value;
      try {
        decodeRecord(damaged);
      } catch (error) {
        if (!(error instanceof RetrievalError)) throw error;
      }
    }),
    { seed: 42, numRuns: 500 },
  );
  const newer = encoded.slice();
  newer[4] = 1;
  assert.throws(
    () => decodeRecord(newer),
    (e: unknown) => (e as RetrievalError).code === 'unsupported-version',
  );
});

test('rejects what it cannot use', () => {
  const bad: Partial<Record<keyof ImageRecord, unknown>>[] = [
    { name: '' }, { name: 'n'.repeat(4097) }, { name: 7 }, { path: 'p'.repeat(16385) }, { fileBytes: -1 },
    { fileBytes: 1.5 }, { width: 2 ** 32 }, { code: new Uint8Array(0) }, { code: new Uint8Array(136) },
    { fingerprint: new Uint8Array(31) }, { indexed: false }, { addedAt: NaN },
  ]; // prettier-ignore
  for (const change of bad)
    assert.throws(
      () => encodeRecord({ ...full, ...change } as ImageRecord),
      (e: unknown) => e instanceof RangeError || e instanceof TypeError,
      JSON.stringify(change),
    );
});

test.run();
