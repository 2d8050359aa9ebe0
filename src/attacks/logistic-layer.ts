/**
 * The logistic stream alone, as published (`paper` images): what is left of an image when some of it is known.
 *
 * - *Reuse*: two files under one key differ by what their plaintexts differ by, so one of them opens the other.
 * - *Known header*: the first bytes of a file (the length, and tables that every picture of a camera shares) give keystream; `logistic-lane.ts` solves
 *   all eight lanes from it, and the rest of the block of 64 KiB opens.
 * - *Statistics*: entropy and histogram of what falls to the above.
 *
 * The same is tried on the image as the library seals it, where the stream lies inside AES-256-GCM under a key of its own each.
 * @module
 */
import { ByteWriter, concat } from '../base/bytes.ts';
import { ImageCipher, newImageKey } from '../crypto/image-cipher.ts';
import { laneOutputs, solveLane, type Lane } from './logistic-lane.ts';

/** Bytes of keystream before a lane's next output. */
const STEP_BYTES = 32;
const LANES = 8;
/** Bytes of keystream under one seed. */
const BLOCK_BYTES = 65536;
/** Before the first byte of keystream: magic, version, reserved. */
const HEADER_BYTES = 8;
/** Bytes known from the front, the eight of the length included. */
export const KNOWN_BYTES = 256;

/** Shares of bytes, 0..1. */
export interface LogisticResult {
  /** Of a second file under the same key, when the first is known. */
  readonly reuse: number;
  /** Of what follows the known header in the first block. */
  readonly header: number;
  /** Of what the library seals, by the same two ways (the second on one lane, from one start): bytes that are right by chance are 1 in 256. */
  readonly sealedReuse: number;
  readonly sealedHeader: number;
  /** Bits a byte of the `paper` ciphertext, and chi-square of its 256 values (below 293 passes). */
  readonly entropy: number;
  readonly chiSquare: number;
}

/**
 * @param first - A file, longer than {@link KNOWN_BYTES}.
 * @param second - Another one.
 * @param lanes - Lanes that are solved, 1..8: each is an eighth of the bytes.
 * @param key - Of the two `paper` images; drawn when absent.
 */
export async function logisticLayer(
  kernels: WebAssembly.Module,
  first: Uint8Array,
  second: Uint8Array,
  lanes: number = LANES,
  key: Uint8Array = newImageKey(),
): Promise<LogisticResult> {
  const cipher = new ImageCipher(kernels);
  const id = new Uint8Array(16);
  const plain = [first, second].map((file) => concat(new ByteWriter().u64(file.length).finish(), file));
  const paper = await Promise.all([first, second].map((file) => cipher.seal(key, id, file, { paper: true })));
  // The library gives every image a key of its own.
  const sealed = await Promise.all([first, second].map((file) => cipher.seal(newImageKey(), id, file)));
  const [known, wanted] = plain as [Uint8Array, Uint8Array];
  const statistics = describe(paper[0]!.subarray(HEADER_BYTES));
  return {
    reuse: reuse(paper, known, wanted),
    header: byHeader(paper[0]!, known, lanes, Infinity),
    sealedReuse: reuse(sealed, known, wanted),
    sealedHeader: byHeader(sealed[0]!, known, 1, 1),
    ...statistics,
  };
}

/** Share of `wanted` that the two ciphertexts and `known` give. */
function reuse([a, b]: readonly Uint8Array[], known: Uint8Array, wanted: Uint8Array): number {
  const length = Math.min(known.length, wanted.length);
  let right = 0;
  for (let i = 0; i < length; i++)
    if ((a![HEADER_BYTES + i]! ^ b![HEADER_BYTES + i]! ^ known[i]!) === wanted[i]) right++;
  return right / length;
}

/** Share of the bytes after the header that follow from it, of those of the lanes looked at. */
function byHeader(ciphertext: Uint8Array, plain: Uint8Array, lanes: number, starts: number): number {
  const end = Math.min(BLOCK_BYTES, plain.length);
  let right = 0;
  let asked = 0;
  for (let lane = 0; lane < lanes; lane++) {
    const solved = solve(ciphertext, plain, lane, starts);
    const outputs = solved && laneOutputs(solved, Math.ceil(end / STEP_BYTES));
    for (let i = KNOWN_BYTES; i < end; i++) {
      const within = i % STEP_BYTES;
      if (within >> 2 !== lane) continue;
      asked++;
      const stream = ((outputs?.[Math.floor(i / STEP_BYTES)] ?? 0) >>> (8 * (within & 3))) & 0xff;
      if ((ciphertext[HEADER_BYTES + i]! ^ stream) === plain[i]) right++;
    }
  }
  return right / asked;
}

function solve(ciphertext: Uint8Array, plain: Uint8Array, lane: number, starts: number): Lane | undefined {
  const outputs = Uint32Array.from({ length: KNOWN_BYTES / STEP_BYTES }, (_, step) => {
    let word = 0;
    for (let i = 0; i < 4; i++) {
      const at = STEP_BYTES * step + 4 * lane + i;
      word |= (ciphertext[HEADER_BYTES + at]! ^ plain[at]!) << (8 * i);
    }
    return word;
  });
  return solveLane(outputs, starts);
}

function describe(bytes: Uint8Array): { entropy: number; chiSquare: number } {
  const counts = new Float64Array(256);
  for (const byte of bytes) counts[byte]!++;
  let entropy = 0;
  let chiSquare = 0;
  const expected = bytes.length / 256;
  for (const count of counts) {
    chiSquare += (count - expected) ** 2 / expected;
    if (count > 0) entropy -= (count / bytes.length) * Math.log2(count / bytes.length);
  }
  return { entropy, chiSquare };
}
