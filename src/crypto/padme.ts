/**
 * Padme: hides the length of a plaintext among nearby ones, for at most 12 % more bytes.
 *
 * Nikitin et al., "Reducing metadata leakage from encrypted files and communication with PURBs",
 * PoPETs 2019(4), section 4.2: a length L with E = floor(log2 L) and S = floor(log2 E) + 1 is rounded up
 * until its lowest E - S bits are zero.
 * @module
 */
const LENGTH_BYTES = 8;

/** The padded length of `length` bytes. Arithmetic, not shifts: lengths may pass 2^32. */
export function padmeLength(length: number): number {
  if (length < 2) return length;
  const exponent = floorLog2(length);
  const step = 2 ** (exponent - (floorLog2(exponent) + 1));
  // Small lengths have no bit to clear.
  return step <= 1 ? length : Math.ceil(length / step) * step;
}

/** Exact, unlike `Math.floor(Math.log2(n))`. */
function floorLog2(n: number): number {
  let exponent = 0;
  while (n >= 2) {
    n = Math.floor(n / 2);
    exponent++;
  }
  return exponent;
}

/**
 * `u64(length) || bytes || zeros`, `padded(8 + length)` bytes in all.
 * @param padded - Length of what has that many bytes; never less.
 */
export function pad(bytes: Uint8Array, padded: (length: number) => number = padmeLength): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(padded(LENGTH_BYTES + bytes.length));
  new DataView(out.buffer).setBigUint64(0, BigInt(bytes.length), true);
  out.set(bytes, LENGTH_BYTES);
  return out;
}

/** Inverse of {@link pad}: a view; undefined on bytes that `pad` never makes. */
export function unpad(
  padded: Uint8Array,
  paddedLength: (length: number) => number = padmeLength,
): Uint8Array | undefined {
  if (padded.length < LENGTH_BYTES) return undefined;
  const length = Number(new DataView(padded.buffer, padded.byteOffset).getBigUint64(0, true));
  const end = LENGTH_BYTES + length;
  if (end > padded.length || paddedLength(end) !== padded.length) return undefined;
  for (let i = end; i < padded.length; i++) if (padded[i] !== 0) return undefined;
  return padded.subarray(LENGTH_BYTES, end);
}
