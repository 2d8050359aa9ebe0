/**
 * The `Range` header, RFC 9110 section 14: one range of bytes. Several at once are not served, and the header then
 * counts as absent, which the section allows.
 * @module
 */

/** Bytes `from ..< to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * @param header - `bytes=FROM-TO`, `bytes=FROM-` or `bytes=-LAST`.
 * @param total - Bytes there are.
 * @returns `whole` where no range was asked for, `unsatisfiable` where none of it is there.
 */
export function parseRange(header: string | null, total: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const count = Math.min(total, Number(last));
    return count === 0 ? 'unsatisfiable' : { from: total - count, to: total };
  }
  const from = Number(first);
  const to = last === '' ? total : Math.min(total, Number(last) + 1);
  if (last !== '' && Number(last) < from) return 'whole';
  return from >= total ? 'unsatisfiable' : { from, to };
}
