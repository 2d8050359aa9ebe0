import { reflectRows } from '../reflections';

describe('reflections', () => {
  it('swaps two entries by v = (1, -1), in each row', () => {
    const vectors = new StaticArray<f64>(2);
    vectors[0] = 1;
    vectors[1] = -1;
    const rows = new StaticArray<f64>(4);
    rows[0] = 3;
    rows[1] = 5;
    rows[2] = -1;
    rows[3] = 0.5;
    reflectRows(changetype<usize>(vectors), changetype<usize>(rows), 2, 2);
    expect(rows[0]).toBe(5);
    expect(rows[1]).toBe(3);
    expect(rows[2]).toBe(0.5);
    expect(rows[3]).toBe(-1);
  });
});
