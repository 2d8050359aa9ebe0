/** The table that compares evaluated sets, and text between the marks of a document. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { between } from '../bench/between-marks.ts';
import { summary, type Report } from '../bench/evaluation/summary.ts';
import type { RetrievalCurves } from '../src/eval/retrieval-curves.ts';
import { COMPARED, type Study } from '../src/eval/study.ts';

const test = suite('evaluation document');

function curves(each: readonly (number | null)[]): RetrievalCurves {
  const known = each.filter((value) => value !== null);
  const map = known.reduce((a, b) => a + b, 0) / known.length;
  return { p1: 0, p10: 0, p20: 0, map, precisionAtRecall: [], precisionAt: [], classes: {}, each };
}

test('the summary, by hand', () => {
  const all = Object.fromEntries(COMPARED.map((compared) => [compared, curves([0.25, 0.25, null])]));
  const report: Report = {
    evaluation: {
      rows: [
        { feature: 'adaptive', side: 'plain', p1: 0, p10: 0, p20: 0, map: 0.5 },
        { feature: 'adaptive', side: 'encrypted', p1: 0, p10: 0, p20: 0, map: 0.495 },
      ],
      prefilter: { recall20: 0.9541, touched: 0.0721, tokens: 24 },
    },
    study: {
      curves: {
        ...all,
        ...{ float: curves([0.8, 0.4, null]), deep: curves([0.4, 0.4, null]), adaptive: curves([0.5, 0.5, null]) },
      } as Study['curves'],
      lengths: [
        { feature: 'adaptive', bits: 416, map: 0.45 },
        { feature: 'adaptive', bits: 832, map: 0.5 },
        { feature: 'deep', bits: 512, map: 0.4 },
      ],
      noise: [
        { noise: 'plain', p1: 0, p20: 0, map: 0.4 },
        { noise: 16, p1: 0, p20: 0, map: 0.38 },
      ],
    },
  };
  const lines = summary([['one', report]]).split('\n');
  for (const line of [
    '|  | one |',
    '| mAP of the float feature | 0.6000 |',
    '| of it: the fused code, adaptive | 83.3 %, 832 bits |',
    '| of it: half of its bits | 75.0 %, 416 bits |',
    '| adaptive less the best single feature | +10.00 (+10.00 to +10.00) (deep) |',
    '| adaptive less equal | +25.00 (+25.00 to +25.00) |',
    '| mAP lost to encryption, default noise | 1.0 % |',
    '| mAP lost to encryption, noise 16 (of 500 queries) | 5.0 % |',
    '| default prefilter: recall@20, ranked, tokens a query | 0.954, 7.2 %, 24 |',
  ])
    assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
});

test('text goes between its marks and nowhere else', () => {
  const document = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n';
  const made = between(between(document, 'x', 'new'), 'x', 'newer');
  assert.is(made, 'a\n<!-- x -->\nnewer\n<!-- /x -->\nb\n<!-- y -->\n<!-- /y -->\n');
  assert.throws(() => between(document, 'z', 'new'), /expected one with <!-- z --> and <!-- \/z -->/);
  assert.throws(() => between('<!-- /x --><!-- x -->', 'x', 'new'), RangeError);
});

test.run();
