/** Interpolated precision by its definition: the best precision at any cut whose recall is the level or more. */
export function precisionAtRecall(
  relevantInOrder: readonly boolean[],
  count: number,
  levels: readonly number[],
): number[] {
  const cuts = relevantInOrder.map((_, i) => {
    const found = relevantInOrder.slice(0, i + 1).filter(Boolean).length;
    return { recall: found / count, precision: found / (i + 1) };
  });
  return levels.map((level) =>
    Math.max(0, ...cuts.filter(({ recall }) => recall > level - 1e-9).map(({ precision }) => precision)),
  );
}
