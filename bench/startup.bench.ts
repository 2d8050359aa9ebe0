/**
 * Starting: a process that imports an entry, or prints the help, against one that does nothing. Files are in the page cache.
 *
 *     npm run bench -- startup
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Bench, type Figures } from './harness.ts';
import { table } from './report.ts';

const SRC = join(import.meta.dirname, '..', 'src');
const NOTHING = 'nothing';

/** Ends with status 0, or throws. */
function start(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

const bench = new Bench({ name: 'startup', time: 3000 });
bench.add(NOTHING, () => start('-e', ''));
for (const [name, entry] of [
  ["import 'blindsight/node'", 'node'],
  ["import 'blindsight'", 'index'],
  ["import 'blindsight/server'", 'server'],
] as const)
  bench.add(name, () => start('--input-type=module', '-e', `import ${JSON.stringify(join(SRC, `${entry}.js`))}`));
bench.add('blindsight --help', () => start(join(SRC, 'cli', 'main.js'), '--help'));
await bench.run();

const figures = bench.figures();
const nothing = figures.find(({ side }) => side === NOTHING)!;
const ms = (value: number): string => `${value.toFixed(0)} ms`;
const row = ({ side, median, mad }: Figures): string[] => [side, ms(median), ms(mad), ms(median - nothing.median)];
table('A process that does no more than this:', ['what', 'median', 'MAD', 'beyond an empty one'], figures.map(row));
