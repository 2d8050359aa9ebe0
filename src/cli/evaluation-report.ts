/**
 * The evaluation report: what it studies besides the table, and its files.
 * @module
 */
import { mkdir, readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { Jimp } from 'jimp';
import { writeWhole } from '../adapters/library-files.ts';
import { concat, toHex } from '../base/bytes.ts';
import { DEFAULT_PREFILTERS, type IndexParameters, type Prefilter } from '../client/index-parameters.ts';
import { libraryTokens } from '../client/library-tokens.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import { LibraryKeys, newLibraryKey } from '../crypto/keys.ts';
import type { Labelled } from '../eval/labels.ts';
import { markdownTable } from '../eval/markdown.ts';
import type { PrefilterSetting } from '../eval/prefilter-curve.ts';
import { reportFigures, type Measured } from '../eval/report/figures.ts';
import { reportPage } from '../eval/report/page.ts';
import { loadPlotLibrary } from '../eval/report/plot-library.ts';
import type { StudyOptions } from '../eval/study.ts';
import { describePrefilter } from './prefilter-options.ts';

/** Tables, and probes in each, that are compared. */
const TABLES: readonly number[] = [8, 16, 32, 64];
const PROBES: readonly number[] = [1, 4, 16, 32];
/** Buckets a photo is put into. */
const ASSIGNED: readonly number[] = [1, 2, 4];

/** The prefilters of a study, and the index's own; under keys that are made for it. */
export function studiedTokens(
  vocabulary: Vocabulary,
  index: IndexParameters,
): Pick<StudyOptions, 'prefilters' | 'tokens'> {
  const keys = new LibraryKeys(newLibraryKey());
  const family = (prefilter: Prefilter): StudyOptions['tokens'] => libraryTokens(keys, vocabulary, { prefilter });
  const lsh = index.prefilter.family === 'lsh' ? index.prefilter : DEFAULT_PREFILTERS.lsh;
  const prefilters: PrefilterSetting[] = TABLES.map((tables) => ({
    tokens: family({ ...lsh, tables }),
    size: `${tables} tables of ${lsh.sampledBits} bits`,
    probes: PROBES,
  }));
  const centroids = vocabulary.centroids.length / vocabulary.bits;
  for (const assigned of ASSIGNED.filter((count) => count <= centroids))
    prefilters.push({
      tokens: family({ ...DEFAULT_PREFILTERS.centroids, assigned }),
      size: `${assigned} of ${centroids} buckets a photo`,
      probes: PROBES,
    });
  return { prefilters, tokens: family(index.prefilter) };
}

/** A photo of the collection: its file, and a name for people. */
export async function readPhoto({ path, label }: Labelled): Promise<{ name: string; bytes: Uint8Array }> {
  return { name: `${label}/${path.split(/[\\/]/).at(-1)!}`, bytes: await readFile(path) };
}

/** Pixels as a data URL: PNG, or JPEG where a little may be lost. */
export async function showPixels(
  { width, height, data }: { width: number; height: number; data: Uint8Array },
  lossless: boolean,
): Promise<string> {
  const rgba = Buffer.alloc(4 * width * height, 255);
  for (let i = 0; i < width * height; i++) rgba.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
  const image = Jimp.fromBitmap({ width, height, data: rgba });
  return lossless ? image.getBase64('image/png') : image.getBase64('image/jpeg', { quality: 85 });
}

/** Lines that say what was measured, when, and with what. */
export function describeRun(
  { evaluation }: Measured,
  vocabulary: Vocabulary,
  { noise, split, vectors = 'f32', prefilter }: IndexParameters,
): string[] {
  const processor = cpus();
  return [
    `${evaluation.photos} photos of ${evaluation.classes} classes; every photo is a query, photos of its class are relevant, the query itself is left out.`,
    `Date: ${new Date().toISOString().slice(0, 10)}. Machine: ${processor.length} x ${processor[0]?.model.trim() ?? 'unknown'}, Node ${process.versions.node}.`,
    `Vocabulary ${toHex(vocabulary.fingerprint).slice(0, 16)}: ${vocabulary.bits} bits, model ${vocabulary.model.id}, trained on ${vocabulary.origin}.`,
    `Index: noise ${noise}, split ${split}, vectors ${vectors}; prefilter ${describePrefilter(prefilter)}.`,
  ];
}

/**
 * Writes `report.html` and `report.json` into a folder, or, for a path that ends in .html, that file and a .json beside it.
 * @returns Their paths.
 */
export async function writeReport(
  target: string,
  title: string,
  lines: readonly string[],
  measured: Measured,
): Promise<{ html: string; json: string }> {
  const html = /\.html?$/i.test(target) ? target : join(target, 'report.html');
  const json = html.replace(/\.html?$/i, '.json');
  const plots = await loadPlotLibrary();
  const page = reportPage({ title, lines }, reportFigures(measured), plots);
  await mkdir(dirname(html), { recursive: true });
  await writeWhole(html, concat(Buffer.from(page)));
  const { pictures, ...study } = measured.study;
  const numbers = {
    ...{ title, lines, evaluation: measured.evaluation },
    // Without the pictures themselves.
    study: {
      ...study,
      pictures: pictures.map(({ name, width, height, figures }) => ({ name, width, height, figures })),
    },
  };
  await writeWhole(json, concat(Buffer.from(`${JSON.stringify(numbers)}\n`)));
  return { html, json };
}

/** All tables, as Markdown. */
export function reportMarkdown(lines: readonly string[], measured: Measured): string {
  const figures = reportFigures(measured).map(
    ({ title, text, table }) => `### ${title}\n\n${text}\n\n${markdownTable(table.head, table.rows)}`,
  );
  return [lines.join('\n'), ...figures].join('\n\n');
}
