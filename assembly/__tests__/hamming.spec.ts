import { hammingScan, hammingScanScalar } from '../hamming';

describe('hamming', () => {
  it('counts the bits that differ, in both variants', () => {
    // One SIMD step and one 8-byte tail.
    const query = new StaticArray<u8>(24);
    const codes = new StaticArray<u8>(48);
    codes[0] = 0xff;
    codes[23] = 0x01;
    for (let i = 24; i < 48; i++) codes[i] = 0xff;
    const out = new StaticArray<u32>(2);
    hammingScan(changetype<usize>(query), changetype<usize>(codes), 2, 24, changetype<usize>(out));
    expect(out[0]).toBe(9);
    expect(out[1]).toBe(192);
    hammingScanScalar(changetype<usize>(query), changetype<usize>(codes), 2, 24, changetype<usize>(out));
    expect(out[0]).toBe(9);
    expect(out[1]).toBe(192);
  });
});
