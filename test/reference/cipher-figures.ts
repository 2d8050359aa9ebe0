/** The usual figures of image ciphers, as their definitions say them. */

export function entropyOf(bytes: readonly number[]): number {
  return [...new Set(bytes)]
    .map((value) => bytes.filter((byte) => byte === value).length / bytes.length)
    .reduce((bits, share) => bits - share * Math.log2(share), 0);
}

export function chiSquareOf(bytes: readonly number[]): number {
  const expected = bytes.length / 256;
  return Array.from({ length: 256 }, (_, value) => bytes.filter((byte) => byte === value).length).reduce(
    (sum, count) => sum + (count - expected) ** 2 / expected,
    0,
  );
}

/** Pearson: covariance over the product of the standard deviations, in two passes. */
export function pearson(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  const covariance = mean(x.map((value, i) => (value - mx) * (y[i]! - my)));
  return covariance / Math.sqrt(mean(x.map((value) => (value - mx) ** 2)) * mean(y.map((value) => (value - my) ** 2)));
}
