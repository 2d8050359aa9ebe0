import { cosTurns, exp } from '../elementary';

describe('elementary functions', () => {
  it('exponential', () => {
    expect(exp(0)).toBe(1);
    expect(exp(-1)).toBeCloseTo(0.36787944117144233, 12);
    expect(exp(2.5)).toBeCloseTo(12.182493960703473, 10);
    expect(exp(-1000)).toBe(0);
  });

  it('cosine, in turns', () => {
    expect(cosTurns(0)).toBe(1);
    expect(cosTurns(0.25)).toBeCloseTo(0, 10);
    expect(cosTurns(0.5)).toBe(-1);
    expect(cosTurns(0.125)).toBeCloseTo(0.7071067811865476, 10);
    expect(cosTurns(-0.25 + 1.0 / 12.0)).toBeCloseTo(0.5, 10);
  });
});
