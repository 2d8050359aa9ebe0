/** The lsh family from SCHEME 3 and the sampler's description, by node:crypto and by trying every subset. */
import { createHmac } from 'node:crypto';

export interface Family {
  tables: number;
  bitsPerTable: number;
  blocks: { bits: number; weight: number }[];
}

export function positions(key: Uint8Array, { tables, bitsPerTable, blocks }: Family): number[][] {
  const stream: number[] = [];
  let counter = 0n;
  const below = (n: number): number => {
    for (;;) {
      if (stream.length === 0) {
        const input = Buffer.alloc(8);
        input.writeBigUInt64LE(counter++);
        const block = createHmac('sha256', key).update(input).digest();
        for (let i = 0; i < 32; i += 4) stream.push(block.readUInt32LE(i));
      }
      const word = stream.shift()!;
      if (word < Math.floor(2 ** 32 / n) * n) return word % n;
    }
  };
  const out: number[][] = [];
  for (let t = 0; t < tables; t++) {
    const table: number[] = [];
    while (table.length < bitsPerTable) {
      const starts = blocks.map((_, f) => blocks.slice(0, f).reduce((sum, { bits }) => sum + bits, 0));
      const open = blocks.map(({ bits, weight }, f) =>
        table.filter((p) => p >= starts[f]! && p < starts[f]! + bits).length < bits ? weight : 0,
      );
      // The block that holds ticket r, when each has as many tickets as its weight.
      const r = below(open.reduce((sum, weight) => sum + weight, 0));
      const f = open.findIndex((_, g) => r < open.slice(0, g + 1).reduce((sum, weight) => sum + weight, 0));
      let position = starts[f]! + below(blocks[f]!.bits);
      while (table.includes(position)) position = starts[f]! + below(blocks[f]!.bits);
      table.push(position);
    }
    out.push(table);
  }
  return out;
}

export function token(key: Uint8Array, fingerprint: Uint8Array, table: number, bits: readonly number[]): bigint {
  const number = Buffer.alloc(2);
  number.writeUInt16LE(table);
  const packed = Buffer.alloc(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => (packed[Math.floor(i / 8)]! += bit * 2 ** (i % 8)));
  const input = Buffer.concat([fingerprint, number, packed]);
  return createHmac('sha256', key).update(input).digest().readBigUInt64LE(0);
}

/** All subsets of 0 .. costs.length, cheapest first; equal costs by the number whose bit i is element i. */
export function subsets(costs: readonly number[]): { set: number; cost: number }[] {
  const all = Array.from({ length: 2 ** costs.length }, (_, set) => ({
    set,
    cost: costs.reduce((sum, cost, i) => ((set >> i) & 1 ? sum + cost : sum), 0),
  }));
  return all.sort((a, b) => a.cost - b.cost || a.set - b.set);
}
