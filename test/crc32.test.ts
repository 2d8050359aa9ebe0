import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32 } from '../src/base/crc32.ts';
import { utf8 } from '../src/base/bytes.ts';
import { crc32Bitwise } from './reference/crc32.ts';
import { bytes } from './support.ts';

const test = suite('crc32');

// The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
test('known answers', () => {
  assert.equal(crc32(utf8('123456789')), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test('equals the definition at every length of the tail', () => {
  for (let length = 0; length < 40; length++) {
    const data = bytes(length, length);
    assert.equal(crc32(data), crc32Bitwise(data), `${length} bytes`);
  }
});

test('goes on from an earlier checksum', () => {
  const data = bytes(100, 1);
  for (const cut of [0, 1, 8, 50, 100])
    assert.equal(crc32(data.subarray(cut), crc32(data.subarray(0, cut))), crc32(data));
});

test.run();
