/**
 * Everything the host may call. A kernel that is not listed here is not exported.
 */
export { topK } from './top-k';
export { hammingScan, hammingScanScalar, hammingTop } from './hamming';
export { asymmetricTables, asymmetricScores, asymmetricTop } from './asymmetric';
export { asymmetricTopBounded } from './asymmetric-bound';
export { innerProducts, innerProductTop } from './inner-product';
export { innerProductTopMany } from './inner-product-many';
export { int8Products, int8ProductTop } from './int8-product';
export { centre, project } from './projection';
export { packSigns } from './pack-signs';
export { gatherBits } from './gather-bits';
export { lookUpPostings } from './postings';
export { logisticXor } from './logistic';
export { multiplyF32, multiplyTransposedF32 } from './matmul-f32';
export { multiplyF64, multiplyVectorF64, reflectF64 } from './matmul-f64';

/** First byte the host may use; everything below it belongs to the compiler. */
export function heapBase(): usize {
  return __heap_base;
}
export { denseSiftGrid, denseSiftSums } from './dense-sift';
export { gaussianBlur, gaussianWeights } from './gaussian-blur';
export { centroidMargins, nearestCentroids, roundVectors } from './nearest-centroid';
export { reduceF32 } from './reduce-f32';
export { doublePlane, halvePlane } from './scale-plane';
export { siftDescriptor } from './sift-descriptor';
export { siftExtrema, subtractPlanes } from './sift-extrema';
export { siftGradient } from './sift-gradient';
export { siftOrientations } from './sift-orientation';

export { luma } from './luma';
export { flatten } from './flatten';
export { orient } from './orient';
export { resizeArea, resizeBilinear } from './resize';
export { edgeHistogram } from './edge-histogram';

export { reflectRows } from './reflections';
