import { resizeArea, resizeBilinear } from '../resize';

describe('resize', () => {
  it('averages, halves up', () => {
    const plane: StaticArray<u8> = [0, 10, 20, 31, 2, 12, 22, 33];
    const sums = new StaticArray<u32>(4);
    const out = new StaticArray<u8>(2);
    resizeArea(changetype<usize>(plane), 4, 2, 1, 2, 1, 0, 1, changetype<usize>(sums), changetype<usize>(out));
    expect(out[0]).toBe(6);
    expect(out[1]).toBe(27);
  });

  it('interpolates between pixel centres', () => {
    const plane: StaticArray<u8> = [0, 100];
    const out = new StaticArray<u8>(4);
    resizeBilinear(changetype<usize>(plane), 2, 1, 1, 4, 1, changetype<usize>(out));
    const expected: StaticArray<u8> = [0, 25, 75, 100];
    for (let i = 0; i < 4; i++) expect(out[i]).toBe(expected[i]);
  });
});
