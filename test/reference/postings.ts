/** The definition: a map of lists, and a set of what was seen. */
export function lookUp(lists: ReadonlyMap<bigint, readonly number[]>, query: Iterable<bigint>): number[] {
  const seen = new Set<number>();
  for (const token of query) for (const record of lists.get(token) ?? []) seen.add(record);
  return [...seen];
}
