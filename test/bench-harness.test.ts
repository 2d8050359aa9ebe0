/** The harness of the benches: medians, times a side has measured itself, and the document's ratios. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawChart } from '../bench/chart.ts';
import { sectionOf } from '../bench/document.ts';
import { Bench, median } from '../bench/harness.ts';

const test = suite('bench-harness');

test('median of odd and even counts', () => {
  assert.is(median([3, 1, 2]), 2);
  assert.is(median([4, 1, 2, 3]), 2.5);
});

test('a time that a side has measured itself is taken, and all sides run equally often', async () => {
  let runs = 0;
  const bench = new Bench({ name: 'case', time: 1 });
  bench.add('own clock', () => ({ ms: [5, 7, 9][runs++ % 3]! }));
  bench.add('promised', () => Promise.resolve({ ms: 2 }));
  await bench.run();
  const [own, promised] = bench.figures();
  assert.is(own!.median, 7);
  assert.is(own!.mad, 2);
  assert.is(promised!.median, 2);
  assert.is(promised!.mad, 0);
  assert.ok(own!.rounds >= 5);
  assert.is(own!.rounds, promised!.rounds);
});

test('the document gives ratios to plain TypeScript and to C, and the share of the bandwidth', () => {
  const machine = { cpu: 'cpu', node: 'v20', platform: 'linux', gcc: '12', bandwidth: 10 };
  const row = { case: 'a case', mad: 0, rounds: 5, rate: 1, unit: 'rows', bytes: 1e7, recall: undefined };
  const rows = [
    { ...row, side: 'wasm', median: 2 },
    { ...row, side: 'ts', median: 8 },
    { ...row, side: 'gcc 12', median: 1 },
  ];
  const lines = sectionOf(machine, {
    bench: 'b',
    rows,
    tables: [{ title: 't', head: ['x'], rows: [['1']] }],
    charts: [],
  });
  assert.ok(lines.includes('| a case | wasm | 2.00 ms | 0.00 us | x 4.00 | x 0.50 | 50 % |'), lines.join('\n'));
  assert.is(lines.at(-1), '| 1 |');
});

test('a chart is an SVG file of its own, with a line and a name for each series', () => {
  const svg = drawChart('records', 'ms', [
    { x: 1, y: 1, series: 'one `a`' },
    { x: 10, y: 10, series: 'one `a`' },
    { x: 1, y: 2, series: 'two' },
    { x: 10, y: 3, series: 'two' },
  ]);
  assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  assert.match(svg, />one a<.*>two</s);
  assert.is(svg.match(/<path d="M[^"]*" stroke="#/g)?.length, 2);
});

test.run();
