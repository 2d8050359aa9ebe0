/**
 * Secret random bytes and noise, from the platform's generator.
 *
 * Noise passes through `Math.log` and `Math.cos`, which differ between engines by a last bit. Nothing
 * ever draws the same noise twice, so that is no matter here; keys are expanded by `key-words.ts`.
 * @module
 */

/** Words drawn at a time; the platform gives at most 65,536 bytes a call. */
const WORDS = 4096;

/** Random bytes: keys, nonces, salts. */
export function randomBytes(count: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** Random numbers, unpredictable and never repeated. */
export class Noise {
  readonly #words = new Uint32Array(WORDS);
  #next = WORDS;
  #spare: number | undefined;

  /** A uniform u32. */
  word(): number {
    if (this.#next === WORDS) {
      crypto.getRandomValues(this.#words);
      this.#next = 0;
    }
    const word = this.#words[this.#next]!;
    this.#words[this.#next++] = 0;
    return word;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) * 2 ** -53;
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Uniform integer in `0 .. count`, by rejection. */
  below(count: number): number {
    return wordBelow(() => this.word(), count);
  }
}

/**
 * Uniform integer in `0 .. count` from uniform u32 words: words from `floor(2^32 / count) * count` on are
 * thrown away, then `word mod count`. Integers only.
 */
export function wordBelow(word: () => number, count: number): number {
  const limit = 2 ** 32 - (2 ** 32 % count);
  for (;;) {
    const drawn = word();
    if (drawn < limit) return drawn % count;
  }
}
