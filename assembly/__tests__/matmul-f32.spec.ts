import { multiplyF32, multiplyTransposedF32 } from '../matmul-f32';

describe('matmul-f32', () => {
  it('multiplies, and multiplies by the transposed', () => {
    const a: StaticArray<f32> = [1, 2, 3, 4];
    const b: StaticArray<f32> = [5, 6, 7, 8];
    const c = new StaticArray<f32>(4);
    const scratch = new StaticArray<u8>(16512);
    multiplyF32(changetype<usize>(a), changetype<usize>(b), 2, 2, 2, changetype<usize>(c), changetype<usize>(scratch));
    expect(c[0]).toBe(19);
    expect(c[3]).toBe(50);
    multiplyTransposedF32(
      changetype<usize>(a),
      changetype<usize>(b),
      2,
      2,
      2,
      changetype<usize>(c),
      changetype<usize>(scratch),
    );
    expect(c[0]).toBe(17);
    expect(c[3]).toBe(53);
  });
});
