/**
 * The three rankings by name.
 * @module
 */
import type { Ranking } from '../protocol/messages.ts';
import { ClientRanker } from './client-ranker.ts';
import type { Ranker, RankerOptions } from './ranker.ts';
import { ServerRanker } from './server-ranker.ts';
import { SplitRanker } from './split-ranker.ts';

const RANKERS: Record<Ranking, new (options: RankerOptions) => Ranker> = {
  server: ServerRanker,
  split: SplitRanker,
  client: ClientRanker,
};

export function createRanker(options: RankerOptions): Ranker {
  return new RANKERS[options.index.ranking](options);
}
