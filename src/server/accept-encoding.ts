/**
 * The `Accept-Encoding` header, RFC 9110 section 12.5.3.
 * @module
 */

/** What files are encoded with, the smallest first. */
const ENCODINGS = ['br', 'gzip'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * @param header - `gzip, br;q=0.5`; null where there is none.
 * @returns The first of {@link ENCODINGS} that the client takes; undefined where it takes none of them.
 */
export function acceptedEncoding(header: string | null): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((each) => each.trim());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, quality === undefined ? 1 : Number(quality.slice(2)));
  }
  // What is not named is as `*` says; what is no number is no.
  return ENCODINGS.find((encoding) => (weights.get(encoding) ?? weights.get('*') ?? 0) > 0);
}
