import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createHash } from 'node:crypto';
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { RetrievalError } from '../src/base/errors.ts';
import type { Argon2 } from '../src/crypto/argon2.ts';
import {
  KEY_FILE_BYTES,
  changePassphrase,
  createKeyFile,
  openWithPassphrase,
  openWithWords,
} from '../src/crypto/key-file.ts';
import { NOT_BYTES, bytes } from './support.ts';

const test = suite('key-file');
const libraryKey = bytes(64, 1);
const cheap = { cost: { memoryKib: 8, passes: 1, lanes: 1 } };
const code =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof RetrievalError && codes.includes(error.code);

async function rejects(promise: Promise<unknown>, expected: (error: unknown) => boolean, message = ''): Promise<void> {
  const error = await promise.then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  );
  assert.ok(expected(error), `${message} ${String(error)}`);
}

/** Puts the checksum right again, as someone who tampers would. */
function sum(file: Uint8Array): Uint8Array {
  file.set(createHash('sha256').update(file.subarray(0, -32)).digest(), file.length - 32);
  return file;
}

test('known answers: BIP-39 test vectors (trezor/python-mnemonic), 256 bits', () => {
  const words = (fill: number): string => entropyToMnemonic(new Uint8Array(32).fill(fill), wordlist);
  assert.is(words(0), `${'abandon '.repeat(23)}art`);
  assert.is(words(0xff), `${'zoo '.repeat(23)}vote`);
  assert.is(
    words(0x7f),
    'legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title',
  );
});

test('opens by passphrase and by words', async () => {
  const { bytes: file, words } = await createKeyFile(libraryKey, 'correct horse', cheap);
  assert.is(file.length, KEY_FILE_BYTES);
  assert.is(KEY_FILE_BYTES, 272);
  assert.is(words.split(' ').length, 24);
  assert.equal(new Uint8Array(await openWithPassphrase(file, 'correct horse')), libraryKey);
  assert.equal(new Uint8Array(await openWithWords(file, words)), libraryKey);
  assert.equal(
    new Uint8Array(await openWithWords(file, `  ${words.toUpperCase().replaceAll(' ', ' \n ')} `)),
    libraryKey,
  );
});

test('with the real cost', async () => {
  const { bytes: file } = await createKeyFile(libraryKey, 'x');
  const view = new DataView(file.buffer);
  assert.equal([file[6], file[7], view.getUint32(8, true), view.getUint32(12, true)], [1, 1, 65536, 3]);
  assert.equal(new Uint8Array(await openWithPassphrase(file, 'x')), libraryKey);
});

test('two files of one key and passphrase share nothing but the head', async () => {
  const [a, b] = [await createKeyFile(libraryKey, 'x', cheap), await createKeyFile(libraryKey, 'x', cheap)];
  assert.equal(a.bytes.slice(0, 16), b.bytes.slice(0, 16));
  assert.ok(a.bytes.subarray(16).filter((byte, i) => byte === b.bytes[16 + i]).length < 12);
  assert.not.equal(a.words, b.words);
});

test('passphrases are normalised: composed, decomposed and full-width forms are one', async () => {
  const { bytes: file } = await createKeyFile(libraryKey, 'caf\u00e9 \ufb01', cheap);
  assert.equal(new Uint8Array(await openWithPassphrase(file, 'cafe\u0301 fi')), libraryKey);
  await rejects(openWithPassphrase(file, 'cafe fi'), code('wrong-passphrase'));
});

test('wrong passphrase, wrong words', async () => {
  const { bytes: file, words } = await createKeyFile(libraryKey, 'right', cheap);
  for (const wrong of ['Right', 'right ', 'r'])
    await rejects(openWithPassphrase(file, wrong), code('wrong-passphrase'));
  const other = entropyToMnemonic(bytes(32, 9), wordlist);
  const twelve = entropyToMnemonic(bytes(16, 9), wordlist);
  const swapped = words.split(' ').reverse().join(' ');
  for (const wrong of [other, twelve, swapped, '', 'not even words', words.slice(0, -1) + '!'])
    await rejects(openWithWords(file, wrong), code('wrong-passphrase'));
});

test('a changed passphrase opens, the old one does not, the words still do', async () => {
  const { bytes: file, words } = await createKeyFile(libraryKey, 'old', cheap);
  for (const opener of [{ passphrase: 'old' }, { words }]) {
    const changed = await changePassphrase(file, opener, 'new', cheap);
    assert.equal(new Uint8Array(await openWithPassphrase(changed, 'new')), libraryKey);
    await rejects(openWithPassphrase(changed, 'old'), code('wrong-passphrase'));
    assert.equal(new Uint8Array(await openWithWords(changed, words)), libraryKey);
  }
  assert.equal(new Uint8Array(await openWithPassphrase(file, 'old')), libraryKey, 'the old file is left alone');
  await rejects(changePassphrase(file, { passphrase: 'no' }, 'new', cheap), code('wrong-passphrase'));
});

test('every truncation and every flipped bit is refused', async () => {
  const { bytes: file, words } = await createKeyFile(libraryKey, 'x', cheap);
  for (let end = 0; end < file.length; end++) {
    await rejects(openWithPassphrase(file.subarray(0, end), 'x'), code('corrupt-key-file'), `${end} bytes`);
    await rejects(openWithWords(file.subarray(0, end), words), code('corrupt-key-file'));
  }
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const damaged = file.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const expected = code(bit >= 32 && bit < 48 ? 'unsupported-version' : 'corrupt-key-file');
    await rejects(openWithPassphrase(damaged, 'x'), expected, `bit ${bit}`);
    await rejects(openWithWords(damaged, words), expected);
  }
});

test('tampering that puts the checksum right is refused too, and never hashes for long', async () => {
  const { bytes: file } = await createKeyFile(libraryKey, 'x', cheap);
  let worst = 0;
  const counting: Argon2 = async (_, salt, { memoryKib, passes }) => {
    worst = Math.max(worst, memoryKib * passes);
    return new Uint8Array(createHash('sha256').update(salt).digest());
  };
  const { bytes: counted } = await createKeyFile(libraryKey, 'x', { ...cheap, argon2: counting });
  assert.equal(new Uint8Array(await openWithPassphrase(counted, 'x', { argon2: counting })), libraryKey);
  for (let bit = 48; bit < 8 * (counted.length - 32); bit++) {
    const damaged = counted.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    await rejects(
      openWithPassphrase(sum(damaged), 'x', { argon2: counting }),
      code('corrupt-key-file', 'wrong-passphrase'),
      `bit ${bit}`,
    );
  }
  assert.ok(worst <= 2 ** 22, `${worst} KiB in all`);
  for (const [at, value] of [[8, 2 ** 32 - 1], [8, 7], [12, 0], [12, 65], [12, 2 ** 31]] as const) {
    const bomb = file.slice();
    new DataView(bomb.buffer).setUint32(at, value, true);
    await rejects(openWithPassphrase(sum(bomb), 'x'), code('corrupt-key-file'), `${value} at ${at}`);
  } // prettier-ignore
});

test('the recovery part of another file does not slip in', async () => {
  const [a, b] = [await createKeyFile(libraryKey, 'x', cheap), await createKeyFile(bytes(64, 2), 'x', cheap)];
  const mixed = a.bytes.slice();
  mixed.set(b.bytes.subarray(32, 104), 32);
  await rejects(openWithPassphrase(sum(mixed), 'x'), code('wrong-passphrase'));
});

test('rejects what it cannot use', async () => {
  const type = (error: unknown): boolean => error instanceof TypeError;
  const range = (error: unknown): boolean => error instanceof RangeError;
  const { bytes: file, words } = await createKeyFile(libraryKey, 'x', cheap);
  for (const bad of NOT_BYTES) {
    await rejects(createKeyFile(bad as Uint8Array, 'x', cheap), type);
    await rejects(openWithPassphrase(bad as Uint8Array, 'x'), type);
    await rejects(openWithWords(bad as Uint8Array, words), type);
  }
  await rejects(createKeyFile(libraryKey, '', cheap), range);
  await rejects(openWithPassphrase(file, ''), range);
  await rejects(openWithPassphrase(file, undefined as unknown as string), type);
  for (const cost of [
    { memoryKib: 7, passes: 1, lanes: 1 },
    { memoryKib: 2 ** 21, passes: 1, lanes: 1 },
    { memoryKib: 2 ** 20, passes: 5, lanes: 1 },
    { memoryKib: 64, passes: 0, lanes: 1 },
    { memoryKib: 64, passes: 1, lanes: 17 },
  ])
    await rejects(createKeyFile(libraryKey, 'x', { cost }), range, JSON.stringify(cost));
  assert.is(mnemonicToEntropy(words, wordlist).length, 32);
});

test.run();
