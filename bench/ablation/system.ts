/** One trained system of the ablation: blocks by a recipe, and the vocabulary they make. */
import { instantiateKernels } from '../../src/wasm/kernels.ts';
import { FEATURES, type Block, type Feature } from '../../src/codes/block.ts';
import type { Vocabulary } from '../../src/codes/vocabulary.ts';
import { principalAxes, type PrincipalAxes } from '../../src/train/pca.ts';
import { assembleVocabulary, type TrainingFeatures, type TrainingOptions } from '../../src/train/train.ts';
import { centreRows, trainBlock, type BlockShape } from '../../src/train/train-block.ts';
import { Memory } from './memory.ts';

/** How a block is made. `random`: a random rotation instead of ITQ's; `sign`: no rotation; `median`: the numbers that vary most, cut at their
 * medians; `thermometer`: seven bits a local edge bin. */
export interface Shape extends BlockShape {
  readonly kind?: 'itq' | 'random' | 'sign' | 'median' | 'thermometer';
}

/** Of ITQ; `blindsight train` takes 50. */
export const ITERATIONS = 20;

/** Axes that are kept for all rows of the table: the longest block has so many bits. */
const MOST_AXES = 704;

export type Shapes = Readonly<Record<Feature, Shape>>;

/** Trains what is not remembered. */
export async function trainSystem(
  memory: Memory,
  features: TrainingFeatures,
  shapes: Shapes,
  options: TrainingOptions,
): Promise<Vocabulary> {
  const blocks = {} as Record<Feature, Block>;
  for (const feature of FEATURES) {
    const rows = features[feature];
    const dims = rows.length / features.count;
    const shape = shapes[feature];
    const empty = new Float32Array(0);
    if (shape.bits === 0) {
      const none = { mean: new Float32Array(dims), matrix: empty, offset: empty, deviation: empty };
      blocks[feature] = { feature, dims, bits: 0, normalise: shape.normalise, ...none };
      continue;
    }
    const [mean, matrix, offset, deviation] = await memory.recall(
      ['block', feature, shape, ITERATIONS, MOST_AXES, options.seed, Memory.hash(rows)],
      async () => {
        const block = await makeBlock(memory, feature, rows, dims, shape, options);
        return [block.mean, block.matrix, block.offset, block.deviation] as Float32Array[];
      },
    );
    const normalise = shape.kind === 'median' || shape.kind === 'thermometer' ? false : shape.normalise;
    const arrays = { mean: mean!, matrix: matrix!, offset: offset!, deviation: deviation! };
    blocks[feature] = { feature, dims, bits: shape.bits, normalise, ...arrays };
  }
  return assembleVocabulary(features, blocks, options);
}

async function makeBlock(
  memory: Memory,
  feature: Feature,
  rows: Float32Array,
  dims: number,
  shape: Shape,
  options: TrainingOptions,
): Promise<Block> {
  if (shape.kind === 'median') return cutAt(feature, rows, dims, medians(rows, dims, shape.bits));
  if (shape.kind === 'thermometer') return cutAt(feature, rows, dims, levels(rows, dims, shape.bits));
  const principal = await axesOf(memory, rows, dims, shape.normalise);
  if (shape.kind === 'sign') return signBlock(feature, rows, dims, shape, principal);
  const steps = trainBlock(instantiateKernels(options.module), rows, dims, {
    feature,
    ...shape,
    principal,
    seed: options.seed,
    iterations: shape.kind === 'random' ? 0 : ITERATIONS,
  });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** What all blocks of one feature begin with: most of their time goes here. */
async function axesOf(memory: Memory, rows: Float32Array, dims: number, normalise: boolean): Promise<PrincipalAxes> {
  const [mean, axes, variances] = await memory.recall(
    ['axes', normalise, dims, MOST_AXES, Memory.hash(rows)],
    async () => {
      const found = principalAxes(centreRows(rows, dims, normalise).centred, dims, Math.min(dims, MOST_AXES));
      return [found.mean, found.axes, Float32Array.from(found.variances)];
    },
  );
  return {
    mean: Float32Array.from(mean!),
    axes: Float32Array.from(axes!),
    variances: Float64Array.from(variances!),
  };
}

/** Numbers of a descriptor, each against a threshold. */
type Cuts = readonly { readonly dim: number; readonly threshold: number }[];

function cutAt(feature: Feature, rows: Float32Array, dims: number, cuts: Cuts): Block {
  const bits = cuts.length;
  const matrix = new Float32Array(bits * dims);
  const deviation = new Float32Array(bits);
  cuts.forEach(({ dim }, bit) => {
    matrix[bit * dims + dim] = 1;
    deviation[bit] = Math.sqrt(variance(column(rows, dims, dim)));
  });
  const offset = Float32Array.from(cuts, ({ threshold }) => threshold);
  return { feature, dims, bits, normalise: false, mean: new Float32Array(dims), matrix, offset, deviation };
}

function column(rows: Float32Array, dims: number, dim: number): Float32Array {
  return Float32Array.from({ length: rows.length / dims }, (_, i) => rows[i * dims + dim]!);
}

function variance(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

function medians(rows: Float32Array, dims: number, bits: number): Cuts {
  const columns = Array.from({ length: dims }, (_, dim) => ({ dim, values: column(rows, dims, dim) }));
  return columns
    .map(({ dim, values }) => ({ dim, spread: variance(values), threshold: values.sort()[values.length >> 1]! }))
    .sort((a, b) => b.spread - a.spread || a.dim - b.dim)
    .slice(0, bits);
}

/** Between the eight levels of the first `bits / 7` bins, which are the local ones. */
function levels(rows: Float32Array, dims: number, bits: number): Cuts {
  const cuts: { dim: number; threshold: number }[] = [];
  for (let dim = 0; cuts.length < bits; dim++) {
    const found = [...new Set(column(rows, dims, dim))].sort((a, b) => a - b);
    // A level that no photo has leaves its bit to the one above.
    for (let j = 0; j < 7; j++)
      cuts.push({ dim, threshold: j + 1 < found.length ? (found[j]! + found[j + 1]!) / 2 : Infinity });
  }
  return cuts.map(({ dim, threshold }) => ({ dim, threshold: Number.isFinite(threshold) ? threshold : 1e6 }));
}

/** The signs of the principal axes themselves. */
function signBlock(
  feature: Feature,
  rows: Float32Array,
  dims: number,
  { bits, normalise }: Shape,
  principal: PrincipalAxes,
): Block {
  const { mean } = centreRows(rows, dims, normalise);
  const matrix = principal.axes.slice(0, bits * dims);
  const offset = new Float32Array(bits);
  for (let i = 0; i < bits; i++)
    for (let j = 0; j < dims; j++) offset[i]! += matrix[i * dims + j]! * principal.mean[j]!;
  const deviation = Float32Array.from(principal.variances.subarray(0, bits), Math.sqrt);
  return { feature, dims, bits, normalise, mean, matrix, offset, deviation };
}
