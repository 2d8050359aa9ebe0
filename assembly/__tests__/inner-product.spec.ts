import { innerProducts } from '../inner-product';

describe('inner-product', () => {
  it('multiplies and adds, with a tail of four', () => {
    const query = new StaticArray<f32>(20);
    const rows = new StaticArray<f32>(40);
    for (let i = 0; i < 20; i++) {
      query[i] = <f32>i;
      rows[i] = 1;
      rows[20 + i] = i == 19 ? 2 : 0;
    }
    const out = new StaticArray<f32>(2);
    innerProducts(changetype<usize>(query), changetype<usize>(rows), 2, 20, changetype<usize>(out));
    expect(out[0]).toBe(190);
    expect(out[1]).toBe(38);
  });
});
