/** Squared L2 from one vector to each centroid, in f64. */
export function squaredDistances(vector: Float32Array, centroids: Float32Array): number[] {
  const dims = vector.length;
  return Array.from({ length: centroids.length / dims }, (_, c) => {
    let sum = 0;
    for (let d = 0; d < dims; d++) sum += (vector[d]! - centroids[c * dims + d]!) ** 2;
    return sum;
  });
}

/**
 * Nearest centroid by `<x,c> - |c|^2 / 2` in f32, one product after the other, the lower one on a tie: what every kernel
 * must give, to the bit, however it finds it.
 */
export function nearestByF32(x: Float32Array, centroids: Float32Array): { index: number; margin: number } {
  const dims = x.length;
  let [index, margin] = [0, -Infinity];
  for (let c = 0; c < centroids.length / dims; c++) {
    let [sum, norm] = [0, 0];
    for (let d = 0; d < dims; d++) {
      const value = centroids[c * dims + d]!;
      sum = Math.fround(sum + Math.fround(x[d]! * value));
      norm += value * value;
    }
    const score = Math.fround(sum - Math.fround(norm / 2));
    if (score > margin) [index, margin] = [c, score];
  }
  return { index, margin };
}
