/** Resizing, pixel by pixel, in whole numbers of any length. */

/** Mean of the source under each output pixel, halves up. */
export function area(
  source: Uint8Array,
  width: number,
  height: number,
  channels: number,
  outWidth: number,
  outHeight: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(channels * outWidth * outHeight);
  // Overlap of source pixel i with output pixel o, in units of 1 / outLength.
  const overlap = (i: number, o: number, length: number, outLength: number): number =>
    Math.max(0, Math.min((i + 1) * outLength, (o + 1) * length) - Math.max(i * outLength, o * length));
  const total = BigInt(width * height);
  for (let y = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++)
      for (let c = 0; c < channels; c++) {
        let sum = 0n;
        for (let j = 0; j < height; j++)
          for (let i = 0; i < width; i++) {
            const weight = overlap(i, x, width, outWidth) * overlap(j, y, height, outHeight);
            if (weight > 0) sum += BigInt(weight * source[channels * (j * width + i) + c]!);
          }
        out[channels * (y * outWidth + x) + c] = Number((2n * sum + total) / (2n * total));
      }
  return out;
}

/** Bilinear by BigInt fractions: halves up, with no rounding on the way. */
export function bilinear(
  source: Uint8Array,
  width: number,
  height: number,
  channels: number,
  outWidth: number,
  outHeight: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(channels * outWidth * outHeight);
  // Position 2 * outLength * ((i + 0.5) * length / outLength - 0.5), and the two pixels about it with their weights.
  const taps = (i: number, length: number, outLength: number): [number, number, bigint, bigint] => {
    const p = Math.min(Math.max((2 * i + 1) * length - outLength, 0), 2 * outLength * (length - 1));
    const first = Math.floor(p / (2 * outLength));
    const second = Math.min(first + 1, length - 1);
    const weight = p - first * 2 * outLength;
    return [first, second, BigInt(2 * outLength - weight), BigInt(weight)];
  };
  const total = BigInt(4 * outWidth * outHeight);
  for (let y = 0; y < outHeight; y++) {
    const [y0, y1, v0, v1] = taps(y, height, outHeight);
    for (let x = 0; x < outWidth; x++) {
      const [x0, x1, u0, u1] = taps(x, width, outWidth);
      for (let c = 0; c < channels; c++) {
        const at = (px: number, py: number): bigint => BigInt(source[channels * (py * width + px) + c]!);
        const sum = v0 * (u0 * at(x0, y0) + u1 * at(x1, y0)) + v1 * (u0 * at(x0, y1) + u1 * at(x1, y1));
        out[channels * (y * outWidth + x) + c] = Number((2n * sum + total) / (2n * total));
      }
    }
  }
  return out;
}
