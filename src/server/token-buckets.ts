/**
 * How often someone may ask: token buckets. A bucket holds `burst` requests and is filled at `perSecond`.
 * @module
 */

export class TokenBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /**
   * Takes one request out of a bucket.
   * @param now - In milliseconds, from any start.
   * @returns Seconds to wait before asking again: 0 when the request may go on.
   */
  take(name: string, now: number): number {
    const { left, at } = this.#buckets.get(name) ?? { left: this.#burst, at: now };
    const filled = Math.min(this.#burst, left + (Math.max(0, now - at) / 1000) * this.#perSecond);
    this.#buckets.set(name, { left: filled < 1 ? filled : filled - 1, at: now });
    return filled < 1 ? (1 - filled) / this.#perSecond : 0;
  }
}
