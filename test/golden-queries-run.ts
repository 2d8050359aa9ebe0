/**
 * The golden queries under Node, Deno or Bun, as JSON.
 *
 *     node build/test/golden-queries-run.js > test/golden/queries.json     makes the golden file anew
 *     deno run build/test/golden-queries-run.js INPUT KERNELS VOCABULARY
 */
import { readFile } from 'node:fs/promises';
import { compileKernels } from '../src/wasm/kernels.ts';
import { answerGolden, type GoldenInput } from './golden-queries.ts';

const [inputFile, kernelsFile, vocabularyFile] = process.argv.slice(2);
if (inputFile !== undefined) {
  const input = JSON.parse(await readFile(inputFile, 'utf8')) as GoldenInput;
  const kernels = await compileKernels(await readFile(kernelsFile!));
  console.log(JSON.stringify(await answerGolden(kernels, await readFile(vocabularyFile!), input)));
} else {
  const { makeGoldenInput } = await import('./golden-input.ts');
  const { loadKernels } = await import('../src/adapters/package-files.ts');
  const { input, model, vocabulary } = await makeGoldenInput();
  const answers = await answerGolden(await loadKernels(), vocabulary, input);
  // Every ranking must answer as this one does. Scores to the sixth place: the rest is the engine's own.
  const wanted = answers
    .filter(({ ranking }) => ranking === 'server')
    .map(({ query, ids, names, scores }) => ({ query, ids, names, scores: scores.map((s) => Number(s.toFixed(6))) }));
  console.log(JSON.stringify({ model, answers: wanted }));
}
