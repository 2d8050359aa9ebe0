/**
 * Everything the host may call. A kernel that is not listed here is not exported.
 */
export { topK } from './top-k';
export { hammingScan, hammingScanScalar, hammingTop } from './hamming';
export { asymmetricTables, asymmetricScores, asymmetricTop } from './asymmetric';
export { innerProducts, innerProductTop } from './inner-product';
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
