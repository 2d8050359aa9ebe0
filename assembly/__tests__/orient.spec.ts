import { orient } from '../orient';

describe('orient', () => {
  it('turns a row of two as each orientation says', () => {
    const rgb: StaticArray<u8> = [1, 2, 3, 4, 5, 6];
    const out = new StaticArray<u8>(6);
    for (let orientation: u32 = 1; orientation <= 8; orientation++) {
      orient(changetype<usize>(rgb), 2, 1, orientation, changetype<usize>(out));
      const reversed = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      expect(out[0]).toBe(reversed ? 4 : 1);
      expect(out[5]).toBe(reversed ? 3 : 6);
    }
  });
});
