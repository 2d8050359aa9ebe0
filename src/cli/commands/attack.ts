/**
 * `blindsight attack`: what a server can work out from what it stores of a library, measured by the owner, who knows the truth;
 * or the same of a folder of photos, over many parameters.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { Collector } from '../../adapters/collector.ts';
import { LibraryFiles } from '../../adapters/library-files.ts';
import { loadDecoders } from '../../adapters/decoders.ts';
import { libraryServer, openLibrary } from '../../adapters/library.ts';
import { loadKernels, loadModel, loadVocabulary } from '../../adapters/package-files.ts';
import { sign } from '../../attacks/known-plaintext.ts';
import { KNOWN_BYTES, logisticLayer, type LogisticResult } from '../../attacks/logistic-layer.ts';
import { sealIndex, type SealedIndex } from '../../attacks/sealed-index.ts';
import {
  allScores,
  attackIndex,
  latticeShare,
  suiteSteps,
  type LatticeShare,
  type StoredIndex,
  type SuiteResult,
  type Truth,
} from '../../attacks/suite.ts';
import { concat, joinRows, toHex } from '../../base/bytes.ts';
import { VECTOR_FORMATS, numbersOf, type VectorFormat } from '../../base/stored-vector.ts';
import { RetrievalError } from '../../base/errors.ts';
import { seededRandom, shuffle } from '../../base/random.ts';
import {
  DEFAULT_INDEX,
  DEFAULT_PREFILTERS,
  defaultPrefilter,
  type IndexParameters,
  type Prefilter,
} from '../../client/index-parameters.ts';
import { Encoder, type Encoded } from '../../codes/encoder.ts';
import { Fusion } from '../../codes/fusion.ts';
import type { Vocabulary } from '../../codes/vocabulary.ts';
import { BagOfWords } from '../../features/bag-of-words.ts';
import { SIFT_DIMS } from '../../features/local-features.ts';
import { decodeRequest, requestKind, type Ranking } from '../../protocol/messages.ts';
import { openLmdbStore } from '../../stores/lmdb-store.ts';
import { readOpener, type OpenOptions } from '../open.ts';
import { answer, remark, type Common } from '../output.ts';
import { startProgress } from '../progress.ts';
import { walk } from '../walk.ts';

interface Options extends OpenOptions {
  readonly photos?: string;
  readonly cache?: string;
  readonly full?: boolean;
  readonly limit?: number;
}

/** Known images, of those that a library has. */
const KNOWN = [50, 100, 200, 500, 1000, 2000];
const FEW_KNOWN = [50, 500, 2000];
/** Images whose neighbours are looked for. */
const ASKED = 300;
/** Searches that are attacked. */
const SEARCHES = 20;
const PAGE = 500;
/** Digits of a fingerprint that tell vocabularies apart. */
const FINGERPRINT_DIGITS = 12;
/** What is tried on a folder of photos, beside the defaults. */
const NOISES = [0, 2, 24, 0.5];
const FEW_NOISES = [0, 24];
const WIDTHS = [1, 8, 32];

export async function attack(folder: string | undefined, options: Options): Promise<void> {
  if ((folder === undefined) === (options.photos === undefined))
    throw new TypeError('"library" expected a library, or --photos FOLDER, got both or neither');
  await (folder === undefined ? attackPhotos(options.photos!, options) : attackLibrary(folder, options));
}

async function attackLibrary(folder: string, options: Options): Promise<void> {
  if ((options.server ?? (await libraryServer(folder))) !== undefined)
    throw new RetrievalError('library-not-found', 'the store is on a server: this command reads it as a file');
  const kernels = await loadKernels();
  const trapdoors: Float32Array[] = [];
  const library = await openLibrary(folder, {
    opener: await readOpener(options),
    readOnly: true,
    tap(request) {
      if (requestKind(request) !== 'search') return;
      const decoded = decodeRequest(request);
      if (decoded.kind === 'search') trapdoors.push(decoded.vector);
    },
  });
  const codes = new Map<string, Uint8Array>();
  const queries: Float32Array[] = [];
  const files: Uint8Array[] = [];
  const { index, vocabulary } = library;
  try {
    const { client } = library;
    const fusion = new Fusion(vocabulary);
    const ids: Uint8Array[] = [];
    for await (const { id } of client.list()) ids.push(id);
    for (let at = 0; at < ids.length; at += PAGE)
      for (const [id, record] of await client.records(ids.slice(at, at + PAGE)))
        if (record.indexed) codes.set(toHex(id), record.code);
    const asked = index.ranking === 'server' ? Math.min(SEARCHES, codes.size) : 0;
    const pictures = ids.filter((id) => codes.has(toHex(id)));
    const searching = startProgress('searches', asked, 'searches', options.json === true);
    for (let i = 0; i < asked; i++) {
      const query = await client.query(await client.open(pictures[Math.floor((i * pictures.length) / asked)]!));
      await client.rank(query, { k: 1, scan: true });
      queries.push(fusion.query(query.projections, query.weights));
      searching.step();
    }
    searching.stop();
    if (options.full === true) for (const id of pictures.slice(0, 2)) files.push(await client.open(id));
  } finally {
    await library.close();
  }
  if (codes.size < 2)
    throw new RetrievalError('empty-library', `expected a library of 2 or more pictures, got ${codes.size}`);

  const stored = await readStore(new LibraryFiles(folder).store, codes);
  const truth: Truth = {
    codes: concat(...stored.ids.map((id) => codes.get(id)!)),
    queries: queries.map((query, i) => ({ query, trapdoor: trapdoors[i]! })),
  };
  const result = run(kernels, stored, truth, KNOWN, options);
  const logistic = await attackLogistic(kernels, files);
  const { ranking, noise, split } = index;
  answer(
    options,
    { ranking, ...(ranking === 'server' ? { noise, split } : {}), ...result, ...(logistic && { logistic }) },
    [
      `Ranking ${ranking}, ${result.images} images. What the server can work out from what it stores:`,
      '',
      ...inWords(result, ranking),
      ...logisticInWords(logistic),
    ].join('\n'),
  );
}

/** What the server has of the images whose codes are known. */
async function readStore(
  folder: string,
  codes: ReadonlyMap<string, Uint8Array>,
): Promise<StoredIndex & { readonly ids: readonly string[] }> {
  const store = openLmdbStore(folder, { readOnly: true });
  try {
    const active = (await store.stats()).generations.find(({ state }) => state === 'active')!;
    const ids: string[] = [];
    const vectors: Float32Array[] = [];
    const tokens: BigUint64Array[] = [];
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await store.records(active.parameters, after, PAGE);
      for (const { id, record } of page) {
        if (record === undefined || !codes.has(toHex(id))) continue;
        ids.push(toHex(id));
        if (record.vector.length > 0) vectors.push(numbersOf(record.vector));
        if (record.tokens.length > 0) tokens.push(record.tokens);
      }
      if (page.length < PAGE) break;
      after = page.at(-1)!.id;
    }
    const sequence = new Map<string, number>();
    let since = 0;
    for (;;) {
      const changes = await store.changes(since, PAGE);
      for (const change of changes ?? []) sequence.set(toHex(change.id), (since = change.sequence));
      if (changes === undefined || changes.length < PAGE) break;
    }
    const places = ids.every((id) => sequence.has(id))
      ? Float64Array.from(ids, (id) => sequence.get(id)!)
      : new Float64Array(0);
    return { ids, count: ids.length, vectors: joinRows(vectors), tokens, places };
  } finally {
    await store.close();
  }
}

async function attackPhotos(folder: string, options: Options): Promise<void> {
  const kernels = await loadKernels();
  const { vocabulary } = await loadVocabulary();
  const { encoded, files } = await encodeFolder(folder, options, kernels);
  if (encoded.length < 2 * SEARCHES)
    throw new RetrievalError('not-found', `expected ${2 * SEARCHES} photos or more, got ${encoded.length}`);
  const order = shuffle(
    Uint32Array.from(encoded, (_, i) => i),
    seededRandom(1),
  );
  // Searches are for photos that the library does not hold; the others keep the order of the folder.
  const held = new Set(order.subarray(0, SEARCHES));
  const images = encoded.filter((_, i) => !held.has(i));
  const codes = concat(...images.map(({ code }) => code));
  const count = images.length;
  const places = Float64Array.from(images, (_, i) => i);
  const fusion = new Fusion(vocabulary);
  const queries = Array.from(held, (i) => {
    const { projections } = encoded[i]!;
    return fusion.query(projections, fusion.weights(projections, 'adaptive'));
  });

  const full = options.full === true;
  const known = full ? KNOWN : FEW_KNOWN;
  // The defaults first.
  const settings: [Partial<IndexParameters> & { ranking: Ranking }, number[]][] = [
    [{ ranking: 'client' }, known],
    ...families(vocabulary).map((prefilter): [{ ranking: Ranking; prefilter: Prefilter }, number[]] => [
      { ranking: 'split', prefilter },
      known,
    ]),
    [{ ranking: 'server' }, known],
    // Known images break vectors, whatever the tokens.
    ...(full ? families(vocabulary).filter(({ family }) => family !== defaultPrefilter(vocabulary).family) : []).map(
      (prefilter): [{ ranking: Ranking; prefilter: Prefilter }, number[]] => [{ ranking: 'server', prefilter }, []],
    ),
    ...(full ? VECTOR_FORMATS.filter((vectors) => vectors !== 'f32') : []).map(
      (vectors): [{ ranking: Ranking; vectors: VectorFormat }, number[]] => [{ ranking: 'server', vectors }, known],
    ),
    ...(full ? WIDTHS : []).map((split): [{ ranking: Ranking; split: number }, number[]] => [
      { ranking: 'server', split },
      [],
    ]),
    ...(full ? NOISES : FEW_NOISES).map((noise): [{ ranking: Ranking; noise: number }, number[]] => [
      { ranking: 'server', noise },
      known,
    ]),
  ];
  // Rows are shown as they come: all of them take a while.
  const show = (lines: readonly string[]): void => {
    if (options.json !== true) answer(options, undefined, lines.join('\n'));
  };
  const { fingerprint } = vocabulary;
  const logistic = await attackLogistic(kernels, files);
  show([
    `${count} images, ${queries.length} searches, vocabulary ${toHex(fingerprint).slice(0, FINGERPRINT_DIGITS)}`,
    ...logisticInWords(logistic),
    '',
    ...TABLE_HEAD,
  ]);
  const rows = settings.map(([setting, counts]) => {
    const index = { ...DEFAULT_INDEX, prefilter: defaultPrefilter(vocabulary), ...setting };
    const sealed = sealIndex(kernels, vocabulary, index, codes);
    const truth: Truth = {
      codes,
      queries: index.ranking === 'server' ? queries.map((query) => ({ query, trapdoor: sealed.trapdoor(query) })) : [],
    };
    const result = run(kernels, { ...sealed, count, places }, truth, counts, options);
    const { ranking, noise, split, prefilter, vectors = 'f32' } = index;
    const byId = index.ranking === 'server' ? byIdLattice(vocabulary, sealed, codes) : undefined;
    const row = { ranking, noise, split, vectors, family: prefilter.family, result, ...(byId && { byId }) };
    show(tableRows(row));
    return row;
  });
  if (options.json === true)
    answer(
      options,
      {
        images: count,
        searches: queries.length,
        vocabulary: toHex(fingerprint),
        rows,
        ...(logistic && { logistic }),
      },
      '',
    );
}

/** Tokens of each family that the vocabulary allows, at their defaults. */
function families({ centroids }: Vocabulary): Prefilter[] {
  return Object.values(DEFAULT_PREFILTERS).filter(({ family }) => family === 'lsh' || centroids.length > 0);
}

/** Searches by id that look at the deep feature alone: each bit weighs the same. */
function byIdLattice(vocabulary: Vocabulary, { vectors, trapdoor }: SealedIndex, codes: Uint8Array): LatticeShare {
  const { codeBytes, bits, blocks } = vocabulary;
  const count = codes.length / codeBytes;
  const scores = Array.from({ length: SEARCHES }, (_, i) => {
    const image = Math.floor((i * count) / SEARCHES);
    const query = Float32Array.from({ length: bits }, (_, bit) =>
      bit < bits - blocks.deep.bits ? 0 : (bits / blocks.deep.bits) * sign(codes, codeBytes, image, bit),
    );
    return allScores(vectors, trapdoor(query), count);
  });
  return latticeShare(scores, blocks.deep.bits);
}

/** Codes of a folder's photos, and two of the files. */
async function encodeFolder(
  folder: string,
  options: Options,
  kernels: WebAssembly.Module,
): Promise<{ encoded: Encoded[]; files: Uint8Array[] }> {
  const { vocabulary } = await loadVocabulary();
  const model = await loadModel(vocabulary.model.sha256);
  const collector = new Collector(kernels, vocabulary.local, model, await loadDecoders(), options.cache);
  const bag = new BagOfWords(kernels, vocabulary.codebook, vocabulary.idf);
  const encoder = new Encoder(kernels, vocabulary);
  const { found } = await walk([folder]);
  const all = found.slice(0, options.limit);
  const progress = startProgress('features', all.length, 'photos', options.json === true);
  const encoded: Encoded[] = [];
  const files: Uint8Array[] = [];
  for (const { path } of all) {
    try {
      const bytes = await readFile(path);
      const { ehd, deep, local } = await collector.collect(bytes);
      const bow = bag.describe({ count: local.length / SIFT_DIMS, descriptors: local });
      encoded.push(encoder.encode({ ehd, bow, deep }));
      if (files.length < 2) files.push(bytes);
    } catch (error) {
      if (!(error instanceof RetrievalError)) throw error;
      remark(options, `not used: ${path}: ${error.message}`);
    }
    progress.step();
  }
  progress.stop();
  await model.close();
  return { encoded, files };
}

function run(
  kernels: WebAssembly.Module,
  stored: StoredIndex,
  truth: Truth,
  known: readonly number[],
  options: Common,
): SuiteResult {
  const settings = { known, asked: ASKED };
  const progress = startProgress('attacks', suiteSteps(stored, settings), 'attacks', options.json === true);
  try {
    return attackIndex(kernels, stored, truth, { ...settings, onStep: (name) => progress.step(name) });
  } finally {
    progress.stop();
  }
}

/** Two files that are long enough; else nothing. */
async function attackLogistic(
  kernels: WebAssembly.Module,
  [first, second]: readonly Uint8Array[],
): Promise<LogisticResult | undefined> {
  if (first === undefined || second === undefined || first.length < 4 * KNOWN_BYTES || second.length < 4 * KNOWN_BYTES)
    return undefined;
  return logisticLayer(kernels, first, second);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** One sentence an attack. */
function inWords(result: SuiteResult, ranking: Ranking): string[] {
  const { similarity, knownPlaintext, lattice, tokens, order } = result;
  const lines: string[] = [];
  const named = (what: string, { found, chance }: { found: number; chance: number }): string =>
    `- ${what}: of the ten images it would call the most alike, ${percent(found)} are (by lot: ${percent(chance)}).`;
  if (similarity !== undefined)
    lines.push(
      named('From vectors alone, without a query or a known image', similarity.whitened),
      named('The same without whitening', similarity.stored),
    );
  for (const row of knownPlaintext ?? [])
    lines.push(
      `- With ${row.known} known images: ${percent(row.bits)} of the bits of the others (by lot: 50 %), ${percent(row.whole)} of their codes whole; queries to a cosine of ${row.queryCosine.toFixed(2)}.`,
    );
  if (knownPlaintext?.length === 0)
    lines.push('- Known images: the library is too small for this attack to be measured.');
  if (lattice !== undefined)
    lines.push(`- Scores that give exact distances away: ${lattice.found} of ${lattice.searches} searches.`);
  if (tokens !== undefined) lines.push(named('From shared tokens', tokens));
  if (order !== undefined) lines.push(named('From the order in which they came', order));
  if (ranking !== 'server') lines.push('- No vector and no score is there to attack.');
  if (ranking === 'client')
    lines.push('- No token is there to attack: counts, padded sizes, times and fetches are left.');
  return lines;
}

function logisticInWords(logistic: LogisticResult | undefined): string[] {
  if (logistic === undefined) return [];
  return [
    `- Logistic stream alone (not how a library seals): ${percent(logistic.reuse)} of a second file under one key; ${percent(logistic.header)} of the rest of a block from its first ${KNOWN_BYTES} bytes; entropy ${logistic.entropy.toFixed(3)}, chi-square ${logistic.chiSquare.toFixed(0)} (below 293 passes).`,
    `- As a library seals it: ${percent(logistic.sealedReuse)} and ${percent(logistic.sealedHeader)} (by lot: 0.4 %).`,
  ];
}

/** One setting, and what the attacks made of it. */
interface Row {
  readonly ranking: Ranking;
  readonly noise: number;
  readonly split: number;
  readonly vectors: VectorFormat;
  readonly family: Prefilter['family'];
  readonly result: SuiteResult;
  readonly byId?: LatticeShare;
}

const TABLE_HEAD = ['| ranking | noise | split | attack | result | by lot |', '| --- | --- | --- | --- | --- | --- |'];

/** Markdown. */
function tableRows({ ranking, noise, split, vectors, family, result, byId }: Row): string[] {
  const lines: string[] = [];
  const head = ranking === 'server' ? `| server, ${vectors} | ${noise} | ${split} |` : `| ${ranking} | - | - |`;
  const add = (name: string, value: string, chance: string): unknown =>
    lines.push(`${head} ${name} | ${value} | ${chance} |`);
  for (const row of result.knownPlaintext ?? []) {
    add(
      `${row.known} known images: bits of the others (codes whole)${row.refined ? ', refined' : ''}`,
      `${percent(row.bits)} (${percent(row.whole)})`,
      '50 % (0 %)',
    );
    add(
      `${row.known} known images: queries, cosine (signs)`,
      `${row.queryCosine.toFixed(3)} (${percent(row.queryBits)})`,
      '0 (50 %)',
    );
  }
  const near = (name: string, share: { found: number; chance: number } | undefined): unknown =>
    share && add(name, share.found.toFixed(3), share.chance.toFixed(3));
  near('vectors, whitened: neighbours, P@10', result.similarity?.whitened);
  near('vectors as stored: neighbours, P@10', result.similarity?.stored);
  if (result.lattice !== undefined)
    add('scores: searches on a lattice', `${result.lattice.found} of ${result.lattice.searches}`, '0');
  if (byId !== undefined)
    add(
      'scores by id, one feature: searches on a lattice (peak)',
      `${byId.found} of ${byId.searches} (${byId.peak.toFixed(2)})`,
      '0',
    );
  near(`shared tokens (${family}): neighbours, P@10`, result.tokens);
  near('order of coming: neighbours, P@10', result.order);
  return lines;
}
