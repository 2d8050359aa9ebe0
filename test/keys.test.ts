import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { concat, fromHex, toHex, utf8 } from '../src/base/bytes.ts';
import {
  KEY_LABELS,
  LibraryKeys,
  deriveKey,
  expandKey,
  imageId,
  newLibraryKey,
  rotateLibraryKey,
  type KeyLabel,
} from '../src/crypto/keys.ts';
import { LogisticStream } from '../src/crypto/logistic-stream.ts';
import { Tokens } from '../src/crypto/token.ts';
import { hkdf, keyVectors, type KeyVectors } from './reference/keys.ts';
import { NOT_BYTES, builds } from './support.ts';

const test = suite('keys');
const vectors = JSON.parse(
  await readFile(new URL('../../test/vectors/keys.json', import.meta.url), 'utf8'),
) as KeyVectors;
const hex = (text: string): Uint8Array<ArrayBuffer> => fromHex(text)!;

test('known answers: RFC 5869, test cases 1 and 3', () => {
  const one = extract(sha256, new Uint8Array(22).fill(0x0b), hex('000102030405060708090a0b0c'));
  assert.is(toHex(one), '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5');
  assert.is(
    toHex(expand(sha256, one, hex('f0f1f2f3f4f5f6f7f8f9'), 42)),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
  const three = extract(sha256, new Uint8Array(22).fill(0x0b));
  assert.is(
    toHex(expand(sha256, three, undefined, 42)),
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
});

test('known answers: RFC 4231, test case 2, as a token', () => {
  // HMAC pads keys with zeros, so the 4-byte key of the vector may be given as 32 bytes.
  const tokens = new Tokens(concat(utf8('Jefe'), new Uint8Array(28)));
  assert.is(tokens.of(utf8('what do ya want for nothing?')), 0x4e7560bf46c1dc5bn);
  assert.is(tokens.of(utf8('what do ya want for nothing?')), 0x4e7560bf46c1dc5bn, 'the state is not used up');
});

test('the vectors are what node:crypto computes', () => {
  assert.equal(JSON.parse(JSON.stringify(keyVectors())), vectors);
});

test('every derived key, id and token equals its vector', () => {
  const keys = new LibraryKeys(hex(vectors.libraryKey));
  assert.equal(Object.keys(vectors.keys), [...KEY_LABELS]);
  for (const label of KEY_LABELS) assert.is(toHex(keys.get(label)), vectors.keys[label]);
  assert.is(toHex(keys.name), vectors.keyName);
  const hash = createHash('sha256').update(vectors.file).digest();
  assert.is(toHex(keys.imageId(hash)), vectors.imageId);
  assert.is(toHex(imageId(keys.get('id'), hash)), vectors.imageId);
  assert.is(String(new Tokens(keys.get('token/lsh')).of(utf8(vectors.tokenInput))), vectors.token);
  assert.is(toHex(expandKey(hex(vectors.imageKey), 'image/aead')), vectors.imageAead);
  assert.is(toHex(expandKey(hex(vectors.imageKey), 'image/logistic')), vectors.imageLogistic);
});

for (const [build, module] of Object.entries(builds))
  test(`the logistic stream equals its vectors (${build})`, () => {
    const stream = new LogisticStream(module);
    const key = hex(vectors.imageLogistic);
    assert.is(toHex(stream.xor(key, new Uint8Array(32))), vectors.logisticStart);
    assert.is(toHex(stream.xor(key, new Uint8Array(32), 65536 * 3 - 16)), vectors.logisticEdge);
  });

test('derivation equals the definition', () => {
  const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(secret, fc.string({ maxLength: 40 }), (key, label) => {
      assert.is(toHex(deriveKey(key, label)), toHex(hkdf(key, `blindsight/1/${label}`)));
    }),
    { seed: 42 },
  );
});

test('new keys differ, and no two labels share a key', () => {
  assert.not.equal(newLibraryKey(), newLibraryKey());
  const keys = new LibraryKeys(newLibraryKey());
  assert.is(new Set(KEY_LABELS.map((label) => toHex(keys.get(label)))).size, KEY_LABELS.length);
});

test('a rotated key keeps key id, and nothing else', () => {
  const libraryKey = newLibraryKey();
  const keys = new LibraryKeys(libraryKey);
  const rotated = new LibraryKeys(rotateLibraryKey(libraryKey));
  assert.equal(
    KEY_LABELS.filter((label) => toHex(keys.get(label)) === toHex(rotated.get(label))),
    ['id'],
  );
  assert.not.equal(toHex(keys.name), toHex(rotated.name));
  assert.equal(rotated.imageId(new Uint8Array(32)), keys.imageId(new Uint8Array(32)));
});

test('wiped keys are zeros and are refused', () => {
  const keys = new LibraryKeys(newLibraryKey());
  const view = keys.get('knn');
  keys.wipe();
  assert.equal([...view], new Array(32).fill(0));
  assert.throws(
    () => keys.get('knn'),
    (error: unknown) => error instanceof RangeError,
  );
});

test('rejects what it cannot use', () => {
  for (const bad of NOT_BYTES) {
    assert.throws(
      () => new LibraryKeys(bad as Uint8Array),
      (error: unknown) => error instanceof TypeError,
    );
    assert.throws(
      () => new Tokens(bad as Uint8Array),
      (error: unknown) => error instanceof TypeError,
    );
  }
  for (const length of [0, 31, 32, 33]) {
    assert.throws(() => new LibraryKeys(new Uint8Array(length)), /"libraryKey" expected 64 bytes/);
    assert.throws(() => rotateLibraryKey(new Uint8Array(length)), /"libraryKey" expected 64 bytes/);
    if (length !== 32)
      assert.throws(
        () => new LibraryKeys(newLibraryKey()).imageId(new Uint8Array(length)),
        /"contentHash" expected 32/,
      );
  }
  assert.throws(() => new LibraryKeys(newLibraryKey()).get('other' as KeyLabel), /"label" expected one of/);
});

test.run();
