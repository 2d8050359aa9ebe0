import { flatten } from '../flatten';

describe('flatten', () => {
  it('lays transparent pixels over white, in place', () => {
    const pixels: StaticArray<u8> = [0, 0, 0, 128, 10, 20, 30, 0, 1, 2, 3, 255];
    flatten(changetype<usize>(pixels), 3, changetype<usize>(pixels));
    const expected: StaticArray<u8> = [127, 127, 127, 255, 255, 255, 1, 2, 3];
    for (let i = 0; i < 9; i++) expect(pixels[i]).toBe(expected[i]);
  });
});
