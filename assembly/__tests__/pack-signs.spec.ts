import { packSigns } from '../pack-signs';

describe('pack-signs', () => {
  it('takes both zeros for positive and NaN for negative', () => {
    const values: StaticArray<f32> = [1, -1, 0, -0.0, NaN, 2, -2, 3, -1, 1];
    const out = new StaticArray<u8>(2);
    packSigns(changetype<usize>(values), 10, changetype<usize>(out));
    expect(out[0]).toBe(0b10101101);
    expect(out[1]).toBe(0b10);
  });
});
