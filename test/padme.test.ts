import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { pad, padmeLength, unpad } from '../src/crypto/padme.ts';
import { padme } from './reference/padme.ts';
import { bytes } from './support.ts';

const test = suite('padme');

test('known answers', () => {
  // Worked by hand from the algorithm of the PURBs paper, section 4.2; 9 -> 10 is its worst case, 11.1 %.
  const answers: [number, number][] = [
    [0, 0], [1, 1], [2, 2], [7, 7], [8, 8], [9, 10], [10, 10], [11, 12], [16, 16], [17, 18], [33, 36],
    [100, 104], [1000, 1024], [1024, 1024], [1025, 1088], [1_000_000, 1_015_808], [2 ** 40, 2 ** 40],
    [2 ** 40 + 1, 2 ** 40 + 2 ** 34],
  ]; // prettier-ignore
  for (const [length, padded] of answers) assert.is(padmeLength(length), padded, `${length}`);
});

test('equals the definition', () => {
  for (let length = 0; length < 5000; length++) assert.is(padmeLength(length), Number(padme(BigInt(length))));
  fc.assert(
    fc.property(fc.maxSafeInteger().map(Math.abs), (n) => {
      const length = Math.floor(n / 2);
      assert.is(padmeLength(length), Number(padme(BigInt(length))));
    }),
    { seed: 42 },
  );
});

test('costs at most 12 %, never shrinks, and padding twice adds nothing', () => {
  for (let length = 1; length < 100_000; length += 7) {
    const padded = padmeLength(length);
    assert.ok(padded >= length && padded <= 1.12 * length, `${length} -> ${padded}`);
    assert.is(padmeLength(padded), padded);
  }
});

test('round trip', () => {
  for (const length of [0, 1, 2, 55, 56, 57, 300, 5000]) {
    const plain = bytes(length, length);
    const padded = pad(plain);
    assert.is(padded.length, padmeLength(8 + length));
    assert.equal(new Uint8Array(unpad(padded)!), plain);
  }
});

test('refuses what it never makes', () => {
  const padded = pad(bytes(57, 1)); // 65 -> 72: seven zeros
  assert.is(padded.length, 72);
  for (let end = 0; end < padded.length; end++) assert.is(unpad(padded.subarray(0, end)), undefined, `${end} bytes`);
  for (const at of [0, 1, 7, 65, 71]) {
    const damaged = padded.slice();
    damaged[at]! ^= 0x80;
    assert.is(unpad(damaged), undefined, `byte ${at}`);
  }
});

test.run();
