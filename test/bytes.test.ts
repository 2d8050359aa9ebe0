import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteReader, ByteWriter } from '../src/base/bytes.ts';
import { bytes } from './support.ts';

const test = suite('bytes');

test('what is written is read back, wherever the buffer grows', () => {
  // The first buffer has 256 bytes: every field is made to cross its end.
  for (let before = 240; before <= 257; before++) {
    const head = bytes(before, before);
    const text = '\ufeffnaïve 猫';
    const writer = new ByteWriter()
      .raw(head)
      .u8(7)
      .u16(65534)
      .u32(2 ** 32 - 2)
      .u64(2 ** 53 - 1)
      .f32(0.5)
      .f64(0.1);
    const written = writer.text(text).block(bytes(600, 1)).finish();
    const reader = new ByteReader(written, 'corrupt-message');
    assert.equal(reader.raw(before), head);
    assert.equal([reader.u8(), reader.u16(), reader.u32(), reader.u64()], [7, 65534, 2 ** 32 - 2, 2 ** 53 - 1]);
    assert.equal([reader.f32(), reader.f64(), reader.text(99)], [0.5, 0.1, text]);
    assert.equal(reader.block(600), bytes(600, 1));
    reader.end();
  }
});

test('each field alone, across the end', () => {
  for (let before = 248; before <= 256; before++) {
    const fields: ((writer: ByteWriter) => ByteWriter)[] = [
      (writer) => writer.u8(0xab),
      (writer) => writer.u16(0xabab),
      (writer) => writer.u32(0xabababab),
      (writer) => writer.u64(0xab),
      (writer) => writer.raw(Uint8Array.of(0xab)),
    ];
    for (const field of fields)
      assert.is(field(new ByteWriter().raw(new Uint8Array(before))).finish()[before], 0xab, `after ${before}`);
  }
});

test.run();
