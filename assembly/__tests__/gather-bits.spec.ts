import { gatherBits } from '../gather-bits';

describe('gather-bits', () => {
  it('packs samples LSB first, each to whole bytes', () => {
    const code: StaticArray<u8> = [0b101, 0x80];
    const positions: StaticArray<u32> = [0, 1, 2, 15, 3, 2];
    const out = new StaticArray<u8>(2);
    gatherBits(changetype<usize>(code), changetype<usize>(positions), 2, 3, changetype<usize>(out));
    expect(out[0]).toBe(0b101);
    expect(out[1]).toBe(0b101);
  });
});
