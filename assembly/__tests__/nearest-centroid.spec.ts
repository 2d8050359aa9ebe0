import { nearestCentroids } from '../nearest-centroid';

describe('nearest centroid', () => {
  it('picks the nearest, and the lower index on a tie', () => {
    // Centroids 0, 1, 2 on a line; the block's other five are empty.
    const centroids = new StaticArray<f32>(8);
    const halfNorms = new StaticArray<f32>(8);
    for (let i = 0; i < 8; i++) halfNorms[i] = Infinity;
    for (let i = 0; i < 3; i++) {
      centroids[i] = <f32>i;
      halfNorms[i] = <f32>(i * i) / 2;
    }
    const vectors = new StaticArray<f32>(4);
    vectors[0] = -1;
    vectors[1] = 0.5;
    vectors[2] = 1.4;
    vectors[3] = 7;
    const scratch = new StaticArray<f32>(16);
    const indices = new StaticArray<u32>(4);
    const margins = new StaticArray<f32>(4);
    nearestCentroids(
      changetype<usize>(vectors),
      4,
      1,
      changetype<usize>(centroids),
      changetype<usize>(halfNorms),
      1,
      changetype<usize>(scratch),
      changetype<usize>(indices),
      changetype<usize>(margins),
    );
    expect(indices[0]).toBe(0);
    expect(indices[1]).toBe(0);
    expect(indices[2]).toBe(1);
    expect(indices[3]).toBe(2);
    expect(margins[3]).toBe(12);
  });
});
