import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { RetrievalError } from '../src/base/errors.ts';
import { createVocabulary, decodeVocabulary, encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { NOT_BYTES, bytes } from './support.ts';
import { smallContent, smallVocabulary } from './vocabulary-support.ts';

const test = suite('vocabulary');
const content = smallContent();
const file = encodeVocabulary(content);

/** `file` with a change and a checksum that fits it: what a reader must refuse on its own. */
function forged(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const out = file.slice();
  change(out, new DataView(out.buffer));
  const body = out.subarray(0, out.length - 32);
  out.set(createHash('sha256').update(body).digest(), out.length - 32);
  return out;
}

function code(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof RetrievalError) return error.code;
    throw error;
  }
  return undefined;
}

/** Where section `i` starts, from the table. */
function section(i: number): number {
  return new DataView(file.buffer).getUint32(8 + 12 * i + 4, true);
}

test('known bytes', () => {
  assert.equal([...file.subarray(0, 8)], [0x42, 0x53, 0x56, 0x4f, 0, 0, 8, 0]);
  assert.equal(new TextDecoder().decode(file.subarray(8, 12)), 'meta');
  assert.equal(section(0), 104);
  // Hash by Node, not by the library that wrote it.
  const expected = createHash('sha256').update(file.subarray(0, -32)).digest();
  assert.equal([...decodeVocabulary(file).fingerprint], [...expected]);
});

test('round trip', () => {
  const { fingerprint, bits, codeBytes, ...rest } = decodeVocabulary(file);
  assert.equal(rest, content);
  assert.is(bits, 64);
  assert.is(codeBytes, 8);
  assert.equal(encodeVocabulary(rest), file);
  assert.equal(createVocabulary(content).fingerprint, fingerprint);
});

test('a feature may be left out, and so may references, words and centroids', () => {
  const { codebook, idf, centroids, ...small } = smallContent({ ehd: 64, bow: 0, deep: 0 });
  const none = new Float32Array(0);
  const empty = new Uint16Array(0);
  const lean = {
    ...small,
    ...{ codebook: none, idf: none, centroids: none, deepMean: none },
    references: { count: 0, codes: new Uint8Array(0), ranks: empty, curves: { ehd: empty, bow: empty, deep: empty } },
  };
  const { fingerprint, bits, codeBytes, ...rest } = decodeVocabulary(encodeVocabulary(lean));
  assert.equal(rest, lean);
  assert.equal([fingerprint.length, bits, codeBytes], [32, 64, 8]);
  assert.is(codebook.length + idf.length + centroids.length > 0, true);
});

test('the fingerprint names the contents: any change changes it', () => {
  const base = createVocabulary(content).fingerprint;
  for (const other of [
    { ...content, origin: 'other' },
    { ...content, workingSide: 511 },
    { ...content, local: { ...content.local, kind: 'keypoint' as const } },
    { ...content, idf: content.idf.map((value) => value + 1) },
  ])
    assert.not.equal(createVocabulary(other).fingerprint, base);
});

test('copies, not views', () => {
  const bytes = file.slice();
  const vocabulary = decodeVocabulary(bytes);
  bytes.fill(0);
  assert.equal(encodeVocabulary(vocabulary), file);
});

test('every truncation and every longer file is refused', () => {
  for (let end = 0; end < file.length; end += end < 200 ? 1 : 97)
    assert.is(
      code(() => decodeVocabulary(file.subarray(0, end))),
      'corrupt-vocabulary',
    );
  assert.is(
    code(() => decodeVocabulary(Uint8Array.from([...file, 0]))),
    'corrupt-vocabulary',
  );
});

test('every flipped header bit is refused, and any other flipped bit', () => {
  for (let bit = 0; bit < 8 * file.length; bit += bit < 8 * 104 ? 1 : 409) {
    const damaged = file.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    // Bytes 4 and 5 are the version.
    const expected = bit >> 4 === 2 ? 'unsupported-version' : 'corrupt-vocabulary';
    assert.is(
      code(() => decodeVocabulary(damaged)),
      expected,
      `bit ${bit}`,
    );
  }
});

test('a checksum that fits does not excuse what does not', () => {
  const changes: ((bytes: Uint8Array, view: DataView) => void)[] = [
    (_, view) => view.setUint32(8 + 4, 105, true),
    (_, view) => view.setUint32(8 + 8, 0xfffffff0, true),
    (_, view) => view.setUint16(6, 7, true),
    (bytes) => (bytes[8] = 0x4d),
    (_, view) => view.setUint32(section(0), 0xffffffff, true), // length of origin
    (bytes) => (bytes[section(0) + 4] = 0xff), // not UTF-8
    (_, view) => view.setUint32(section(1), 0x7fffffff, true), // words
    (_, view) => view.setFloat32(section(1) + 4, NaN, true),
    (_, view) => view.setFloat32(section(1) + 4, Infinity, true),
    (_, view) => view.setUint16(section(2) + 4, 24, true), // bits of a block
    (_, view) => view.setUint16(section(2) + 4, 17, true),
    (bytes) => (bytes[section(2) + 6] = 2), // normalise
    (bytes) => (bytes[section(2) + 7] = 1),
    (_, view) => view.setFloat32(section(3) - 4, -1, true), // a deviation
    (_, view) => view.setUint32(section(5), 8, true), // references
    (_, view) => view.setUint16(section(5) + 8, 1, true), // the first rank
    (_, view) => view.setUint16(section(6) - 2, 25, true), // the last distance, above 24 bits
    (_, view) => view.setUint32(section(6), 3, true), // centroids
    (_, view) => view.setUint32(section(7), 11, true), // dims of the mean
  ];
  changes.forEach((change, i) =>
    assert.is(
      code(() => decodeVocabulary(forged(change))),
      'corrupt-vocabulary',
      `change ${i}`,
    ),
  );
  assert.is(
    code(() => decodeVocabulary(forged(() => undefined))),
    undefined,
  );
});

test('no bytes make it fail in any other way', () => {
  const property = fc.property(
    fc.integer({ min: 0, max: file.length - 33 }),
    fc.uint8Array({ minLength: 1, maxLength: 16 }),
    (at, patch) => {
      const known = ['corrupt-vocabulary', 'unsupported-version', undefined];
      const bytes = forged((out) => out.set(patch.subarray(0, out.length - 32 - at), at));
      assert.ok(known.includes(code(() => decodeVocabulary(bytes))));
      assert.ok(known.includes(code(() => decodeVocabulary(bytes.subarray(0, at)))));
    },
  );
  fc.assert(property, { seed: 42, numRuns: 500 });
});

test('rejects what it cannot use', () => {
  for (const bad of NOT_BYTES) assert.throws(() => decodeVocabulary(bad as Uint8Array), TypeError);
  assert.is(
    code(() => decodeVocabulary(bytes(500, 3))),
    'corrupt-vocabulary',
  );
  const refused = (change: object, message: RegExp) =>
    assert.throws(
      () => encodeVocabulary({ ...content, ...change }),
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  refused({ model: { ...content.model, sha256: 'xyz' } }, /"model.sha256" expected 64 hexadecimal digits/);
  refused({ idf: new Float32Array(5) }, /cannot be read back/);
  refused({ staticWeights: { ehd: 0.5, bow: 0.5, deep: 0.5 } }, /static weights of sum 1/);
  refused({ blocks: { ...content.blocks, ehd: { ...content.blocks.ehd, bits: 8 } } }, /cannot be read back/);
  assert.throws(() => smallVocabulary({ ehd: 8, bow: 8, deep: 8 }), /multiple of 64/);
});

test.run();
