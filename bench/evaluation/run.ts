/**
 * Makes docs/EVALUATION.md: runs `blindsight eval` on each set and `blindsight eval-duplicates`, and puts what they print, and a table that
 * compares the sets, between the marks of that file.
 *
 *     npm run evaluation -- --set corel1k --set corel5k20 --duplicates caltech101 --cache features --report reports --write docs/EVALUATION.md
 *
 * `--report` keeps the reports (HTML and JSON) of the sets in that folder. A stopped run goes on from its cache.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { putBetweenMarks } from '../between-marks.ts';
import { summary, type Report } from './summary.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Copies are made of every so many photos. */
const EVERY = '20';
const MOST_OUTPUT_BYTES = 1 << 24;

const { values: options } = parseArgs({
  options: {
    set: { type: 'string', multiple: true, default: [] },
    duplicates: { type: 'string' },
    cache: { type: 'string' },
    report: { type: 'string' },
    write: { type: 'string' },
  },
});
const { cache, report: reports } = options;
if (cache === undefined || reports === undefined) throw new RangeError('"--cache" and "--report" expected folders');

async function blindsight(...words: string[]): Promise<string> {
  const running = promisify(execFile)(process.execPath, [MAIN, ...words], { maxBuffer: MOST_OUTPUT_BYTES });
  running.child.stderr?.pipe(process.stderr);
  return (await running).stdout.trim();
}

const sets: [string, Report][] = [];
for (const set of options.set) {
  const name = basename(set);
  const folder = join(reports, name);
  const made = ['--labels', join(set, 'labels.csv'), '--cache', cache, '--report', folder, '--markdown'];
  const text = await blindsight('eval', set, ...made);
  const command = `    blindsight eval ${name} --labels ${name}/labels.csv --cache features --markdown`;
  await putBetweenMarks(options.write, name, `${command}\n\n${text}`);
  sets.push([name, JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as Report]);
}
if (sets.length > 0) await putBetweenMarks(options.write, 'summary', summary(sets));
if (options.duplicates !== undefined) {
  const text = await blindsight('eval-duplicates', options.duplicates, '--every', EVERY, '--cache', cache);
  const command = `    blindsight eval-duplicates ${basename(options.duplicates)} --every ${EVERY} --cache features`;
  await putBetweenMarks(options.write, 'duplicates', `${command}\n\n${text}`);
}
