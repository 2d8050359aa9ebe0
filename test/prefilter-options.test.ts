import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { asksForPrefilter, choosePrefilter, describePrefilter } from '../src/cli/prefilter-options.ts';
import { DEFAULT_INDEX, DEFAULT_PREFILTERS, defaultPrefilter } from '../src/client/index-parameters.ts';

const test = suite('prefilter-options');
const lsh = { family: 'lsh', tables: 5, sampledBits: 7, probes: 3 } as const;
const centroids = { family: 'centroids', assigned: 3, probes: 9 } as const;

test('what is left open stays; numbers name their family; another family comes with its defaults', () => {
  for (const base of [lsh, centroids]) assert.equal(choosePrefilter(base, {}), base);
  assert.equal(choosePrefilter(lsh, { probes: 4 }), { ...lsh, probes: 4 });
  assert.equal(choosePrefilter(lsh, { tables: 6 }), { ...lsh, tables: 6 });
  assert.equal(choosePrefilter(lsh, { assigned: 1 }), { ...DEFAULT_PREFILTERS.centroids, assigned: 1 });
  assert.equal(choosePrefilter(lsh, { family: 'centroids' }), DEFAULT_PREFILTERS.centroids);
  assert.equal(choosePrefilter(centroids, { family: 'lsh', probes: 2 }), { ...DEFAULT_PREFILTERS.lsh, probes: 2 });
  assert.equal(choosePrefilter(centroids, { sampledBits: 9 }), { ...DEFAULT_PREFILTERS.lsh, sampledBits: 9 });
  assert.equal([asksForPrefilter({}), asksForPrefilter({ assigned: 2 })], [false, true]);
});

test('numbers of two families are refused', () => {
  for (const options of [
    { family: 'lsh', assigned: 2 },
    { family: 'centroids', tables: 2 },
    { tables: 2, assigned: 2 },
  ] as const)
    assert.throws(
      () => choosePrefilter(lsh, options),
      (error: unknown) => error instanceof RangeError,
    );
});

test('described with every number', () => {
  for (const number of [5, 7, 3]) assert.match(describePrefilter(lsh), String(number));
  for (const number of [3, 9]) assert.match(describePrefilter(centroids), String(number));
});

test('a new index takes learned buckets where the vocabulary has enough of them', () => {
  const bits = 64;
  assert.is(defaultPrefilter({ bits, centroids: new Float32Array(512 * bits) }), DEFAULT_PREFILTERS.centroids);
  for (const count of [0, 16])
    assert.is(defaultPrefilter({ bits, centroids: new Float32Array(count * bits) }), DEFAULT_PREFILTERS.lsh);
  assert.is(DEFAULT_INDEX.prefilter, DEFAULT_PREFILTERS.lsh, 'fits every vocabulary');
});

test.run();
