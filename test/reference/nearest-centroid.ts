/** Squared L2 from one vector to each centroid, in f64. */
export function squaredDistances(vector: Float32Array, centroids: Float32Array): number[] {
  const dims = vector.length;
  return Array.from({ length: centroids.length / dims }, (_, c) => {
    let sum = 0;
    for (let d = 0; d < dims; d++) sum += (vector[d]! - centroids[c * dims + d]!) ** 2;
    return sum;
  });
}
