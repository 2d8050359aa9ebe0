import { lookUpPostings } from '../postings';

describe('postings', () => {
  it('finds each record once', () => {
    const tokens: StaticArray<u64> = [5, u64.MAX_VALUE];
    const offsets: StaticArray<u32> = [0, 2, 4];
    const postings: StaticArray<u32> = [0, 2, 2, 1];
    const query: StaticArray<u64> = [u64.MAX_VALUE, 7, 5, 5];
    const stamps = new StaticArray<u32>(3);
    const out = new StaticArray<u32>(3);
    const found = lookUpPostings(
      changetype<usize>(tokens),
      changetype<usize>(offsets),
      2,
      changetype<usize>(postings),
      changetype<usize>(query),
      4,
      changetype<usize>(stamps),
      1,
      changetype<usize>(out),
    );
    expect(found).toBe(3);
    expect(out[0]).toBe(2);
    expect(out[1]).toBe(1);
    expect(out[2]).toBe(0);
  });
});
