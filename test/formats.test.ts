/** Test vectors of the sealed formats: made by the slow definition, read by the library. */
import { readFile } from 'node:fs/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { decodeGrant, encodeGrant } from '../src/crypto/grant.ts';
import { centroidInput } from '../src/crypto/centroid-tokens.ts';
import { ImageCipher } from '../src/crypto/image-cipher.ts';
import { openWithPassphrase, openWithWords } from '../src/crypto/key-file.ts';
import { LibraryKeys } from '../src/crypto/keys.ts';
import { openRecord, openRecordBytes } from '../src/crypto/record.ts';
import { IdSums, NO_IDS, openRoot } from '../src/crypto/root.ts';
import { unwrapKey } from '../src/crypto/seal.ts';
import { Tokens } from '../src/crypto/token.ts';
import { formatVectors, type FormatVectors } from './reference/formats.ts';
import { kernels } from './support.ts';

const test = suite('format vectors');
const path = new URL('../../test/vectors/formats.json', import.meta.url);
const vectors = JSON.parse(await readFile(path, 'utf8')) as FormatVectors;
const hex = (text: string): Uint8Array => fromHex(text)!;
const keys = new LibraryKeys(hex(vectors.libraryKey));
const id = hex(vectors.id);

test('the file is what the definition gives', () => {
  assert.equal(vectors, formatVectors());
});

test('key file: by passphrase and by words', async () => {
  const file = hex(vectors.keyFile);
  assert.is(toHex(await openWithPassphrase(file, vectors.passphrase)), vectors.libraryKey);
  const words = entropyToMnemonic(hex(vectors.recoverySecret), wordlist);
  assert.is(toHex(await openWithWords(file, words)), vectors.libraryKey);
});

test('record: its bytes and its fields', () => {
  const { fields, plaintext, sealed } = vectors.record;
  assert.is(toHex(openRecordBytes(keys.get('record'), id, hex(sealed))), plaintext);
  const { fingerprint, code, imageVersion, ...rest } = openRecord(keys.get('record'), id, hex(sealed));
  assert.equal({ ...rest, fingerprint: toHex(fingerprint), code: toHex(code) }, fields);
  assert.is(imageVersion, 0);
});

test('image: its wrapped key and the file', async () => {
  const imageKey = unwrapKey(keys.get('wrap'), id, hex(vectors.wrappedKey));
  assert.is(toHex(imageKey), vectors.imageKey);
  const cipher = new ImageCipher(kernels);
  assert.is(toHex(await cipher.open(imageKey, id, hex(vectors.image))), vectors.file);
  const both = hex(vectors.imageWithThumbnail);
  assert.is(toHex(await cipher.open(imageKey, id, both)), vectors.file);
  assert.is(toHex((await cipher.openThumbnail(imageKey, id, both))!), vectors.thumbnail);
  assert.is(await cipher.openThumbnail(imageKey, id, hex(vectors.image)), undefined);
});

test('grant, inside its age file', () => {
  const { bytes: expected, ...fields } = vectors.grant;
  const grant = decodeGrant(hex(expected));
  assert.equal(
    {
      role: grant.role,
      server: grant.server,
      index: Buffer.from(grant.index).toString(),
      vocabulary: toHex(grant.vocabulary),
    },
    fields,
  );
  assert.is(toHex(grant.libraryKey), vectors.libraryKey);
  assert.is(toHex(encodeGrant(grant)), expected);
});

test('library root', () => {
  const { parameters, changes, ids, sealed } = vectors.root;
  const sums = new IdSums(keys.get('root'));
  const set = ids.map(hex).reduce((sum, one) => sums.add(sum, one), NO_IDS);
  assert.equal(openRoot(keys.get('root'), hex(sealed)), { parameters: hex(parameters), changes, ids: set });
});

test('tokens of centroids', () => {
  const { fingerprint, tokens } = vectors.centroidTokens;
  const maker = new Tokens(keys.get('token/centroid'));
  for (const [centroid, expected] of tokens) {
    assert.is(maker.of(centroidInput(hex(fingerprint), centroid)), BigInt(`0x${expected}`));
  }
});

test.run();
