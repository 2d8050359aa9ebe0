/**
 * Libraries of any size for benches: records and queries are the vocabulary's public reference codes (real photos) with an eighth of their
 * bits flipped; a query's margins are drawn as |N(0, 1)| training deviations. Images play no part: a blob is 64 bytes.
 */
import { sealIndex } from '../src/attacks/sealed-index.ts';
import { gaussian } from '../src/base/random.ts';
import type { Client, Query } from '../src/client/client.ts';
import type { IndexParameters } from '../src/client/index-parameters.ts';
import { FEATURES } from '../src/codes/block.ts';
import { Encoder, type Projections } from '../src/codes/encoder.ts';
import { Fusion } from '../src/codes/fusion.ts';
import type { Vocabulary } from '../src/codes/vocabulary.ts';
import type { LibraryKeys } from '../src/crypto/keys.ts';
import { sealRecord } from '../src/crypto/record.ts';
import type { Store } from '../src/index/store.ts';
import { bytes, kernels } from '../test/support.ts';

const FLIPPED = 1 / 8;
const BATCH = 1000;

/** A reference code, an eighth of its bits flipped. */
export function variant({ references, codeBytes }: Vocabulary, random: () => number): Uint8Array {
  const from = Math.floor(random() * references.count) * codeBytes;
  const code = references.codes.slice(from, from + codeBytes);
  for (let bit = 0; bit < 8 * codeBytes; bit++) if (random() < FLIPPED) code[bit >> 3]! ^= 1 << (bit & 7);
  return code;
}

export function queryOf(vocabulary: Vocabulary, random: () => number): Query {
  const code = variant(vocabulary, random);
  const projections = {} as Projections;
  let at = 0;
  for (const feature of FEATURES) {
    const { bits, deviation } = vocabulary.blocks[feature];
    projections[feature] = Float32Array.from({ length: bits }, (_, i) => {
      const set = (code[(at + i) >> 3]! >> ((at + i) & 7)) & 1;
      return (set ? 1 : -1) * Math.abs(gaussian(random)) * deviation[i]!;
    });
    at += bits;
  }
  return {
    projections,
    margins: new Encoder(kernels, vocabulary).margins(projections),
    weights: new Fusion(vocabulary).weights(projections, 'adaptive'),
  };
}

/** Records before they are stored, in one order. */
export interface Records {
  readonly ids: readonly Uint8Array[];
  /** u8[count * codeBytes] */
  readonly codes: Uint8Array;
  readonly sealed: readonly Uint8Array[];
}

export function makeRecords(vocabulary: Vocabulary, keys: LibraryKeys, count: number, random: () => number): Records {
  const { codeBytes, fingerprint } = vocabulary;
  const codes = new Uint8Array(count * codeBytes);
  const ids = Array.from({ length: count }, (_, i) => bytes(16, i + 1));
  const sealed = ids.map((id, i) => {
    const code = variant(vocabulary, random);
    codes.set(code, i * codeBytes);
    return sealRecord(keys.get('record'), id, {
      ...{ indexed: true, imageVersion: 0, fingerprint, code, name: `${i}.jpg` },
      ...{ fileBytes: 1, type: 'jpeg', width: 1, height: 1, addedAt: 0, modifiedAt: 0 },
    });
  });
  return { ids, codes, sealed };
}

/** Puts records into a store, protected as the client does; the client's root knows of them afterwards. */
export async function fill(
  store: Store,
  client: Client,
  index: IndexParameters,
  keys: LibraryKeys,
  { ids, codes, sealed }: Records,
): Promise<void> {
  const { vocabulary, parameters } = client;
  const { codeBytes } = vocabulary;
  await client.begin('active');
  for (let from = 0; from < ids.length; from += BATCH) {
    const part = codes.subarray(from * codeBytes, (from + BATCH) * codeBytes);
    const { vectors, tokens } = sealIndex(kernels, vocabulary, index, part, keys);
    const count = part.length / codeBytes;
    const dims = vectors.length / count;
    await store.commit(
      Array.from({ length: count }, (_, i) => ({
        kind: 'put' as const,
        parameters,
        id: ids[from + i]!,
        tokens: tokens[i] ?? new BigUint64Array(0),
        vector: vectors.slice(i * dims, (i + 1) * dims),
        sealed: sealed[from + i]!,
        wrapped: new Uint8Array(72),
        blob: new Uint8Array(64),
      })),
    );
  }
  // The store was filled past the client: without a root that knows of it, every search looks for what is missing.
  await client.acceptRoot();
}
