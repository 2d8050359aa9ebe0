import { int8Products } from '../int8-product';

describe('int8-product', () => {
  it('multiplies, adds and scales, with a tail of eight', () => {
    const query = new StaticArray<i16>(40);
    const rows = new StaticArray<i8>(96);
    for (let i = 0; i < 40; i++) {
      query[i] = <i16>i;
      rows[i] = 1;
      rows[48 + i] = i == 39 ? -2 : 0;
    }
    const base = changetype<usize>(rows);
    store<f32>(base + 40, 0.5);
    store<f32>(base + 88, 3);
    const out = new StaticArray<f32>(2);
    int8Products(changetype<usize>(query), base, 0, 2, 40, changetype<usize>(out));
    expect(out[0]).toBe(390);
    expect(out[1]).toBe(-234);
  });
});
