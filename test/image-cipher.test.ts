import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../src/base/bytes.ts';
import { ImageCipher, MAX_THUMBNAIL_BYTES, newImageKey, sealedImageBytes } from '../src/crypto/image-cipher.ts';
import { hkdfExpand, logisticBytes } from './reference/keys.ts';
import { NOT_BYTES, builds, bytes, kernels } from './support.ts';

const test = suite('image-cipher');
const cipher = new ImageCipher(kernels);
const imageKey = bytes(32, 1);
const id = bytes(16, 2);
const CHUNK = 2 ** 20;
const SEALED = CHUNK + 16;

async function refused(
  blob: Uint8Array,
  message = '',
  key = imageKey,
  as = id,
  code = 'decrypt-failed',
): Promise<void> {
  const error = await cipher.open(key, as, blob).then(
    () => new Error('it was opened'),
    (reason: unknown) => reason as { code?: string },
  );
  assert.is((error as { code?: string }).code, code, `${message} ${String(error)}`);
}

/** The whole of SCHEME 5, by node:crypto and the slow stream. */
function openSlowly(key: Uint8Array, as: Uint8Array, blob: Uint8Array, version = 0): Buffer {
  const aead = hkdfExpand(key, 'blindsight/1/image/aead', 32);
  const parts: Buffer[] = [];
  for (let at = 8, chunk = 0; at < blob.length; at += SEALED, chunk++) {
    const sealed = blob.subarray(at, at + SEALED);
    const nonce = Buffer.alloc(12);
    nonce.writeBigUInt64LE(BigInt(chunk));
    nonce.writeUInt32LE(at + SEALED >= blob.length ? 1 : 0, 8);
    const gcm = createDecipheriv('aes-256-gcm', aead, nonce);
    gcm.setAAD(Buffer.concat([as, Buffer.of(version)]));
    gcm.setAuthTag(sealed.subarray(-16));
    parts.push(gcm.update(sealed.subarray(0, -16)), gcm.final());
  }
  const masked = Buffer.concat(parts);
  const stream = logisticBytes(hkdfExpand(key, 'blindsight/1/image/logistic', 32), 0, masked.length);
  const plaintext = masked.map((byte, i) => byte ^ stream[i]!);
  const length = Number(Buffer.from(plaintext.subarray(0, 8)).readBigUInt64LE());
  assert.ok(plaintext.subarray(8 + length).every((byte) => byte === 0));
  return Buffer.from(plaintext.subarray(8, 8 + length));
}

for (const [build, module] of Object.entries(builds))
  test(`equals the definition (${build})`, async () => {
    const own = new ImageCipher(module);
    for (const length of [0, 1, 55, 56, 57, 1000, 65528, 65529, CHUNK - 8, CHUNK - 7, CHUNK + 99]) {
      const file = bytes(length, length);
      const blob = await own.seal(imageKey, id, file);
      assert.is(blob.length, sealedImageBytes(length));
      assert.ok(openSlowly(imageKey, id, blob).equals(file), `${length} bytes`);
      assert.ok(Buffer.from(await own.open(imageKey, id, blob)).equals(file), `${length} bytes`);
    }
  });

test('takes Node buffers and views into larger arrays', async () => {
  const file = bytes(300, 1);
  const around = concat(bytes(5, 1), file, bytes(5, 2));
  const blob = await cipher.seal(Buffer.from(imageKey), Buffer.from(id), around.subarray(5, 305));
  const moved = Buffer.concat([Buffer.alloc(3), blob, Buffer.alloc(3)]).subarray(3, 3 + blob.length);
  assert.equal(new Uint8Array(await cipher.open(imageKey, id, moved)), file);
  const shared = new Uint8Array(new SharedArrayBuffer(blob.length));
  shared.set(blob);
  assert.equal(new Uint8Array(await cipher.open(imageKey, id, shared)), file);
});

test('every truncation and every flipped bit of a small blob is refused', async () => {
  const blob = await cipher.seal(imageKey, id, bytes(20, 3));
  for (let end = 0; end < blob.length; end++) await refused(blob.subarray(0, end), `${end} bytes`);
  await refused(concat(blob, Uint8Array.of(0)), 'one more byte');
  for (let bit = 0; bit < 8 * blob.length; bit++) {
    const damaged = blob.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    // Version 1 is known, and longer.
    const version = bit > 32 && bit < 40;
    await refused(damaged, `bit ${bit}`, imageKey, id, version ? 'unsupported-version' : 'decrypt-failed');
  }
});

test('a thumbnail lies in front as defined, in one size, and opens by itself', async () => {
  const file = bytes(CHUNK + 99, 1);
  for (const length of [1, 5000, MAX_THUMBNAIL_BYTES]) {
    const thumbnail = bytes(length, 2);
    const blob = await cipher.seal(imageKey, id, file, { thumbnail });
    assert.is(blob.length, sealedImageBytes(file.length, true));
    assert.is(blob.length, sealedImageBytes(file.length) + 16376);
    assert.is(blob[4], 1);
    assert.ok(openSlowly(imageKey, id, Buffer.concat([blob.subarray(0, 8), blob.subarray(16384)]), 1).equals(file));
    const gcm = createDecipheriv(
      'aes-256-gcm',
      hkdfExpand(imageKey, 'blindsight/1/image/thumbnail', 32),
      Buffer.alloc(12),
    );
    gcm.setAAD(Buffer.concat([id, Buffer.of(1)]));
    gcm.setAuthTag(blob.subarray(16384 - 16, 16384));
    const plaintext = Buffer.concat([gcm.update(blob.subarray(8, 16384 - 16)), gcm.final()]);
    assert.is(plaintext.readUInt32LE(), length);
    assert.equal(new Uint8Array(plaintext.subarray(4, 4 + length)), thumbnail);
    assert.ok(plaintext.subarray(4 + length).every((byte) => byte === 0));
    assert.equal(await cipher.openThumbnail(imageKey, id, blob.subarray(0, 16384)), thumbnail);
    assert.ok(Buffer.from(await cipher.open(imageKey, id, blob)).equals(file));
  }
  assert.is(await cipher.openThumbnail(imageKey, id, await cipher.seal(imageKey, id, file)), undefined);
});

test('a thumbnail that was cut, altered, taken off, or is of another image is refused', async () => {
  const blob = await cipher.seal(imageKey, id, bytes(20, 3), { thumbnail: bytes(200, 4) });
  const head = blob.subarray(0, 16384);
  const refusedThumbnail = async (bytesOfIt: Uint8Array, what: string, key = imageKey, as = id): Promise<void> => {
    const error = await cipher.openThumbnail(key, as, bytesOfIt).catch((e: unknown) => e);
    assert.is((error as { code?: string }).code, 'decrypt-failed', what);
  };
  for (const end of [0, 7, 8, 9, 24, 16383]) await refusedThumbnail(head.subarray(0, end), `${end} bytes`);
  for (const at of [0, 5, 8, 12, 200, 8000, 16383]) {
    const damaged = head.slice();
    damaged[at]! ^= 1;
    await refusedThumbnail(damaged, `byte ${at}`);
  }
  await refusedThumbnail(head, 'another key', bytes(32, 9));
  await refusedThumbnail(head, 'another id', imageKey, bytes(16, 9));
  // Sealed by a holder of the key, with a length that is none.
  for (const length of [0, MAX_THUMBNAIL_BYTES + 1]) {
    const plaintext = Buffer.alloc(16384 - 8 - 16);
    plaintext.writeUInt32LE(length);
    const key = hkdfExpand(imageKey, 'blindsight/1/image/thumbnail', 32);
    const gcm = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
    gcm.setAAD(Buffer.concat([id, Buffer.of(1)]));
    const forged = Buffer.concat([head.subarray(0, 8), gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
    await refusedThumbnail(forged, `length ${length}`);
  }
  // Without its thumbnail, the image does not pass for one that has none.
  const stripped = concat(blob.subarray(0, 8), blob.subarray(16384));
  stripped[4] = 0;
  await refused(stripped, 'stripped');
});

test('chunks cannot be cut off, swapped, doubled, left out, or taken from another image', async () => {
  const file = bytes(3 * CHUNK, 4);
  const blob = await cipher.seal(imageKey, id, file);
  const head = blob.subarray(0, 8);
  const chunks: Uint8Array[] = [];
  for (let at = 8; at < blob.length; at += SEALED) chunks.push(blob.subarray(at, at + SEALED));
  assert.is(chunks.length, 4);
  const [a, b, c, d] = chunks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  assert.ok(Buffer.from(await cipher.open(imageKey, id, concat(head, a, b, c, d))).equals(file));
  const other = await cipher.seal(imageKey, bytes(16, 5), file);
  const wrong: Record<string, Uint8Array[]> = {
    'no chunk': [],
    'the last cut off': [a, b, c],
    'the first cut off': [b, c, d],
    'one left out': [a, c, d],
    'two swapped': [a, c, b, d],
    'one doubled': [a, b, b, c, d],
    'the last doubled': [a, b, c, d, d],
    'the last first': [d],
    'one of another image': [a, other.subarray(8 + SEALED, 8 + 2 * SEALED), c, d],
  };
  for (const [name, parts] of Object.entries(wrong)) await refused(concat(head, ...parts), name);
  for (let i = 0; i < 12; i++) {
    const damaged = blob.slice();
    damaged[Math.floor(((i + 0.5) / 12) * blob.length)]! ^= 1 << (i & 7);
    await refused(damaged);
    await refused(blob.subarray(0, Math.floor((i / 12) * blob.length)));
  }
});

test('another key or id is refused', async () => {
  const blob = await cipher.seal(imageKey, id, bytes(99, 6));
  await refused(blob, '', bytes(32, 9));
  await refused(blob, '', imageKey, bytes(16, 9));
});

test('padding that is never made is refused', async () => {
  // Seen through the paper form, which has nothing else to refuse it by.
  const paper = await cipher.seal(imageKey, id, bytes(57, 7), { paper: true });
  for (const end of [8, 9, 15, 16, 40, paper.length - 1]) {
    const error = await cipher.open(imageKey, id, paper.subarray(0, end), { paper: true }).catch((e: unknown) => e);
    assert.is((error as { code?: string }).code, 'decrypt-failed', `${end} bytes`);
  }
});

test('paper: the stream alone, refused unless asked for', async () => {
  const file = bytes(1000, 8);
  const paper = await cipher.seal(imageKey, id, file, { paper: true });
  assert.is(new TextDecoder().decode(paper.subarray(0, 4)), 'BSPA');
  assert.equal(new Uint8Array(await cipher.open(imageKey, id, paper, { paper: true })), file);
  await refused(paper, 'paper');
  const error = await cipher
    .open(imageKey, id, await cipher.seal(imageKey, id, file), { paper: true })
    .catch((e: unknown) => e);
  assert.is((error as { code?: string }).code, 'decrypt-failed');
  // It protects nothing: an altered byte opens.
  const altered = paper.slice();
  altered[8 + 8 + 10]! ^= 1;
  assert.is((await cipher.open(imageKey, id, altered, { paper: true }))[10], file[10]! ^ 1);
});

test('new image keys differ, and ciphertexts of two keys too', async () => {
  assert.not.equal(newImageKey(), newImageKey());
  const [a, b] = [
    await cipher.seal(newImageKey(), id, bytes(99, 1)),
    await cipher.seal(newImageKey(), id, bytes(99, 1)),
  ];
  assert.ok(a.subarray(8).filter((byte, i) => byte === b[8 + i]).length < 8);
});

test('rejects what it cannot use', async () => {
  const type = async (promise: Promise<unknown>): Promise<void> =>
    assert.ok((await promise.catch((e: unknown) => e)) instanceof TypeError);
  for (const bad of NOT_BYTES) {
    await type(cipher.seal(bad as Uint8Array, id, id));
    await type(cipher.seal(imageKey, bad as Uint8Array, id));
    await type(cipher.seal(imageKey, id, bad as Uint8Array));
    await type(cipher.open(imageKey, id, bad as Uint8Array));
  }
  for (const thumbnail of [new Uint8Array(0), new Uint8Array(MAX_THUMBNAIL_BYTES + 1)]) {
    const error = await cipher.seal(imageKey, id, id, { thumbnail }).catch((e: unknown) => e);
    assert.ok(error instanceof RangeError);
  }
  const both = await cipher.seal(imageKey, id, id, { paper: true, thumbnail: id }).catch((e: unknown) => e);
  assert.ok(both instanceof RangeError);
  const short = await cipher.seal(bytes(31, 1), id, id).catch((e: unknown) => e);
  assert.ok(short instanceof RangeError);
});

test.run();
