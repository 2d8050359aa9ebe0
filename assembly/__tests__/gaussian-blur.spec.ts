import { gaussianBlur, gaussianWeights } from '../gaussian-blur';

describe('gaussian blur', () => {
  it('keeps a flat plane flat, and its weights add up to 1', () => {
    const weights = new StaticArray<f32>(4);
    gaussianWeights(1, 3, changetype<usize>(weights));
    expect(<f64>weights[0] + 2 * (<f64>weights[1] + <f64>weights[2] + <f64>weights[3])).toBeCloseTo(1, 6);
    // 5 columns in rows of 8, one row.
    const source = new StaticArray<f32>(8);
    const out = new StaticArray<f32>(8);
    const row = new StaticArray<f32>(14);
    for (let i = 0; i < 5; i++) source[i] = 3;
    gaussianBlur(
      changetype<usize>(source),
      changetype<usize>(out),
      5,
      1,
      8,
      changetype<usize>(weights),
      3,
      changetype<usize>(row),
    );
    for (let i = 0; i < 5; i++) expect(out[i]).toBeCloseTo(3, 5);
  });
});
