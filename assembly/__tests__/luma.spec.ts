import { luma } from '../luma';

describe('luma', () => {
  it('weighs the primaries', () => {
    const rgb: StaticArray<u8> = [255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255, 255, 0, 0, 0];
    const out = new StaticArray<u8>(7);
    luma(changetype<usize>(rgb), 7, changetype<usize>(out));
    const expected: StaticArray<u8> = [255, 76, 150, 29, 226, 179, 0];
    for (let i = 0; i < 7; i++) expect(out[i]).toBe(expected[i]);
  });
});
