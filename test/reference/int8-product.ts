/** The definition: integers of the query, their sum of products, its scale. Shares no code with the table. */
export interface RoundedQuery {
  readonly integers: readonly number[];
  readonly step: number;
}

/** As many steps as leave every sum of `128 * integer` within 31 bits, and at most 32767. */
export function roundQuery(query: Float32Array): RoundedQuery {
  const largest = Math.max(0, ...Array.from(query, Math.abs));
  const steps = Math.min(32767, Math.floor(2147483647 / (128 * query.length)));
  if (largest === 0) return { integers: Array.from(query, () => 0), step: 0 };
  return { integers: Array.from(query, (number) => Math.round((number / largest) * steps)), step: largest / steps };
}

/** @param vector - i8[dims] and four bytes of f32. */
export function int8Product({ integers, step }: RoundedQuery, vector: Int8Array): number {
  const scale = Buffer.from(vector.buffer, vector.byteOffset + integers.length, 4).readFloatLE();
  let sum = 0n;
  for (let i = 0; i < integers.length; i++) sum += BigInt(integers[i]!) * BigInt(vector[i]!);
  return Math.fround(Math.fround(scale * Math.fround(Number(sum))) * step);
}
