/**
 * Which images are alike, from the tokens they share, without a key, a query or a known image.
 *
 * Images in one bucket have one token. The more tokens two images share, the more alike they are; rare tokens say more.
 * Works on any family of tokens, and on whatever the server calls a token.
 * @module
 */
import { nearestCodes, neighbourShare, type NeighbourShare } from './neighbours.ts';

/** What tokens tell. */
export interface CoOccurrenceResult extends NeighbourShare {
  /** Tokens stored, and distinct ones. */
  readonly tokens: number;
  readonly distinct: number;
  /** Share of the images that share a token with no other one: nothing is known of these. */
  readonly alone: number;
}

/**
 * @param tokens - Per image, as stored.
 * @param codes - u8[count * codeBytes]: the truth, to measure by.
 * @param asked - Images whose neighbours are looked for.
 */
export function tokenCoOccurrence(
  tokens: readonly BigUint64Array[],
  codes: Uint8Array,
  asked: Uint32Array,
): CoOccurrenceResult {
  const count = tokens.length;
  const postings = new Map<bigint, number[]>();
  tokens.forEach((own, image) => {
    for (const token of own) {
      const list = postings.get(token);
      if (list === undefined) postings.set(token, [image]);
      else list.push(image);
    }
  });
  const likeness = (image: number): Float64Array => {
    const scores = new Float64Array(count);
    for (const token of tokens[image]!) {
      const list = postings.get(token)!;
      // As the inverse document frequency of a word.
      const weight = Math.log(count / list.length);
      for (const other of list) scores[other]! += weight;
    }
    return scores;
  };
  const truth = nearestCodes(codes, codes.length / count, asked);
  const alone = tokens.filter((own) => own.every((token) => postings.get(token)!.length === 1)).length;
  return {
    ...neighbourShare(truth, asked, count, likeness),
    tokens: tokens.reduce((sum, own) => sum + own.length, 0),
    distinct: postings.size,
    alone: alone / count,
  };
}
