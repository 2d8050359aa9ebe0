/**
 * The compiled kernels: loading, and laying out their memory.
 *
 * Kernels are pure functions over pointers. The host owns the memory: it lays regions
 * out once, grows once, and only then takes views, so no view ever goes stale.
 * @module
 */

/** Exports of `assembly/index.ts`. Pointers are byte offsets into `memory`. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  heapBase(): number;
  // top-k.ts
  topK(values: number, count: number, k: number, scores: number, indices: number): number;
  // hamming.ts
  hammingScan(query: number, codes: number, count: number, codeBytes: number, out: number): void;
  hammingScanScalar(query: number, codes: number, count: number, codeBytes: number, out: number): void;
  hammingTop(
    query: number,
    codes: number,
    count: number,
    codeBytes: number,
    scalar: number,
    k: number,
    block: number,
    scores: number,
    indices: number,
  ): number;
  // asymmetric.ts
  asymmetricTables(query: number, codeBytes: number, tables: number): void;
  asymmetricScores(
    tables: number,
    blocks: number,
    candidates: number,
    count: number,
    codeBytes: number,
    out: number,
  ): void;
  asymmetricTop(
    tables: number,
    blocks: number,
    candidates: number,
    count: number,
    codeBytes: number,
    k: number,
    block: number,
    scores: number,
    indices: number,
  ): number;
  // asymmetric-bound.ts
  asymmetricTopBounded(
    tables: number,
    nibbles: number,
    offset: number,
    step: number,
    blocks: number,
    count: number,
    codeBytes: number,
    k: number,
    block: number,
    scores: number,
    indices: number,
  ): number;
  // inner-product.ts
  innerProducts(query: number, rows: number, count: number, dims: number, out: number): void;
  innerProductTop(
    query: number,
    rows: number,
    candidates: number,
    count: number,
    dims: number,
    k: number,
    block: number,
    scores: number,
    indices: number,
  ): number;
  // inner-product-many.ts
  innerProductTopMany(
    queries: number,
    queryCount: number,
    rows: number,
    count: number,
    dims: number,
    k: number,
    listBytes: number,
    block: number,
    scores: number,
    indices: number,
    found: number,
  ): void;
  // int8-product.ts
  int8Products(query: number, rows: number, candidates: number, count: number, dims: number, out: number): void;
  int8ProductTop(
    query: number,
    rows: number,
    candidates: number,
    count: number,
    dims: number,
    k: number,
    block: number,
    scores: number,
    indices: number,
  ): number;
  // projection.ts
  centre(x: number, mean: number, dims: number, normalise: number): void;
  project(matrix: number, x: number, offset: number, rows: number, dims: number, out: number): void;
  // pack-signs.ts
  packSigns(values: number, count: number, out: number): void;
  // gather-bits.ts
  gatherBits(code: number, positions: number, sampleCount: number, sampleBits: number, out: number): void;
  // postings.ts
  lookUpPostings(
    tokens: number,
    offsets: number,
    tokenCount: number,
    postings: number,
    query: number,
    queryCount: number,
    stamps: number,
    stamp: number,
    out: number,
  ): number;
  // logistic.ts
  logisticXor(seed: number, data: number, count: number): void;
  // matmul-f32.ts
  multiplyF32(a: number, b: number, rows: number, inner: number, columns: number, c: number, scratch: number): void;
  multiplyTransposedF32(
    a: number,
    b: number,
    rows: number,
    inner: number,
    columns: number,
    c: number,
    scratch: number,
  ): void;
  // matmul-f64.ts
  multiplyF64(a: number, b: number, rows: number, inner: number, columns: number, c: number, scratch: number): void;
  multiplyVectorF64(matrix: number, x: number, rows: number, columns: number, out: number): void;
  reflectF64(matrix: number, rows: number, columns: number, v: number, from: number, scratch: number): void;
  // reflections.ts
  reflectRows(vectors: number, rows: number, count: number, side: number): void;
  // reduce-f32
  reduceF32(
    source: number,
    width: number,
    height: number,
    out: number,
    outWidth: number,
    outHeight: number,
    outStride: number,
    row: number,
  ): void;
  // scale-plane
  halvePlane(source: number, stride: number, out: number, outWidth: number, outHeight: number, outStride: number): void;
  doublePlane(source: number, width: number, height: number, stride: number, out: number, outStride: number): void;
  // gaussian-blur
  gaussianWeights(sigma: number, radius: number, out: number): void;
  gaussianBlur(
    source: number,
    out: number,
    width: number,
    height: number,
    stride: number,
    weights: number,
    radius: number,
    row: number,
  ): void;
  // sift-extrema
  subtractPlanes(a: number, b: number, out: number, count: number): void;
  siftExtrema(
    stack: number,
    planeBytes: number,
    levels: number,
    width: number,
    height: number,
    stride: number,
    contrast: number,
    edge: number,
    out: number,
    capacity: number,
  ): number;
  // sift-gradient
  siftGradient(plane: number, width: number, height: number, stride: number, length: number, angle: number): void;
  // sift-orientation
  siftOrientations(
    length: number,
    angle: number,
    width: number,
    height: number,
    stride: number,
    x: number,
    y: number,
    sigma: number,
    scratch: number,
    out: number,
  ): number;
  // sift-descriptor
  siftDescriptor(
    length: number,
    angle: number,
    width: number,
    height: number,
    stride: number,
    x: number,
    y: number,
    sigma: number,
    turns: number,
    scratch: number,
    out: number,
  ): number;
  // dense-sift
  denseSiftSums(
    length: number,
    angle: number,
    width: number,
    height: number,
    stride: number,
    column: number,
    out: number,
  ): void;
  denseSiftGrid(
    sums: number,
    width: number,
    height: number,
    cell: number,
    step: number,
    contrast: number,
    places: number,
    descriptors: number,
  ): number;
  // nearest-centroid
  roundVectors(
    vectors: number,
    projected: number,
    count: number,
    dims: number,
    kept: number,
    reach: number,
    slack: number,
    out: number,
    norms: number,
  ): void;
  nearestCentroids(
    vectors: number,
    rounded: number,
    norms: number,
    count: number,
    dims: number,
    kept: number,
    centroids: number,
    packed: number,
    halfNorms: number,
    blocks: number,
    reach: number,
    unit: number,
    doubt: number,
    least: number,
    rounding: number,
    scores: number,
    indices: number,
  ): void;
  centroidMargins(
    vectors: number,
    count: number,
    dims: number,
    centroids: number,
    halfNorms: number,
    indices: number,
    margins: number,
  ): void;
  // luma, flatten, orient, resize, edge-histogram
  luma(rgb: number, count: number, out: number): void;
  flatten(rgba: number, count: number, out: number): void;
  orient(rgb: number, width: number, height: number, orientation: number, out: number): void;
  resizeArea(
    source: number,
    width: number,
    height: number,
    channels: number,
    outWidth: number,
    outHeight: number,
    rowFrom: number,
    rowTo: number,
    sums: number,
    out: number,
  ): void;
  resizeBilinear(
    source: number,
    width: number,
    height: number,
    channels: number,
    outWidth: number,
    outHeight: number,
    out: number,
  ): void;
  edgeHistogram(
    luma: number,
    width: number,
    height: number,
    side: number,
    sums: number,
    halves: number,
    blocks: number,
    edges: number,
  ): void;
}

const PAGE = 65536;
const ALIGN = 16;

/** Compiles the kernels from bytes the caller has read or fetched. Pure: no file, no network. */
export function compileKernels(wasm: BufferSource): Promise<WebAssembly.Module> {
  return WebAssembly.compile(wasm);
}

/** Makes a fresh instance with its own memory. Takes tens of microseconds; share the module, not the instance. */
export function instantiateKernels(module: WebAssembly.Module): Kernels {
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}

/**
 * Places regions one after another from the heap base, each 16-byte aligned, and grows
 * memory to hold them all. Views taken before a call may be stale after it: take them anew.
 * @param sizes - Bytes per region, in order.
 * @returns Pointer per region.
 * @throws When 4 GiB do not hold them. {@link RangeError}
 */
export function layOut<Region extends string>(kernels: Kernels, sizes: Record<Region, number>): Record<Region, number> {
  let top = kernels.heapBase();
  const pointers = {} as Record<Region, number>;
  for (const region in sizes) {
    top = Math.ceil(top / ALIGN) * ALIGN;
    pointers[region] = top;
    top += sizes[region];
  }
  const missing = top - kernels.memory.buffer.byteLength;
  if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE));
  return pointers;
}
