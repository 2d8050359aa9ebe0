import { centroidMargins, nearestCentroids, roundVectors } from '../nearest-centroid';

const DIMS: u32 = 4;
const LEVELS: f32 = 32700;
const REACH: f32 = 2;

describe('nearest centroid', () => {
  it('picks the nearest, and the lower index on a tie', () => {
    // Centroids 0, 1, 2 on the first axis; the block's other five are as the last.
    const centroids = new StaticArray<f32>(8 * DIMS);
    const packed = new StaticArray<i16>(8 * (DIMS + 2));
    const halfNorms = new StaticArray<f32>(8);
    // Norm of [t, -|c|^2 / (2 reach), c] of the last.
    const most: f32 = sqrt<f32>(5);
    for (let i = 0; i < 8; i++) {
      const x: f32 = <f32>min(i, 2);
      halfNorms[i] = i < 3 ? (x * x) / 2 : Infinity;
      if (i < 3) centroids[i * DIMS] = x;
      // i16[dims / 2 + 1][8][2]
      packed[2 * i + 1] = <i16>nearest<f32>((-x * x * LEVELS) / (2 * REACH * most));
      packed[16 + 2 * i] = <i16>nearest<f32>((x * LEVELS) / most);
    }
    const vectors = new StaticArray<f32>(4 * DIMS);
    vectors[0 * DIMS] = -1;
    vectors[1 * DIMS] = 0.5;
    vectors[2 * DIMS] = 1.4;
    vectors[3 * DIMS] = 7;
    const rounded = new StaticArray<i16>(4 * (DIMS + 2));
    const norms = new StaticArray<f32>(4);
    const scores = new StaticArray<i16>(4 * 8);
    const indices = new StaticArray<u32>(4);
    const margins = new StaticArray<f32>(4);
    roundVectors(
      changetype<usize>(vectors),
      changetype<usize>(vectors),
      4,
      DIMS,
      DIMS,
      REACH,
      0.0001,
      changetype<usize>(rounded),
      changetype<usize>(norms),
    );
    // i16[count / 4][dims / 2 + 1][4][2]: a hundredth of the norm may be hidden, then reach, then the first numbers.
    expect(rounded[0]).toBe(<i16>nearest<f32>((0.01 * LEVELS) / sqrt<f32>(5)));
    expect(rounded[1]).toBe(<i16>nearest<f32>((2 * LEVELS) / sqrt<f32>(5)));
    expect(rounded[8]).toBe(<i16>nearest<f32>((-1 * LEVELS) / sqrt<f32>(5)));
    expect(norms[3]).toBe(7);
    nearestCentroids(
      changetype<usize>(vectors),
      changetype<usize>(rounded),
      changetype<usize>(norms),
      4,
      DIMS,
      DIMS,
      changetype<usize>(centroids),
      changetype<usize>(packed),
      changetype<usize>(halfNorms),
      1,
      REACH,
      (LEVELS * LEVELS) / most,
      0.001,
      0.001,
      3 * LEVELS,
      changetype<usize>(scores),
      changetype<usize>(indices),
    );
    expect(indices[0]).toBe(0);
    expect(indices[1]).toBe(0);
    expect(indices[2]).toBe(1);
    expect(indices[3]).toBe(2);
    centroidMargins(
      changetype<usize>(vectors),
      4,
      DIMS,
      changetype<usize>(centroids),
      changetype<usize>(halfNorms),
      changetype<usize>(indices),
      changetype<usize>(margins),
    );
    expect(margins[3]).toBe(12);
  });
});
