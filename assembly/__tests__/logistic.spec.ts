import { logisticXor } from '../logistic';

describe('logistic', () => {
  it('is its own inverse, and a short stream begins a long one', () => {
    const seed = new StaticArray<u8>(128);
    for (let i = 0; i < 128; i++) seed[i] = <u8>i;
    const long = new StaticArray<u8>(64);
    const short = new StaticArray<u8>(64);
    logisticXor(changetype<usize>(seed), changetype<usize>(long), 64);
    logisticXor(changetype<usize>(seed), changetype<usize>(short), 45);
    for (let i = 0; i < 64; i++) expect(short[i]).toBe(i < 45 ? long[i] : 0);
    logisticXor(changetype<usize>(seed), changetype<usize>(long), 64);
    for (let i = 0; i < 64; i++) expect(long[i]).toBe(0);
  });
});
