/** Runs the benches named on the command line, or all of them: `npm run bench -- hamming`. */
import { readdir } from 'node:fs/promises';

const names = process.argv.slice(2);
for (const file of (await readdir(import.meta.dirname)).sort())
  if (file.endsWith('.bench.js') && (names.length === 0 || names.includes(file.replace('.bench.js', '')))) {
    console.log(`\n## ${file.replace('.bench.js', '')}`);
    await import(`./${file}`);
  }
