/**
 * The options that choose a prefilter: the family of tokens, and its numbers.
 * @module
 */
import { DEFAULT_PREFILTERS, type Prefilter } from '../client/index-parameters.ts';
import type { TokenFamilyName } from '../crypto/token-family.ts';

/** As the command line gives them. */
export interface PrefilterOptions {
  readonly family?: TokenFamilyName;
  readonly tables?: number;
  readonly sampledBits?: number;
  readonly assigned?: number;
  readonly probes?: number;
}

/**
 * The prefilter that options ask for: numbers of one family name it; what is left open stays as in `base`, or is the default of
 * another family.
 * @throws On numbers of two families. {@link RangeError}
 */
export function choosePrefilter(base: Prefilter, options: PrefilterOptions): Prefilter {
  const { tables, sampledBits, assigned, probes } = options;
  const lsh = tables !== undefined || sampledBits !== undefined;
  const family = options.family ?? (lsh ? 'lsh' : assigned !== undefined ? 'centroids' : base.family);
  if (family === 'lsh') {
    if (assigned !== undefined) throw new RangeError('"--assigned" expected family centroids, got lsh');
    const given = base.family === 'lsh' ? base : DEFAULT_PREFILTERS.lsh;
    return {
      family,
      tables: tables ?? given.tables,
      sampledBits: sampledBits ?? given.sampledBits,
      probes: probes ?? given.probes,
    };
  }
  if (lsh)
    throw new RangeError(
      `"${tables === undefined ? '--sampled-bits' : '--tables'}" expected family lsh, got centroids`,
    );
  const given = base.family === 'centroids' ? base : DEFAULT_PREFILTERS.centroids;
  return { family, assigned: assigned ?? given.assigned, probes: probes ?? given.probes };
}

/** Whether any of the options was given. */
export function asksForPrefilter({ family, tables, sampledBits, assigned, probes }: PrefilterOptions): boolean {
  return [family, tables, sampledBits, assigned, probes].some((value) => value !== undefined);
}

/** What the server stores and is asked for, for people. */
export function describePrefilter(prefilter: Prefilter): string {
  return prefilter.family === 'lsh'
    ? `lsh, ${prefilter.tables} tables of ${prefilter.sampledBits} bits, ${prefilter.probes} probes in each`
    : `centroids, ${prefilter.assigned} a photo, ${prefilter.probes} probes`;
}
