import { centre, project } from '../projection';

describe('projection', () => {
  it('normalises, and leaves zeros', () => {
    const x: StaticArray<f32> = [3, 4, 0, 0];
    const mean: StaticArray<f32> = [0, 0, 0, 0];
    centre(changetype<usize>(x), changetype<usize>(mean), 4, 1);
    expect(x[0]).toBe(<f32>0.6);
    expect(x[1]).toBe(<f32>0.8);
    centre(changetype<usize>(mean), changetype<usize>(mean), 4, 1);
    expect(mean[0]).toBe(0);
  });

  it('multiplies and subtracts the offset', () => {
    const matrix: StaticArray<f32> = [1, 2, 3, 4];
    const x: StaticArray<f32> = [1, 1, 1, 1];
    const offset: StaticArray<f32> = [7];
    const out = new StaticArray<f32>(1);
    project(changetype<usize>(matrix), changetype<usize>(x), changetype<usize>(offset), 1, 4, changetype<usize>(out));
    expect(out[0]).toBe(3);
  });
});
