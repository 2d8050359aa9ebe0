import { topK } from '../top-k';

describe('top-k', () => {
  it('chooses the largest, ties by the lower index, never NaN', () => {
    const values: StaticArray<f32> = [1, NaN, 3, 2, 3, -1];
    const scores = new StaticArray<f32>(4);
    const indices = new StaticArray<u32>(4);
    const found = topK(changetype<usize>(values), 6, 4, changetype<usize>(scores), changetype<usize>(indices));
    expect(found).toBe(4);
    expect(indices[0]).toBe(2);
    expect(indices[1]).toBe(4);
    expect(indices[2]).toBe(3);
    expect(indices[3]).toBe(0);
    expect(scores[0]).toBe(3);
  });
});
