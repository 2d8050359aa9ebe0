/**
 * Everything that the evaluation report shows besides the table of `evaluate`: curves, code length, weights, noise, prefilter,
 * times, and the figures of the image cipher. Each part is a stage that a stopped run does not do again.
 * @module
 */
import { joinRows } from '../base/bytes.ts';
import type { IndexParameters } from '../client/index-parameters.ts';
import { FEATURES } from '../codes/block.ts';
import type { Weights } from '../codes/fusion.ts';
import { fuseRanks } from '../codes/rank-fusion.ts';
import type { Vocabulary } from '../codes/vocabulary.ts';
import type { FeatureExtractor } from '../features/feature-extractor.ts';
import type { ImageReader } from '../image/decode.ts';
import { Pixels } from '../image/pixels.ts';
import type { TokenFamily } from '../crypto/token-family.ts';
import { cipherFigures, type CipherFigures } from './cipher-figures.ts';
import { LENGTH_STEPS, codeLength, type LengthRow } from './code-length.ts';
import { Collection, type Weighing } from './collection.ts';
import type { Photo } from './evaluate.ts';
import { cosines, yardstick } from './float-cosine.ts';
import { rank } from './metrics.ts';
import { noiseLevels, noiseRow, type NoiseRow } from './noise-curve.ts';
import { prefilterRows, type PrefilterRow, type PrefilterSetting } from './prefilter-curve.ts';
import { evenly } from './query-sample.ts';
import { retrievalCurves, type RetrievalCurves } from './retrieval-curves.ts';
import { sizeCurve, type SizeRow } from './size-curve.ts';
import { stepTimes, type StepTime } from './step-times.ts';

/** What is compared: the float yardstick, each feature, and every way to fuse. */
export const COMPARED: readonly Compared[] = [
  'float',
  'ehd',
  'bow',
  'deep',
  'equal',
  'entropy',
  'area',
  'rank fusion',
  'static',
  'adaptive',
];

export type Compared = 'float' | Weighing | 'rank fusion';

/** One picture, encrypted as a picture. */
export interface Picture {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly figures: CipherFigures;
  /** Files that show it: data URLs. */
  readonly plain: string;
  readonly cipher: string;
}

/** Everything but the table of `evaluate`. */
export interface Study {
  /** Class of each photo, all of them queries. */
  readonly labels: readonly string[];
  readonly curves: Readonly<Record<Compared, RetrievalCurves>>;
  readonly lengths: readonly LengthRow[];
  /** Adaptive weights of some queries, class by class, and within a class by the weight of the deep feature. */
  readonly weights: readonly (Weights & { readonly label: string })[];
  readonly noise: readonly NoiseRow[];
  readonly prefilter: readonly PrefilterRow[];
  readonly sizes: readonly SizeRow[];
  readonly times: readonly StepTime[];
  readonly pictures: readonly Picture[];
}

/** Keeps the results of finished parts. */
export type Stage = <T>(name: string, work: () => T | Promise<T>) => Promise<T>;

/** What a study is made with. */
export interface StudyOptions {
  readonly kernels: WebAssembly.Module;
  readonly vocabulary: Vocabulary;
  readonly index: IndexParameters;
  /** Families and sizes of tokens to compare. */
  readonly prefilters: readonly PrefilterSetting[];
  /** The index's own family. */
  readonly tokens: TokenFamily;
  /** Images of the largest collection that is timed. */
  readonly largest: number;
  readonly reader: ImageReader;
  readonly extractor: FeatureExtractor;
  /** File of photo i. */
  readonly read: (photo: number) => Promise<{ readonly name: string; readonly bytes: Uint8Array }>;
  /** Makes files of pixels. */
  readonly show: (pixels: { width: number; height: number; data: Uint8Array }, lossless: boolean) => Promise<string>;
  readonly stage: Stage;
  /** Called as work goes on: what, and how many steps the part has. */
  readonly onStep: (part: string, steps: number) => void;
}

const WEIGHT_QUERIES = 200;
const TIMED_PHOTOS = 9;
const PICTURES = 4;
/** Longer side of a picture that is shown, in pixels. */
const PICTURE_SIDE = 224;

/** Studies photos whose descriptors are at hand. */
export async function study(photos: readonly Photo[], options: StudyOptions): Promise<Study> {
  const { kernels, vocabulary, index, prefilters, stage, onStep } = options;
  const collection = new Collection(kernels, vocabulary, photos);
  const all = photos.map((_, i) => i);

  const curves = {} as Record<Compared, RetrievalCurves>;
  const rankings = rankers(collection, photos);
  for (const compared of COMPARED)
    curves[compared] = await stage(`curves ${compared}`, async () => {
      const found: Uint32Array[] = [];
      for (const query of all) {
        found.push(rankings(compared, query));
        onStep(`curves, ${compared}`, photos.length);
        if (query % 64 === 0) await breathe();
      }
      return retrievalCurves(found, collection.labels);
    });
  const lengths = await stage('lengths', () => codeLength(collection, () => onStep('code length', LENGTH_STEPS)));
  const weights = weightsOf(collection);

  const noise: NoiseRow[] = [];
  const levels = ['plain', ...noiseLevels(index)] as const;
  for (const level of levels) {
    noise.push(await stage(`noise ${level}`, () => noiseRow(kernels, collection, photos, index, level)));
    onStep('noise', levels.length);
  }
  const prefilter: PrefilterRow[] = [];
  for (const setting of prefilters) {
    const name = `prefilter ${setting.tokens.name} ${setting.size}`;
    prefilter.push(...(await stage(name, () => prefilterRows(kernels, collection, setting))));
    onStep('prefilter', prefilters.length);
  }
  const sizes = await stage('sizes', () =>
    sizeCurve(kernels, collection, photos, {
      ...{ index, largest: options.largest },
      onStep: () => onStep('sizes', options.largest),
    }),
  );
  const times = await stage('times', async () => {
    const files = await Promise.all(evenly(photos.length, TIMED_PHOTOS).map((i) => options.read(i)));
    return stepTimes(
      files.map(({ bytes }) => bytes),
      { ...options, collection },
    );
  });
  const pictures = await stage('pictures', () => showPictures(photos.length, options));
  return { labels: collection.labels, curves, lengths, weights, noise, prefilter, sizes, times, pictures };
}

/** Lets signals be heard. */
async function breathe(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}

function rankers(collection: Collection, photos: readonly Photo[]): (compared: Compared, query: number) => Uint32Array {
  const { dims } = collection.vocabulary.model;
  let units: Float32Array | undefined;
  return (compared, query) => {
    if (compared === 'float') {
      units ??= yardstick(joinRows(photos.map(({ descriptors }) => descriptors.deep)), collection.vocabulary.deepMean);
      return rank(cosines(units, dims, units.subarray(query * dims, (query + 1) * dims)), query);
    }
    if (compared !== 'rank fusion') return collection.ranking(query, compared);
    const used = FEATURES.filter((feature) => collection.vocabulary.blocks[feature].bits > 0);
    return rank(
      fuseRanks(
        used.map((feature) => collection.ranking(query, feature)),
        photos.length,
      ),
      query,
    );
  };
}

function weightsOf(collection: Collection): (Weights & { label: string })[] {
  return evenly(collection.count, WEIGHT_QUERIES)
    .map((query) => ({ ...collection.weights(query, 'adaptive'), label: collection.labels[query]! }))
    .sort((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : b.deep - a.deep));
}

async function showPictures(count: number, { kernels, reader, read, show }: StudyOptions): Promise<Picture[]> {
  const pixels = new Pixels(kernels);
  const pictures: Picture[] = [];
  for (const photo of evenly(count, PICTURES)) {
    const { name, bytes } = await read(photo);
    const { image } = await reader.read(bytes);
    const scale = Math.min(1, PICTURE_SIDE / Math.max(image.width, image.height));
    const [width, height] = [image.width, image.height].map((side) => Math.max(2, Math.round(scale * side)));
    if (Math.min(image.width, image.height) < 2) continue;
    const small = pixels.resizeArea(image, width!, height!);
    const { figures, ciphertext } = cipherFigures(kernels, small);
    pictures.push({
      ...{ name, width: small.width, height: small.height, figures },
      plain: await show(small, false),
      cipher: await show({ ...small, data: ciphertext }, true),
    });
  }
  return pictures;
}
