/**
 * Runs the benches named on the command line, or all of them.
 *
 *     npm run bench -- hamming asymmetric
 *     npm run bench -- --json hamming        figures as JSON on the standard output, all else on the standard error
 *     npm run bench -- --write               puts them into docs/BENCHMARKS.md, those of each bench in its section
 */
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { writeSections } from './document.ts';
import { describeMachine } from './machine.ts';
import { open, results, say } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, write: { type: 'boolean' } },
});
const benches = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => file.replace('.bench.js', ''))
  .sort();
const unknown = positionals.filter((name) => !benches.includes(name));
if (unknown.length > 0) throw new RangeError(`"name" expected ${benches.join(', ')}, got ${unknown.join(', ')}`);

const machine = await describeMachine();
say(`# ${machine.cpu}, ${machine.platform}, node ${machine.node}, gcc ${machine.gcc ?? 'none'}`);
say(`# one thread reads memory at ${machine.bandwidth.toFixed(1)} GB/s`);
for (const name of positionals.length > 0 ? positionals : benches) {
  open(name);
  await import(`./${name}.bench.js`);
}
if (values.json === true) console.log(JSON.stringify({ machine, results }, null, 2));
if (values.write === true) await writeSections(machine, results);
