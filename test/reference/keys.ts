/**
 * Every derived key by node:crypto, from SCHEME's formulas alone. `node build/test/reference/keys.js` prints
 * test/vectors/keys.json.
 */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';

const LABELS = ['token/lsh', 'token/centroid', 'index/lsh-sample', 'knn', 'record', 'wrap', 'id', 'root', 'cache'];

/** RFC 5869, extract and expand written out. */
export function hkdf(secret: Uint8Array, info: Uint8Array | string): Buffer {
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(secret).digest();
  return hkdfExpand(extracted, info, 32);
}

export function hkdfExpand(key: Uint8Array, info: Uint8Array | string, length: number): Buffer {
  let out = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  for (let i = 1; out.length < length; i++) {
    last = createHmac('sha256', key).update(last).update(info).update(Uint8Array.of(i)).digest();
    out = Buffer.concat([out, last]);
  }
  return out.subarray(0, length);
}

export interface KeyVectors {
  libraryKey: string;
  keyName: string;
  keys: Record<string, string>;
  file: string;
  imageId: string;
  tokenInput: string;
  token: string;
  imageKey: string;
  imageAead: string;
  imageLogistic: string;
  /** First 32 bytes of the logistic stream, and the 32 bytes at 65536 * 3 - 16, across a block's edge. */
  logisticStart: string;
  logisticEdge: string;
}

/** The low words of x, block j, lane by lane; f64 arithmetic in SCHEME's order. */
export function logisticBytes(key: Uint8Array, from: number, count: number): Buffer {
  const out = Buffer.alloc(count);
  const blocks = new Map<number, Buffer>();
  for (let i = 0; i < count; i++) {
    const j = Math.floor((from + i) / 65536);
    if (!blocks.has(j)) blocks.set(j, logisticBlock(key, j));
    out[i] = blocks.get(j)![(from + i) % 65536]!;
  }
  return out;
}

function logisticBlock(key: Uint8Array, j: number): Buffer {
  const info = Buffer.alloc(13);
  info.write('block');
  info.writeBigUInt64LE(BigInt(j), 5);
  const seed = hkdfExpand(key, info, 128);
  const out = Buffer.alloc(65536);
  const cell = Buffer.alloc(8);
  for (let lane = 0; lane < 8; lane++) {
    const u = Number(seed.readBigUInt64LE(16 * lane) >> 11n);
    const v = Number(seed.readBigUInt64LE(16 * lane + 8) >> 11n);
    const mu = 3.9999 + u * 2 ** -53 * 0.00009;
    let x = 0.1 + v * 2 ** -53 * 0.8;
    for (let n = 0; n < 256; n++) x = mu * x * (1 - x);
    for (let step = 0; step < 2048; step++) {
      x = mu * x * (1 - x);
      cell.writeDoubleLE(x);
      cell.copy(out, 32 * step + 4 * lane, 0, 4);
    }
  }
  return out;
}

export function keyVectors(): KeyVectors {
  const root = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
  const derive = (label: string): Buffer => Buffer.from(hkdfSync('sha256', root, '', `blindsight/1/${label}`, 32));
  const file = 'a file';
  const imageKey = createHash('sha256').update('an image key').digest();
  const logistic = hkdfExpand(imageKey, 'blindsight/1/image/logistic', 32);
  const hash = createHash('sha256').update(file).digest();
  const tokenInput = 'an input';
  return {
    libraryKey: Buffer.concat([root, derive('id')]).toString('hex'),
    keyName: derive('name').subarray(0, 16).toString('hex'),
    keys: Object.fromEntries(LABELS.map((label) => [label, derive(label).toString('hex')])),
    file,
    imageId: createHmac('sha256', derive('id')).update(hash).digest().subarray(0, 16).toString('hex'),
    tokenInput,
    token: createHmac('sha256', derive('token/lsh')).update(tokenInput).digest().readBigUInt64LE(0).toString(),
    imageKey: imageKey.toString('hex'),
    imageAead: hkdfExpand(imageKey, 'blindsight/1/image/aead', 32).toString('hex'),
    imageLogistic: logistic.toString('hex'),
    logisticStart: logisticBytes(logistic, 0, 32).toString('hex'),
    logisticEdge: logisticBytes(logistic, 65536 * 3 - 16, 32).toString('hex'),
  };
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href)
  process.stdout.write(`${JSON.stringify(keyVectors(), null, 2)}\n`);
