/** Prefilters measured together equal each of them measured by its own tokens. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Prefilter } from '../src/client/index-parameters.ts';
import { libraryTokens } from '../src/client/library-tokens.ts';
import { packSigns } from '../src/codes/pack-signs.ts';
import { LibraryKeys } from '../src/crypto/keys.ts';
import { measurePrefilters } from '../src/eval/prefilter-measure.ts';
import { dot, signs } from './reference/codes.ts';
import { bytes, floats, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const test = suite('prefilter-measure');
const vocabulary = smallVocabulary();
const { bits, codeBytes } = vocabulary;
const COUNT = 150;
const codes = packSigns(floats(COUNT * bits, 1));
const code = (i: number): Uint8Array => codes.slice(i * codeBytes, (i + 1) * codeBytes);
const keys = new LibraryKeys(bytes(64, 2));
const queries = [3, 70, -1].map((own, i) => ({ own, query: floats(bits, 10 + i), margins: floats(bits, 20 + i) }));
const records = { kernels, vocabulary, codes, queries, sampleKey: keys.get('index/lsh-sample') };

const PREFILTERS: Prefilter[] = [
  { family: 'lsh', tables: 3, sampledBits: 5, probes: 4 },
  { family: 'lsh', tables: 8, sampledBits: 5, probes: 1 },
  { family: 'lsh', tables: 2, sampledBits: 4, probes: 100 },
  { family: 'lsh', tables: 4, sampledBits: 9, probes: 7 },
  { family: 'centroids', assigned: 1, probes: 2 },
  { family: 'centroids', assigned: 3, probes: 2 },
  { family: 'centroids', assigned: 2, probes: 5 },
  { family: 'centroids', assigned: 2, probes: 4096 },
];

/** The definition: which records share a token with the query. */
function slow(prefilter: Prefilter): { tokens: number; recall20: number; touched: number } {
  const family = libraryTokens(keys, vocabulary, { prefilter });
  let [hits, touched, tokens] = [0, 0, 0];
  for (const query of queries) {
    const asked = family.probes(query, prefilter.probes);
    tokens = asked.length;
    const reached = (i: number): boolean => family.tokens(code(i)).some((token) => asked.includes(token));
    const all = Array.from({ length: COUNT }, (_, i) => i);
    touched += all.filter(reached).length / COUNT;
    const scores = all.map((i) => dot(query.query, signs(code(i))));
    const best = all.filter((i) => i !== query.own).sort((a, b) => scores[b]! - scores[a]!);
    hits += best.slice(0, 20).filter(reached).length;
  }
  return { tokens, recall20: hits / (20 * queries.length), touched: touched / queries.length };
}

test('equals the families one by one', async () => {
  const measured = await measurePrefilters(PREFILTERS, records);
  measured.forEach(({ prefilter, tokens, bytes: size, recall20, touched }, i) => {
    assert.is(prefilter, PREFILTERS[i]);
    const expected = slow(prefilter);
    assert.is(tokens, expected.tokens);
    assert.is(size, 8 * tokens);
    assert.ok(Math.abs(recall20 - expected.recall20) < 1e-9, `${JSON.stringify(prefilter)} ${recall20}`);
    assert.ok(Math.abs(touched - expected.touched) < 1e-9, `${JSON.stringify(prefilter)} ${touched}`);
  });
  assert.is(measured.at(-1)!.recall20, 1);
  assert.ok(measured.some(({ recall20 }) => recall20 > 0.1 && recall20 < 0.9));
});

test('rejects what it cannot measure', async () => {
  const refused = async (prefilters: Prefilter[], change: object): Promise<void> => {
    let error: unknown;
    await measurePrefilters(prefilters, { ...records, ...change }).catch((e) => (error = e));
    assert.instance(error, RangeError);
  };
  await refused(PREFILTERS, { codes: codes.subarray(1) });
  await refused([{ family: 'lsh', tables: 1, sampledBits: 21, probes: 1 }], {});
  await refused([{ family: 'centroids', assigned: 13, probes: 1 }], {});
  await refused([{ family: 'centroids', assigned: 1, probes: 1 }], {
    vocabulary: { ...vocabulary, centroids: new Float32Array(0) },
  });
});

test.run();
