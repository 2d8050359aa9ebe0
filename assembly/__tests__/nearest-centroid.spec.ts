import { nearestCentroids, roundVectors } from '../nearest-centroid';

const DIMS: u32 = 4;
const LEVELS: f32 = 32700;
// Of the centroids below.
const LARGEST_NORM: f32 = 2;

describe('nearest centroid', () => {
  it('picks the nearest, and the lower index on a tie', () => {
    // Centroids 0, 1, 2 on the first axis; the block's other five are empty.
    const centroids = new StaticArray<f32>(8 * DIMS);
    const packed = new StaticArray<i16>(8 * DIMS);
    const halfNorms = new StaticArray<f32>(8);
    for (let i = 0; i < 8; i++) halfNorms[i] = Infinity;
    for (let i = 0; i < 3; i++) {
      centroids[i * DIMS] = <f32>i;
      // i16[dims / 2][8][2]
      packed[2 * i] = <i16>((<f32>i * LEVELS) / LARGEST_NORM);
      halfNorms[i] = <f32>(i * i) / 2;
    }
    const vectors = new StaticArray<f32>(4 * DIMS);
    vectors[0 * DIMS] = -1;
    vectors[1 * DIMS] = 0.5;
    vectors[2 * DIMS] = 1.4;
    vectors[3 * DIMS] = 7;
    const rounded = new StaticArray<i16>(4 * DIMS);
    const norms = new StaticArray<f32>(4);
    const scores = new StaticArray<f32>(4 * 8);
    const indices = new StaticArray<u32>(4);
    const margins = new StaticArray<f32>(4);
    roundVectors(changetype<usize>(vectors), 4, DIMS, changetype<usize>(rounded), changetype<usize>(norms));
    // i16[count / 4][dims / 2][4][2]: the first numbers of the four.
    expect(rounded[0]).toBe(-32700);
    expect(rounded[2]).toBe(32700);
    expect(norms[3]).toBe(7);
    nearestCentroids(
      changetype<usize>(vectors),
      changetype<usize>(rounded),
      changetype<usize>(norms),
      4,
      DIMS,
      changetype<usize>(centroids),
      changetype<usize>(packed),
      changetype<usize>(halfNorms),
      1,
      LARGEST_NORM / (LEVELS * LEVELS),
      0.001,
      0.001,
      changetype<usize>(scores),
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
