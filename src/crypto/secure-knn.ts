/**
 * Secure kNN: the server ranks by inner product without seeing either vector. After Wong et al. (SIGMOD 2009), with the random
 * splits and slots of Cao et al. (INFOCOM 2011), over codes of `bits` = n entries +1/-1.
 *
 * `d' = n + 32 + 1`. A stored vector is `p^ = pi(p + e | e' | 1)`, with every entry of e and e' drawn from N(0, sigma^2 / n), a trapdoor's is `q^ = pi(r q | r on half of the 32 slots, 0 on the others | t)`;
 * each is split in two by the key's bits S and multiplied: `(M1^T p_a, M2^T p_b)` and `(M1^-1 q_a, M2^-1 q_b)`. Then
 * `score = <ciphertext, trapdoor> = r (<p, q> + noise) + t`, larger is nearer. The noise is `<e, q>` and half of e': N(0, sigma^2 (|q|^2 + 16) / n), so sigma is its
 * deviation, in the unit of `<p, q>`, for a query of the length of a code.
 *
 * Noise in entries of its own, as in Cao et al., hinders no one who sees many vectors: a linear map takes it off (`attacks/`). On the entries
 * of the code it cannot be taken off one vector: whatever is known, a share `Phi(-sqrt(n) / sigma)` of the bits is read wrongly off its entries.
 *
 * **What it does not give**: of 3902 stored images, 1000 known ones give all bits of the other codes at sigma 0, 95 % of them at sigma 8 and queries to a
 * cosine of 0.90. See `docs/THREAT-MODEL.md`.
 *
 * **Key expansion** (integers and `+ - * / sqrt` in f64 only, so equal on every engine). Words are `chachaWords(key, label)`:
 * - `split`: d' words; `S[i] = word & 1`.
 * - `permute`: Fisher-Yates on 0..d'-1, from i = d'-1 down to 1: swap with `below(i + 1)`. Entry i goes to place pi[i].
 * - `diagonal/1`, `diagonal/2`: d' words each; `D[i] = 0.5 + word * 2^-32 * 1.5`.
 * - `reflect/1` .. `reflect/4`: `M1 = Q1 D1 Q2`, `M2 = Q3 D2 Q4`, each Q a random orthogonal matrix as `reflections.ts` draws it.
 *   A diagonal between two such matrices shows itself in neither the rows nor the columns of M.
 *
 * **int8**: a stored vector may be rounded to 8 bits under a scale of its own, `largest / 127`. The rounding error e adds `<e, q^>` to a score, and t is the
 * longest part of a trapdoor by far: so the client, who knows the direction u that every t comes in, `u = (M1^-1, M2^-1)` of the last entry, rounds
 * number after number so that `<e, u>` stays 0, each taking its share of what the ones before it have left. That gives away nothing that f32 keeps:
 * u is where all stored vectors have one and the same part, so whoever holds f32 vectors finds u in them, and could round them so himself. What is left of
 * the error has about a quarter of the deviation of the default noise (`npm run bench -- vectors`).
 *
 * M is never written out: `M^T = Q2^T D Q1^T` and `M^-1 = Q2^T D^-1 Q1^T` are applied reflection by reflection. That costs twice the multiplications of a
 * matrix product, and none of the 10 d'^3 for making the matrices and their inverses; d'^2 numbers a matrix serve both.
 * @module
 */
import { assertBytes, assertFloats, assertInteger, assertNumber } from '../base/assert.ts';
import { SCALE_BYTES, setScale } from '../base/stored-vector.ts';
import { chachaWords } from './key-words.ts';
import { Noise, wordBelow } from './random.ts';
import { Reflections, reflectionWords } from './reflections.ts';
import { hold, wipe } from './wipe.ts';

/** U: slots of noise. */
export const NOISE_SLOTS = 32;
/** Vectors multiplied at a time: as many as stay in the cache beside one reflection. */
const BATCH = 16;

/** Parameters of a library's secure kNN. */
export interface SecureKnnOptions {
  /** Key `knn`, 32 bytes. */
  readonly key: Uint8Array;
  /** n: bits of a code, a multiple of 8, 8..=1024. */
  readonly bits: number;
  /** sigma: standard deviation of the noise, in the unit of `<p, q>`, for a query of length `sqrt(n)`. */
  readonly noise: number;
  /** s: standard deviation of the random part of a split. */
  readonly split: number;
}

/** One of M1, M2, as its factors: the names of its two orthogonal matrices, and what stands between them. */
interface Factors {
  readonly left: string;
  readonly right: string;
  readonly diagonal: Float64Array;
  readonly inverse: Float64Array;
}

interface Expanded {
  readonly split: Uint8Array;
  readonly places: Uint16Array;
  readonly first: Factors;
  readonly second: Factors;
  readonly reflections: Reflections;
}

/** u, and how much of its square lies in each entry and those after it. */
interface Shift {
  readonly direction: Float64Array;
  readonly rest: Float64Array;
}

/**
 * Encrypts codes and queries for ranking by the server.
 * @example
 * ```ts
 * const knn = new SecureKnn(module, { key: keys.get('knn'), bits: 832, noise: 4, split: 3 });
 * const stored = knn.seal(code);
 * const asked = knn.trapdoor(query); // the server ranks by the inner product of the two
 * ```
 */
export class SecureKnn {
  readonly bits: number;
  /** Numbers of a ciphertext or trapdoor: 2 (n + U + 1). */
  readonly dims: number;
  readonly #module: WebAssembly.Module;
  readonly #noise: number;
  readonly #split: number;
  readonly #key: Uint8Array;
  readonly #random = new Noise();
  #expanded: Expanded | undefined;
  #shift: Shift | undefined;
  #wiped = false;

  /**
   * @param module - Compiled kernels.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On numbers out of range. {@link RangeError}
   */
  constructor(module: WebAssembly.Module, { key, bits, noise, split }: SecureKnnOptions) {
    assertBytes(key, 'key', 32);
    assertInteger(bits, 'bits', 8, 1024);
    if (bits % 8 !== 0) throw new RangeError(`"bits" expected multiple of 8, got ${bits}`);
    assertNumber(noise, 'noise', 0, 1e4);
    assertNumber(split, 'split', 0, 1e4);
    this.#module = module;
    this.bits = bits;
    this.dims = 2 * (bits + NOISE_SLOTS + 1);
    this.#noise = noise;
    this.#split = split;
    this.#key = hold(key);
  }

  /**
   * Encrypts one stored code: f32[dims]. Two ciphertexts of one code differ.
   * @param code - `bits / 8` bytes, packed LSB first.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, or after {@link wipe}. {@link RangeError}
   */
  seal(code: Uint8Array): Float32Array<ArrayBuffer> {
    assertBytes(code, 'code', this.bits / 8);
    return this.sealMany(code, 1);
  }

  /**
   * Encrypts codes: f32[count * dims], one ciphertext after another.
   * @param codes - `count * bits / 8` bytes.
   * @throws On wrong argument types. {@link TypeError}
   * @throws On another length, or after {@link wipe}. {@link RangeError}
   */
  sealMany(codes: Uint8Array, count: number): Float32Array<ArrayBuffer> {
    assertInteger(count, 'count', 0, 2 ** 24);
    const codeBytes = this.bits / 8;
    assertBytes(codes, 'codes', count * codeBytes);
    const { split, places, first, second } = this.#expand();
    const side = this.dims / 2;
    const out = new Float32Array(count * this.dims);
    const deviation = this.#noise / Math.sqrt(this.bits);
    const [plain, a, b] = [new Float64Array(side), new Float64Array(BATCH * side), new Float64Array(BATCH * side)];
    for (let from = 0; from < count; from += BATCH) {
      const rows = Math.min(BATCH, count - from);
      for (let row = 0; row < rows; row++) {
        const code = codes.subarray((from + row) * codeBytes, (from + row + 1) * codeBytes);
        for (let i = 0; i < this.bits + NOISE_SLOTS; i++) plain[places[i]!] = deviation * this.#random.normal();
        for (let i = 0; i < this.bits; i++) plain[places[i]!]! += (code[i >> 3]! >> (i & 7)) & 1 ? 1 : -1;
        plain[places[side - 1]!] = 1;
        this.#share(plain, split, 1, a, b, row * side);
      }
      this.#multiply(first, first.diagonal, a, rows);
      this.#multiply(second, second.diagonal, b, rows);
      this.#gather(a, b, rows, out, from * this.dims);
    }
    wipe(plain, a, b);
    return out;
  }

  /**
   * A ciphertext as int8: i8[dims + 4], a `StoredVector`. Equal vectors give equal ones.
   * @param vector - f32[dims], as {@link seal} made it.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, a number that is not finite, or after {@link wipe}. {@link RangeError}
   */
  round(vector: Float32Array): Int8Array<ArrayBuffer> {
    assertFloats(vector, 'vector', this.dims);
    if (!vector.every(Number.isFinite)) throw new RangeError('"vector" expected finite numbers, got others');
    const { direction, rest } = (this.#shift ??= this.#findShift());
    const out = new Int8Array(this.dims + SCALE_BYTES);
    const scale = Math.fround(vector.reduce((most, number) => Math.max(most, Math.abs(number)), 0) / 127);
    let left = 0; // <e, u> so far
    for (let i = 0; scale > 0 && i < this.dims; i++) {
      // At most a step, since the last numbers may be too short in that direction to take what is left.
      const share = clamp((left * direction[i]!) / rest[i]!, scale);
      out[i] = clamp(Math.round((vector[i]! + share) / scale), 127);
      left += (vector[i]! - scale * out[i]!) * direction[i]!;
    }
    setScale(out, scale);
    return out;
  }

  #findShift(): Shift {
    const { places, first, second } = this.#expand();
    const side = this.dims / 2;
    const [a, b] = [new Float64Array(side), new Float64Array(side)];
    a[places[side - 1]!] = b[places[side - 1]!] = 1;
    this.#multiply(first, first.inverse, a, 1);
    this.#multiply(second, second.inverse, b, 1);
    const direction = new Float64Array(this.dims);
    direction.set(a);
    direction.set(b, side);
    const rest = new Float64Array(this.dims);
    for (let i = this.dims - 1, sum = 0; i >= 0; i--) rest[i] = sum += direction[i]! ** 2;
    wipe(a, b);
    return { direction, rest };
  }

  /**
   * Encrypts a query: f32[dims]. Two trapdoors of one query differ.
   * @param query - f32[bits], finite: weights times bits or scaled projections, about 1 in size.
   * @throws On a wrong argument type. {@link TypeError}
   * @throws On another length, a number that is not finite, or after {@link wipe}. {@link RangeError}
   */
  trapdoor(query: Float32Array): Float32Array<ArrayBuffer> {
    assertFloats(query, 'query', this.bits);
    if (!query.every(Number.isFinite)) throw new RangeError('"query" expected finite numbers, got others');
    const { split, places, first, second } = this.#expand();
    const side = this.dims / 2;
    const out = new Float32Array(this.dims);
    const [plain, a, b] = [new Float64Array(side), new Float64Array(side), new Float64Array(side)];
    const scale = 0.5 + 1.5 * this.#random.uniform(); // r
    for (let i = 0; i < this.bits; i++) plain[places[i]!] = scale * query[i]!;
    // The first half of a random order of the slots.
    const slots = Array.from({ length: NOISE_SLOTS }, (_, i) => i);
    for (let i = 0; i < NOISE_SLOTS / 2; i++) {
      const j = i + this.#random.below(NOISE_SLOTS - i);
      [slots[i], slots[j]] = [slots[j]!, slots[i]!];
      plain[places[this.bits + slots[i]!]!] = scale;
    }
    plain[places[side - 1]!] = this.bits * (2 * this.#random.uniform() - 1); // t
    this.#share(plain, split, 0, a, b, 0);
    this.#multiply(first, first.inverse, a, 1);
    this.#multiply(second, second.inverse, b, 1);
    this.#gather(a, b, 1, out, 0);
    wipe(plain, a, b);
    return out;
  }

  /** Overwrites the key and what was made from it. */
  wipe(): void {
    this.#wiped = true;
    wipe(this.#key, this.#expanded?.split, this.#shift?.direction, this.#shift?.rest);
    this.#expanded?.places.fill(0);
    for (const factors of [this.#expanded?.first, this.#expanded?.second]) wipe(factors?.diagonal, factors?.inverse);
    this.#expanded?.reflections.wipe();
    this.#expanded = undefined;
    this.#shift = undefined;
  }

  /** Two shares of `plain`: at entries where S equals `side` their sum is the entry, elsewhere both are the entry. */
  #share(plain: Float64Array, split: Uint8Array, side: number, a: Float64Array, b: Float64Array, at: number): void {
    for (let i = 0; i < plain.length; i++) {
      const value = plain[i]!;
      if (split[i] === side) {
        const part = value / 2 + this.#split * this.#random.normal();
        a[at + i] = part;
        b[at + i] = value - part;
      } else a[at + i] = b[at + i] = value;
    }
  }

  /** `rows <- right^T diagonal left^T rows`, in place: M^T with the diagonal, M^-1 with its inverse. */
  #multiply({ left, right }: Factors, diagonal: Float64Array, rows: Float64Array, count: number): void {
    const { reflections } = this.#expand();
    const side = this.dims / 2;
    reflections.apply(left, rows, count);
    for (let row = 0; row < count; row++) for (let i = 0; i < side; i++) rows[row * side + i]! *= diagonal[i]!;
    reflections.apply(right, rows, count);
  }

  #gather(a: Float64Array, b: Float64Array, rows: number, out: Float32Array, at: number): void {
    const side = this.dims / 2;
    for (let row = 0; row < rows; row++, at += this.dims) {
      out.set(a.subarray(row * side, (row + 1) * side), at);
      out.set(b.subarray(row * side, (row + 1) * side), at + side);
    }
  }

  #expand(): Expanded {
    if (this.#wiped) throw new RangeError('"key" expected a key in use, got a wiped key');
    return (this.#expanded ??= expandKnnKey(this.#module, this.#key, this.dims / 2));
  }
}

function clamp(value: number, most: number): number {
  return Math.max(-most, Math.min(most, value));
}

/** S, pi, M1 and M2 from the key, for `side` = d'. */
function expandKnnKey(module: WebAssembly.Module, key: Uint8Array, side: number): Expanded {
  const split = Uint8Array.from(chachaWords(key, 'split', side), (word) => word & 1);

  // Twice as many words as swaps: a rejection has a chance below 2^-21, so they never run out.
  const words = chachaWords(key, 'permute', 2 * side);
  let next = 0;
  const places = Uint16Array.from({ length: side }, (_, i) => i);
  for (let i = side - 1; i > 0; i--) {
    const j = wordBelow(() => words[next++]!, i + 1);
    [places[i], places[j]] = [places[j]!, places[i]!];
  }

  const factors = (m: number): Factors => {
    const diagonal = Float64Array.from(chachaWords(key, `diagonal/${m}`, side), (word) => 0.5 + word * 2 ** -32 * 1.5);
    return {
      left: `reflect/${2 * m - 1}`,
      right: `reflect/${2 * m}`,
      diagonal,
      inverse: diagonal.map((entry) => 1 / entry),
    };
  };
  const [first, second] = [factors(1), factors(2)];
  const names = [first.left, first.right, second.left, second.right];
  const reflections = new Reflections(module, side, BATCH, names, (name) =>
    chachaWords(key, name, reflectionWords(side)),
  );
  return { split, places, first, second, reflections };
}
