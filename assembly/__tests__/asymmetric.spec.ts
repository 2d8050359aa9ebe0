import { asymmetricScores, asymmetricTables } from '../asymmetric';

describe('asymmetric', () => {
  it('adds every number of the query with the sign of its bit', () => {
    const query = new StaticArray<f32>(64);
    query[0] = 1;
    query[7] = 2;
    query[63] = 4;
    // Byte 0 of sixteen codes, then byte 1: the second code has 0x81 as its first.
    const codes = new StaticArray<u8>(128);
    codes[1] = 0x81;
    const tables = new StaticArray<f32>(8 * 256);
    const out = new StaticArray<f32>(2);
    asymmetricTables(changetype<usize>(query), 8, changetype<usize>(tables));
    asymmetricScores(changetype<usize>(tables), changetype<usize>(codes), 0, 2, 8, changetype<usize>(out));
    expect(out[0]).toBe(-7);
    expect(out[1]).toBe(-1);
  });
});
