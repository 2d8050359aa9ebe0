/**
 * Everything the host may call. A kernel that is not listed here is not exported.
 */
export { hammingScan, hammingScanScalar } from './hamming';

/** First byte the host may use; everything below it belongs to the compiler. */
export function heapBase(): usize {
  return __heap_base;
}
