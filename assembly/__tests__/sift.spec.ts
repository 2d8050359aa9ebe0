import { norm, rootSift } from '../root-sift';
import { reduceF32 } from '../reduce-f32';
import { siftOrientations } from '../sift-orientation';

describe('SIFT', () => {
  it('RootSIFT of equal entries is equal entries of norm 1', () => {
    const descriptor = new StaticArray<f32>(128);
    for (let i = 0; i < 128; i++) descriptor[i] = 5;
    rootSift(changetype<usize>(descriptor));
    expect(norm(changetype<usize>(descriptor))).toBeCloseTo(1, 6);
    expect(descriptor[17]).toBeCloseTo(0.08838834764831845, 6);
  });

  it('reduction by 3/2 is the mean over the area', () => {
    const source = new StaticArray<u8>(8);
    source[0] = 255;
    source[2] = 255;
    const out = new StaticArray<f32>(4);
    const row = new StaticArray<f32>(8);
    reduceF32(changetype<usize>(source), 3, 1, changetype<usize>(out), 2, 1, 4, changetype<usize>(row));
    expect(out[0]).toBeCloseTo(0.6666667, 6);
    expect(out[1]).toBeCloseTo(0.6666667, 6);
  });

  it('one direction everywhere is the orientation', () => {
    const length = new StaticArray<f32>(256);
    const angle = new StaticArray<f32>(256);
    for (let i = 0; i < 256; i++) {
      length[i] = 1;
      angle[i] = 0.25;
    }
    const scratch = new StaticArray<f32>(128);
    const out = new StaticArray<f32>(18);
    const count = siftOrientations(
      changetype<usize>(length),
      changetype<usize>(angle),
      16,
      16,
      16,
      8,
      8,
      1.6,
      changetype<usize>(scratch),
      changetype<usize>(out),
    );
    expect(count).toBe(1);
    expect(out[0]).toBeCloseTo(0.25, 6);
  });
});
