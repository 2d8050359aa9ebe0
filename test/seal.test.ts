import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat, fromHex, utf8 } from '../src/base/bytes.ts';
import { SEAL_BYTES, WRAPPED_KEY_BYTES, open, openBytes, seal, unwrapKey, wrapKey } from '../src/crypto/seal.ts';
import { NOT_BYTES, bytes } from './support.ts';

const test = suite('seal');
const key = bytes(32, 1);
const id = bytes(16, 2);
const failed = (error: unknown): boolean => (error as { code?: string }).code === 'decrypt-failed';

test('known answers: draft-irtf-cfrg-xchacha-03, A.3.1', () => {
  const range = (from: number, count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => from + i);
  const sealed = fromHex(
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e' +
      'c0875924c1c7987947deafd8780acf49',
  )!;
  const opened = openBytes(range(0x80, 32), fromHex('50515253c0c1c2c3c4c5c6c7')!, concat(range(0x40, 24), sealed));
  assert.is(
    new TextDecoder().decode(opened),
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
});

test('round trip, with a fresh nonce every time', () => {
  for (const length of [0, 1, 64, 1000]) {
    const plain = bytes(length, length);
    const sealed = seal(key, 'record', id, plain);
    assert.is(sealed.length, length + SEAL_BYTES);
    assert.equal(new Uint8Array(open(key, 'record', id, sealed)), plain);
    assert.not.equal(seal(key, 'record', id, plain), sealed);
  }
});

test('wrapped keys', () => {
  const wrapped = wrapKey(key, id, bytes(32, 3));
  assert.is(wrapped.length, WRAPPED_KEY_BYTES);
  assert.is(WRAPPED_KEY_BYTES, 72);
  assert.equal(new Uint8Array(unwrapKey(key, id, wrapped)), bytes(32, 3));
  assert.throws(() => unwrapKey(key, bytes(16, 9), wrapped), failed);
  assert.throws(() => unwrapKey(key, id, seal(key, 'wrap', id, bytes(31, 3))), failed);
});

test('every truncation and every flipped bit is refused', () => {
  const sealed = seal(key, 'record', id, bytes(20, 4));
  for (let end = 0; end < sealed.length; end++)
    assert.throws(() => open(key, 'record', id, sealed.subarray(0, end)), failed);
  for (let bit = 0; bit < 8 * sealed.length; bit++) {
    const damaged = sealed.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => open(key, 'record', id, damaged), failed);
  }
  assert.throws(() => open(key, 'record', id, concat(sealed, Uint8Array.of(0))), failed);
});

test('another key, label or id is refused', () => {
  const sealed = seal(key, 'record', id, utf8('x'));
  assert.throws(() => open(bytes(32, 9), 'record', id, sealed), failed);
  assert.throws(() => open(key, 'recor', id, sealed), failed);
  assert.throws(() => open(key, 'record', bytes(16, 9), sealed), failed);
});

test('rejects what it cannot use', () => {
  for (const bad of NOT_BYTES) {
    const type = (error: unknown): boolean => error instanceof TypeError;
    assert.throws(() => seal(bad as Uint8Array, 'record', id, key), type);
    assert.throws(() => seal(key, 'record', bad as Uint8Array, key), type);
    assert.throws(() => seal(key, 'record', id, bad as Uint8Array), type);
    assert.throws(() => open(key, 'record', id, bad as Uint8Array), type);
  }
  assert.throws(() => seal(bytes(31, 1), 'record', id, key), /"key" expected 32 bytes, got 31/);
  assert.throws(() => seal(key, 'record', bytes(15, 1), key), /"id" expected 16 bytes, got 15/);
});

test.run();
