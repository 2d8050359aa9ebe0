/**
 * Which images are alike, from the order in which they came: what every server sees, under every ranking.
 *
 * People add folders, and folders hold what belongs together.
 * @module
 */
import { nearestCodes, neighbourShare, type NeighbourShare } from './neighbours.ts';

/**
 * @param places - f64[count]: when each image came, by the server's count.
 * @param codes - u8[count * codeBytes]: the truth, to measure by.
 * @param asked - Images whose neighbours are looked for.
 */
export function insertionOrder(places: Float64Array, codes: Uint8Array, asked: Uint32Array): NeighbourShare {
  const count = places.length;
  return neighbourShare(nearestCodes(codes, codes.length / count, asked), asked, count, (image) =>
    places.map((place) => -Math.abs(place - places[image]!)),
  );
}
