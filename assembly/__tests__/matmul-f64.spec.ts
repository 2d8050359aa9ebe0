import { multiplyF64, multiplyVectorF64, reflectF64 } from '../matmul-f64';

describe('matmul-f64', () => {
  it('multiplies', () => {
    const a: StaticArray<f64> = [1, 2, 3, 4];
    const b: StaticArray<f64> = [5, 6, 7, 8];
    const c = new StaticArray<f64>(4);
    const scratch = new StaticArray<u8>(8320);
    multiplyF64(changetype<usize>(a), changetype<usize>(b), 2, 2, 2, changetype<usize>(c), changetype<usize>(scratch));
    expect(c[1]).toBe(22);
    expect(c[2]).toBe(43);
    multiplyVectorF64(changetype<usize>(a), changetype<usize>(b), 2, 2, changetype<usize>(c));
    expect(c[0]).toBe(17);
    expect(c[1]).toBe(39);
  });

  it('swaps the axes by a reflection', () => {
    const matrix: StaticArray<f64> = [1, 2, 3, 4];
    const v: StaticArray<f64> = [1, -1];
    const scratch = new StaticArray<f64>(2);
    reflectF64(changetype<usize>(matrix), 2, 2, changetype<usize>(v), 0, changetype<usize>(scratch));
    expect(matrix[0]).toBe(3);
    expect(matrix[3]).toBe(2);
  });
});
