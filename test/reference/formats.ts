/**
 * One value of each sealed format, written by node:crypto from the tables at the head of the source files alone, with fixed keys and nonces.
 * `node build/test/reference/formats.js` prints test/vectors/formats.json.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { argon2id } from '@noble/hashes/argon2.js';
import { token } from './centroid-tokens.ts';
import { chachaRounds, chachaState } from './chacha20.ts';
import { hkdf, hkdfExpand, logisticBytes } from './keys.ts';
import { rootBytes } from './root.ts';

/** The HChaCha20 of draft-irtf-cfrg-xchacha-03, section 2.2. */
function hchacha20(key: Uint8Array, nonce: Uint8Array): Buffer {
  const s = chachaState(key, nonce.subarray(0, 16));
  chachaRounds(s);
  const out = Buffer.alloc(32);
  [0, 1, 2, 3, 12, 13, 14, 15].forEach((word, i) => out.writeUInt32LE(s[word]!, 4 * i));
  return out;
}

/** XChaCha20-Poly1305: nonce, ciphertext, tag. */
function seal(key: Uint8Array, nonce: Uint8Array, context: Uint8Array, plaintext: Uint8Array): Buffer {
  const inner = Buffer.concat([Buffer.alloc(4), nonce.subarray(16)]);
  const cipher = createCipheriv('chacha20-poly1305', hchacha20(key, nonce), inner, { authTagLength: 16 });
  cipher.setAAD(context, { plaintextLength: plaintext.length });
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

function u64(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}

const block = (bytes: Uint8Array | string): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(bytes)), Buffer.from(bytes)]);
/** Fixed bytes, other ones for each name. */
const fixed = (name: string, length: number): Buffer =>
  createHash('shake256', { outputLength: length }).update(name).digest();

export interface FormatVectors {
  libraryKey: string;
  passphrase: string;
  recoverySecret: string;
  keyFile: string;
  id: string;
  record: {
    fields: {
      indexed: boolean;
      fingerprint: string;
      code: string;
      name: string;
      path: string;
      fileBytes: number;
      type: string;
      width: number;
      height: number;
      addedAt: number;
      modifiedAt: number;
    };
    plaintext: string;
    sealed: string;
  };
  imageKey: string;
  wrappedKey: string;
  file: string;
  image: string;
  thumbnail: string;
  /** The same file. */
  imageWithThumbnail: string;
  /** Inside the age file. The vocabulary is any bytes. */
  grant: { role: string; server: string; index: string; vocabulary: string; bytes: string };
  root: { parameters: string; changes: number; ids: string[]; sealed: string };
  /** Number of a centroid, and its token as 16 hexadecimal digits of a u64. */
  centroidTokens: { fingerprint: string; tokens: [number, string][] };
}

export function formatVectors(): FormatVectors {
  const libraryKey = fixed('library key', 64);
  const derive = (label: string): Buffer => hkdf(libraryKey.subarray(0, 32), `blindsight/1/${label}`);
  const id = fixed('id', 16);

  const passphrase = 'a passphrase';
  const recoverySecret = fixed('recovery secret', 32);
  const salt = fixed('salt', 16);
  const prefix = Buffer.concat([Buffer.from('BSKF'), Buffer.alloc(2)]);
  const recovery = seal(
    hkdf(recoverySecret, 'blindsight/1/recovery'),
    fixed('nonce 1', 24),
    Buffer.concat([Buffer.from('recovery'), prefix]),
    libraryKey,
  );
  const head = Buffer.concat([prefix, Buffer.of(1, 1), u32(8), u32(2), salt, recovery]);
  const passphraseKey = argon2id(passphrase, salt, { m: 8, t: 2, p: 1, dkLen: 32 });
  const body = Buffer.concat([
    head,
    seal(passphraseKey, fixed('nonce 2', 24), Buffer.concat([Buffer.from('passphrase'), head]), libraryKey),
  ]);
  const keyFile = Buffer.concat([body, createHash('sha256').update(body).digest()]);

  const fields = {
    ...{
      indexed: true,
      fingerprint: fixed('fingerprint', 32).toString('hex'),
      code: fixed('code', 104).toString('hex'),
    },
    ...{ name: 'Käse.jpg', path: 'photos/Käse.jpg', fileBytes: 2 ** 40 + 3, type: 'jpeg', width: 640, height: 480 },
    ...{ addedAt: 1_700_000_000_001, modifiedAt: 1_600_000_000_002 },
  };
  const plaintext = Buffer.concat([
    ...[Buffer.from('BSRC'), Buffer.of(0, 3, 0, 0), Buffer.from(fields.fingerprint, 'hex')],
    ...[block(Buffer.from(fields.code, 'hex')), block(fields.name), block(fields.path), u64(fields.fileBytes)],
    ...[block(fields.type), u32(fields.width), u32(fields.height), u64(fields.addedAt), u64(fields.modifiedAt)],
  ]);
  const padded = Buffer.alloc(512);
  padded.set(u64(plaintext.length));
  padded.set(plaintext, 8);
  const sealed = seal(derive('record'), fixed('nonce 3', 24), Buffer.concat([Buffer.from('record'), id]), padded);

  const imageKey = fixed('image key', 32);
  const wrappedKey = seal(derive('wrap'), fixed('nonce 4', 24), Buffer.concat([Buffer.from('wrap'), id]), imageKey);
  const file = fixed('file', 100);
  // Padme of 108 bytes: E = 6, S = 3, up to a multiple of 2^3.
  const masked = Buffer.alloc(112);
  masked.set(u64(file.length));
  masked.set(file, 8);
  const stream = logisticBytes(hkdfExpand(imageKey, 'blindsight/1/image/logistic', 32), 0, masked.length);
  for (let i = 0; i < masked.length; i++) masked[i]! ^= stream[i]!;
  const encrypt = (label: string, nonce: Buffer, version: number, bytes: Buffer): Buffer => {
    const aead = createCipheriv('aes-256-gcm', hkdfExpand(imageKey, `blindsight/1/image/${label}`, 32), nonce);
    aead.setAAD(Buffer.concat([id, Buffer.of(version)]));
    return Buffer.concat([aead.update(bytes), aead.final(), aead.getAuthTag()]);
  };
  // Chunk 0, and the last one.
  const nonce = Buffer.concat([u64(0), u32(1)]);
  const image = Buffer.concat([Buffer.from('BSIM'), Buffer.alloc(4), encrypt('aead', nonce, 0, masked)]);
  const thumbnail = fixed('thumbnail', 90);
  const front = Buffer.alloc(16384 - 8 - 16);
  front.set(block(thumbnail));
  const imageWithThumbnail = Buffer.concat([
    ...[Buffer.from('BSIM'), Buffer.of(1, 0, 0, 0), encrypt('thumbnail', Buffer.alloc(12), 1, front)],
    encrypt('aead', nonce, 1, masked),
  ]);

  const ids = [id, fixed('id 2', 16), fixed('id 3', 16)];
  const parameters = fixed('parameters', 32);
  const rootPlain = rootBytes(libraryKey.subarray(0, 32), parameters, 7, ids);
  const granted = {
    role: 'viewer',
    server: 'https://photos.example',
    index: '{}',
    vocabulary: fixed('vocabulary', 9).toString('hex'),
  };
  const grant = Buffer.concat([
    ...[Buffer.from('BSGR'), Buffer.of(0, 0, 1, 0), libraryKey],
    ...[block(granted.server), block(granted.index), block(Buffer.from(granted.vocabulary, 'hex'))],
  ]);
  return {
    libraryKey: libraryKey.toString('hex'),
    passphrase,
    recoverySecret: recoverySecret.toString('hex'),
    keyFile: keyFile.toString('hex'),
    id: id.toString('hex'),
    record: { fields, plaintext: plaintext.toString('hex'), sealed: sealed.toString('hex') },
    imageKey: imageKey.toString('hex'),
    wrappedKey: wrappedKey.toString('hex'),
    file: file.toString('hex'),
    image: image.toString('hex'),
    thumbnail: thumbnail.toString('hex'),
    imageWithThumbnail: imageWithThumbnail.toString('hex'),
    grant: { ...granted, bytes: grant.toString('hex') },
    root: {
      parameters: parameters.toString('hex'),
      changes: 7,
      ids: ids.map((bytes) => bytes.toString('hex')),
      sealed: seal(derive('root'), fixed('nonce 5', 24), Buffer.from('root'), rootPlain).toString('hex'),
    },
    centroidTokens: {
      fingerprint: fields.fingerprint,
      tokens: [0, 1, 511, 70_000].map((centroid) => [
        centroid,
        token(derive('token/centroid'), fixed('fingerprint', 32), centroid).toString(16).padStart(16, '0'),
      ]),
    },
  };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  process.stdout.write(`${JSON.stringify(formatVectors(), null, 2)}\n`);
