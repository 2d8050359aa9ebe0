import { edgeHistogram } from '../edge-histogram';

describe('edge-histogram', () => {
  it('finds a vertical edge in every 2 x 2 block', () => {
    const luma = new StaticArray<u8>(64);
    for (let i = 0; i < 64; i++) luma[i] = i % 2 == 0 ? 200 : 0;
    const sums = new StaticArray<u16>(112);
    const halves = new StaticArray<i32>(32);
    const blocks = new StaticArray<u32>(16);
    const edges = new StaticArray<u32>(80);
    edgeHistogram(
      changetype<usize>(luma),
      8,
      8,
      2,
      changetype<usize>(sums),
      changetype<usize>(halves),
      changetype<usize>(blocks),
      changetype<usize>(edges),
    );
    for (let sub = 0; sub < 16; sub++) {
      expect(blocks[sub]).toBe(1);
      expect(edges[5 * sub]).toBe(1);
      for (let kind = 1; kind < 5; kind++) expect(edges[5 * sub + kind]).toBe(0);
    }
  });
});
